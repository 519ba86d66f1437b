"""Chromium's own virtual passkeys (the DevTools protocol's domain WebAuthn)."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page


class VirtualKey:
    """A passkey or security key before one page. It answers by itself unless told to wait."""

    def __init__(self, page: Page, *, transport: str = "internal", verifies: bool = True) -> None:
        self._session = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable", {"enableUI": False})
        options = {
            "protocol": "ctap2",
            "transport": transport,
            "hasResidentKey": verifies,
            "hasUserVerification": verifies,
            "isUserVerified": verifies,
            "automaticPresenceSimulation": True,
        }
        made = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        self._id = {"authenticatorId": made["authenticatorId"]}

    def waits(self) -> None:
        """Have nobody touch it from now on."""
        self._touched(by_itself=False)

    def answers(self) -> None:
        """Have it touched whenever it is asked."""
        self._touched(by_itself=True)

    def _touched(self, *, by_itself: bool) -> None:
        touched = self._id | {"enabled": by_itself}
        self._session.send("WebAuthn.setAutomaticPresenceSimulation", touched)

    def held(self) -> list[dict[str, Any]]:
        """What it holds."""
        found: list[dict[str, Any]] = self._session.send("WebAuthn.getCredentials", self._id)[
            "credentials"
        ]
        return found

    def set_back(self) -> None:
        """Set its counter to what a copy made at the start would say."""
        for one in self.held():
            which = self._id | {"credentialId": one["credentialId"]}
            self._session.send("WebAuthn.removeCredential", which)
            copy = self._id | {"credential": one | {"signCount": 0}}
            self._session.send("WebAuthn.addCredential", copy)

    def remove(self) -> None:
        """Take it out of the machine."""
        self._session.send("WebAuthn.removeVirtualAuthenticator", self._id)

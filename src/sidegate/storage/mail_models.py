"""The tables of mail sign-ins. Times as in `models`."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class WrongSecret(models.Model):
    """A wrong secret that was tried: keyed, truncated digests, kept for 24 hours."""

    id = models.BigAutoField(primary_key=True)
    login_digest = models.BinaryField(max_length=16)
    network = models.CharField(max_length=50)
    secret_digest = models.BinaryField(max_length=8)
    at = models.BigIntegerField()
    checked_at = models.BigIntegerField(null=True)
    """When it was judged after its refusal, where it was."""
    right_at = models.BigIntegerField(null=True)
    """When it was found to be the account's own password: it counts no longer."""

    class Meta:
        db_table = "wrong_secret"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["login_digest", "network", "secret_digest"], name="wrong_secret_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["network", "at"], name="wrong_secret_by_network"),
            models.Index(fields=["at"], name="wrong_secret_by_age"),
        ]

    def __str__(self) -> str:
        return f"wrong secret {self.pk}"


class RightRefused(models.Model):
    """The newest mail program of an account that was refused with its right password."""

    account = models.OneToOneField("storage.Account", on_delete=models.CASCADE, primary_key=True)
    at = models.BigIntegerField()
    protocol = models.CharField(max_length=16)
    program = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    told_at = models.BigIntegerField(null=True)
    """When a message about such a program was last sent."""

    class Meta:
        db_table = "right_refused"

    def __str__(self) -> str:
        return f"right but refused, account {self.account_id}"


class FamiliarNetwork(models.Model):
    """A network that an account signed in from, and when last."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("storage.Account", on_delete=models.CASCADE)
    network = models.CharField(max_length=50)
    at = models.BigIntegerField()

    class Meta:
        db_table = "familiar_network"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "network"], name="familiar_network_once"),
        ]

    def __str__(self) -> str:
        return f"familiar network {self.pk}"


class Sighting(models.Model):
    """A mail program that signed in, by what tells it from others; see `storage/sightings`."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("storage.Account", on_delete=models.CASCADE, db_index=False)
    protocol = models.CharField(max_length=16)
    network = models.CharField(max_length=50)
    """As `decisions.throttle.network_of` names it."""
    program = models.CharField(max_length=200, blank=True)
    """What it calls itself (the IMAP ID); empty where it does not."""
    mechanism = models.CharField(max_length=32, blank=True)
    """The SASL mechanism, in capitals; empty where it is not known."""
    credential = models.CharField(max_length=16)
    """One of `storage.sightings.Credential`."""
    first_at = models.BigIntegerField()
    last_at = models.BigIntegerField()
    last_address = models.CharField(max_length=45, blank=True)
    count = models.BigIntegerField()
    """Sign-ins seen; those of the last minute may not be in it yet."""

    class Meta:
        db_table = "sighting"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account", "protocol", "network", "program", "mechanism", "credential"],
                name="sighting_once",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["last_at"], name="sighting_by_age")]

    def __str__(self) -> str:
        return f"sighting {self.pk}"


class GraceWindow(models.Model):
    """What may go on with the account password while 2-step is on; see `decisions/grace`."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("storage.Account", on_delete=models.CASCADE)
    protocol = models.CharField(max_length=16)
    network = models.CharField(max_length=50)
    program = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200, blank=True)
    """The mail program that it belongs to, as the owner saw it; empty where it has no name."""
    address = models.CharField(max_length=45)
    """Where that mail program had signed in from last."""
    given_at = models.BigIntegerField()
    until = models.BigIntegerField()
    ended_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "grace_window"
        indexes: ClassVar = [models.Index(fields=["until"], name="grace_window_by_end")]

    def __str__(self) -> str:
        return f"grace window {self.pk}"


class MailSession(models.Model):
    """An open mail session on one host: the process that serves it, and what opened it."""

    id = models.BigAutoField(primary_key=True)
    host = models.CharField(max_length=255)
    process_id = models.IntegerField()
    process_started = models.BigIntegerField()
    """The process's start time as the kernel counts it: tells it from a later one.

    0 where the process cannot be seen from here: in a container, or on another host.
    """
    account = models.ForeignKey("storage.Account", on_delete=models.CASCADE)
    app_password = models.ForeignKey("storage.AppPassword", on_delete=models.CASCADE, null=True)
    grace_window = models.ForeignKey(GraceWindow, on_delete=models.SET_NULL, null=True)
    password_version = models.IntegerField()
    protocol = models.CharField(max_length=16)
    address = models.CharField(max_length=45, db_default="")
    """Where it came from."""
    opened_at = models.BigIntegerField()
    told_at = models.BigIntegerField(null=True)
    """When its mail server was last told to end it."""

    class Meta:
        db_table = "mail_session"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["host", "process_id", "process_started"], name="mail_session_once"
            ),
        ]

    def __str__(self) -> str:
        return f"mail session {self.pk}"

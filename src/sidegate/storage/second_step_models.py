"""The tables of second steps, but for phones. Times as in `models`."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Totp(models.Model):
    """An authenticator app (RFC 6238); its secret is sealed (`storage/sealed`)."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("storage.Account", on_delete=models.CASCADE, related_name="totps")
    name = models.CharField(max_length=60)
    secret = models.BinaryField()
    last_step = models.BigIntegerField()
    """The newest time step whose code was used: that one and those before it are over."""
    added_at = models.BigIntegerField()
    last_used_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "totp"

    def __str__(self) -> str:
        return f"authenticator app {self.pk}"


class Passkey(models.Model):
    """A passkey or security key (WebAuthn level 3): its public half."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        "storage.Account", on_delete=models.CASCADE, related_name="passkeys"
    )
    credential_id = models.BinaryField(max_length=1023, unique=True)
    public_key = models.BinaryField()
    """COSE_Key."""
    sign_count = models.BigIntegerField()
    name = models.CharField(max_length=60)
    transports = models.CharField(max_length=100, blank=True)
    """As the browser named them, parted by commas."""
    user_verified = models.BooleanField()
    """Whether it verified its owner (PIN, finger, face) when it was added."""
    discoverable = models.BooleanField()
    """Whether it can name its account, for a sign-in without an address."""
    added_at = models.BigIntegerField()
    last_used_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "passkey"

    def __str__(self) -> str:
        return f"passkey {self.pk}"


class UsedChallenge(models.Model):
    """A challenge of the sign-in page that a passkey answered rightly: it counts no more."""

    id = models.BigAutoField(primary_key=True)
    challenge = models.BinaryField(max_length=32, unique=True)
    used_at = models.BigIntegerField()

    class Meta:
        db_table = "used_challenge"
        indexes: ClassVar = [models.Index(fields=["used_at"], name="used_challenge_by_age")]

    def __str__(self) -> str:
        return f"used challenge {self.pk}"


class BackupCode(models.Model):
    """A code for when no other second step is at hand: a keyed digest, good once."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        "storage.Account", on_delete=models.CASCADE, related_name="backup_codes"
    )
    digest = models.BinaryField(max_length=32, unique=True)
    made_at = models.BigIntegerField()
    used_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "backup_code"

    def __str__(self) -> str:
        return f"backup code {self.pk}"


class TrustedBrowser(models.Model):
    """A browser whose sign-ins are not asked for a second step: a keyed digest of its cookie."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        "storage.Account", on_delete=models.CASCADE, related_name="trusted_browsers"
    )
    digest = models.BinaryField(max_length=32, unique=True)
    password_version = models.IntegerField()
    """The account password that was given with the second step: another one ends it."""
    program = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)
    made_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    last_used_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "trusted_browser"
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="trusted_browser_by_expiry")]

    def __str__(self) -> str:
        return f"trusted browser {self.pk}"


class KnownBrowser(models.Model):
    """A browser that an account was signed in with: a keyed digest of its cookie, no more."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("storage.Account", on_delete=models.CASCADE, db_index=False)
    digest = models.BinaryField(max_length=32, unique=True)
    seen_at = models.BigIntegerField()
    """When it was last signed in."""
    first_at = models.BigIntegerField(db_default=0)
    """When it was new; 0 where nobody knows any more."""

    class Meta:
        db_table = "known_browser"
        indexes: ClassVar = [
            models.Index(fields=["account", "seen_at"], name="known_browser_by_account"),
            models.Index(fields=["seen_at"], name="known_browser_by_age"),
        ]

    def __str__(self) -> str:
        return f"known browser {self.pk}"


class CodeTry(models.Model):
    """A code that was presented as a second step, and was not right."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("storage.Account", on_delete=models.CASCADE, db_index=False)
    network = models.CharField(max_length=50)
    at = models.BigIntegerField()

    class Meta:
        db_table = "code_try"
        indexes: ClassVar = [models.Index(fields=["account", "at"], name="code_try_by_account")]

    def __str__(self) -> str:
        return f"code try {self.pk}"

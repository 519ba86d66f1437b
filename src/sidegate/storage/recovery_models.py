"""The tables of ways back in. Times as in `models`."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class PasswordReset(models.Model):
    """A link to a recovery address by which a new account password is set: a keyed digest."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("storage.Account", on_delete=models.CASCADE)
    digest = models.BinaryField(max_length=32, unique=True)
    password_version = models.IntegerField()
    """The account password at that time: another one ends it."""
    expires_at = models.BigIntegerField()
    used_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "password_reset"
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="password_reset_by_expiry")]

    def __str__(self) -> str:
        return f"password reset {self.pk}"


class Recovery(models.Model):
    """A waiting recovery; what its columns mean, `decisions.recovery` says."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(
        "storage.Account", on_delete=models.CASCADE, related_name="recoveries"
    )
    password_version = models.IntegerField()
    began_at = models.BigIntegerField()
    ended_at = models.BigIntegerField(null=True)
    outcome = models.CharField(max_length=16, blank=True)
    """A word of `accounts.recovery_rows.Outcome`; empty until it has ended."""
    browser_digest = models.BinaryField(max_length=32, unique=True)
    """Keyed digest of the cookie of the browser that began it."""
    stop_digest = models.BinaryField(max_length=32, unique=True)
    """The same of the token of the link that stops it."""
    program = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        db_table = "recovery"
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["account"],
                condition=models.Q(ended_at=None),
                name="recovery_one_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"recovery {self.pk}"

"""The tables of what was there before a change, for as long as a link may put it back."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

OF_A_PHONE = ("number", "channel", "name", "added_at", "last_used_at", "preferred_at")
"""The columns that a phone and a former one share."""


class FormerAddress(models.Model):
    """A recovery address that was replaced or removed; empty where there was none."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("storage.Account", on_delete=models.CASCADE)
    address = models.CharField(max_length=254, blank=True)
    until = models.BigIntegerField()
    """When it was replaced."""

    class Meta:
        db_table = "former_address"
        indexes: ClassVar = [models.Index(fields=["until"], name="former_address_by_age")]

    def __str__(self) -> str:
        return f"former address {self.pk}"


class FormerPhone(models.Model):
    """A phone whose number was changed; see `OF_A_PHONE`."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey("storage.Account", on_delete=models.CASCADE)
    number = models.CharField(max_length=20)
    channel = models.CharField(max_length=8)
    name = models.CharField(max_length=60, blank=True)
    added_at = models.BigIntegerField()
    last_used_at = models.BigIntegerField(null=True)
    preferred_at = models.BigIntegerField()
    until = models.BigIntegerField()
    """When it was replaced."""

    class Meta:
        db_table = "former_phone"
        indexes: ClassVar = [models.Index(fields=["until"], name="former_phone_by_age")]

    def __str__(self) -> str:
        return f"former phone {self.pk}"

"""Every table. All times are integer milliseconds since the Unix epoch, UTC."""

from __future__ import annotations

import secrets
from typing import ClassVar

from django.db import models

from sidegate.storage import (  # noqa: F401 - more tables of this database
    former_models,
    mail_models,
    recovery_models,
    second_step_models,
)


class Account(models.Model):
    """A mailbox owner, under her canonical address."""

    id = models.BigAutoField(primary_key=True)
    address = models.CharField(max_length=254, unique=True)
    name = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=16, blank=True)
    seen_language = models.CharField(max_length=16, blank=True, db_default="")
    """That of the pages when a browser of its owner's signed in; for messages, where she chose
    none. Empty until one did."""
    time_zone = models.CharField(max_length=64, blank=True, db_default="")
    """An IANA name; empty for the machine's own."""
    recovery_address = models.CharField(max_length=254, blank=True, db_default="")
    """Another mailbox of its owner's, verified by a code; empty where there is none."""
    enabled = models.BooleanField(default=True)
    is_operator = models.BooleanField(db_default=False)
    """May see `/operator`, once 2-step is on."""
    password_hash = models.CharField(max_length=200)
    password_version = models.IntegerField(default=1)
    """Goes up at each change: names the current hash."""
    password_changed_at = models.BigIntegerField()
    password_given = models.BooleanField(db_default=False)
    """Somebody else made it, and its owner has not chosen one since."""
    two_step_since = models.BigIntegerField(null=True)
    steps_removed = models.IntegerField(db_default=0)
    """Goes up with each second step that is taken off, or phone's number that is changed."""
    created_at = models.BigIntegerField()
    passkey_handle = models.BinaryField(max_length=64, null=True, unique=True)
    """What passkeys know the account by: random, drawn for the first of them."""
    locked_at = models.BigIntegerField(null=True)
    """When its owner locked it by the link of a notice: it is not enabled since then."""

    class Meta:
        db_table = "account"

    def __str__(self) -> str:
        return self.address

    @property
    def two_step(self) -> bool:
        """Whether 2-Step Verification is on."""
        return self.two_step_since is not None


class Phone(models.Model):
    """A verified phone that codes go to."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="phones")
    number = models.CharField(max_length=20)
    """E.164."""
    channel = models.CharField(max_length=8)
    """The preferred way: sms or voice."""
    name = models.CharField(max_length=60, blank=True, db_default="")
    """What its owner calls it; empty where the number says enough."""
    added_at = models.BigIntegerField()
    last_used_at = models.BigIntegerField(null=True)
    preferred_at = models.BigIntegerField(db_default=0)
    """The phone that was preferred last is tried first."""

    class Meta:
        db_table = "phone"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["account", "number"], name="phone_once_an_account"),
        ]

    def __str__(self) -> str:
        return f"phone {self.pk}"


class AppPassword(models.Model):
    """A password for one mail program; only its keyed digest is kept."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="app_passwords")
    digest = models.BinaryField(max_length=32, unique=True)
    key_id = models.CharField(max_length=16)
    app = models.CharField(max_length=16)
    device = models.CharField(max_length=16)
    scopes = models.CharField(max_length=64)
    """Protocols, parted by commas."""
    created_at = models.BigIntegerField()
    revoked_at = models.BigIntegerField(null=True)
    last_used_at = models.BigIntegerField(null=True)
    last_used_address = models.CharField(max_length=45, blank=True)
    last_used_protocol = models.CharField(max_length=16, blank=True)
    last_used_program = models.CharField(max_length=200, blank=True)
    made_for = models.CharField(max_length=200, blank=True)
    """The mail program that it was made for, where that was known beforehand."""
    label = models.CharField(max_length=80, db_default="")
    """The name that its owner gave it; empty where it has the usual one."""
    expires_at = models.BigIntegerField(null=True)
    paused_at = models.BigIntegerField(null=True)
    networks = models.TextField(db_default="")
    """Where it opens anything, as `decisions.networks` writes them; empty: everywhere."""
    sender = models.CharField(max_length=254, db_default="")
    """The one address that it may send as; empty: any of its owner's."""
    daily_most = models.IntegerField(null=True)
    """Messages that it may send a day (UTC), one for each recipient."""
    sent_day = models.IntegerField(db_default=0)
    """The day, counted since the Unix epoch, that `sent_count` is of."""
    sent_count = models.IntegerField(db_default=0)

    class Meta:
        db_table = "app_password"

    def __str__(self) -> str:
        return f"app password {self.pk}"


class Challenge(models.Model):
    """A one-time code that was asked for: which browser asked, and what became of it."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    purpose = models.CharField(max_length=16)
    number = models.CharField(max_length=20)
    channel = models.CharField(max_length=8)
    digest = models.BinaryField(max_length=32)
    tries = models.IntegerField(default=0)
    created_at = models.BigIntegerField()
    sent_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    consumed_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "challenge"
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="challenge_by_expiry")]

    def __str__(self) -> str:
        return f"challenge {self.pk}"


class RecoveryChange(models.Model):
    """A recovery address that waits for the code which was sent to it; one an account."""

    account = models.OneToOneField(Account, on_delete=models.CASCADE, primary_key=True)
    address = models.CharField(max_length=254)
    digest = models.BinaryField(max_length=32)
    tries = models.IntegerField(default=0)
    asked_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()

    class Meta:
        db_table = "recovery_change"

    def __str__(self) -> str:
        return f"recovery change, account {self.account_id}"


class SendSubject(models.Model):
    """The lock under which codes are counted (writing its row), or what is told once a day."""

    subject = models.CharField(max_length=64, primary_key=True)
    touched_at = models.BigIntegerField()

    class Meta:
        db_table = "send_subject"

    def __str__(self) -> str:
        return self.subject


class CodeSend(models.Model):
    """One code that was to be sent, for the limits; see `storage/sends`."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, db_index=False)
    number = models.CharField(max_length=32)
    """A keyed digest."""
    network = models.CharField(max_length=50)
    prefix = models.CharField(max_length=8)
    at = models.BigIntegerField()
    price = models.BigIntegerField()
    """In millionths of the operator's currency."""
    job = models.BigIntegerField()
    outcome = models.CharField(max_length=8)

    class Meta:
        db_table = "code_send"
        indexes: ClassVar = [
            models.Index(fields=["account", "at"], name="code_send_by_account"),
            models.Index(fields=["number", "at"], name="code_send_by_number"),
            models.Index(fields=["network", "at"], name="code_send_by_network"),
            models.Index(fields=["prefix", "at"], name="code_send_by_prefix"),
            models.Index(fields=["at"], name="code_send_by_age"),
            models.Index(fields=["job"], name="code_send_by_job"),
        ]

    def __str__(self) -> str:
        return f"code send {self.pk}"


class Job(models.Model):
    """What has to be done once, after a change was committed; see `storage/jobs`."""

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=32)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True)
    subject = models.CharField(max_length=64, blank=True)
    """What it belongs to, in words of its kind."""
    state = models.CharField(max_length=16)
    """`waiting`, or how it ended, in a word of its kind."""
    why = models.CharField(max_length=32, blank=True)
    made_at = models.BigIntegerField()
    due_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    taken_until = models.BigIntegerField(default=0)
    tries = models.IntegerField(default=0)
    finished_at = models.BigIntegerField(null=True)
    payload = models.BinaryField(null=True)
    """Sealed; gone once the job has ended."""
    by = models.CharField(max_length=32, blank=True)
    reference = models.CharField(max_length=200, blank=True)

    class Meta:
        db_table = "job"
        indexes: ClassVar = [
            models.Index(fields=["state", "due_at"], name="job_by_due"),
            models.Index(fields=["subject"], name="job_by_subject"),
            models.Index(fields=["by", "reference"], name="job_by_reference"),
            models.Index(fields=["expires_at"], name="job_by_expiry"),
        ]

    def __str__(self) -> str:
        return f"job {self.pk}"


def new_handle() -> str:
    """A name for a browser's session that nobody guesses."""
    return secrets.token_hex(16)


class WebSession(models.Model):
    """A browser's session; its key is stored as a keyed digest only."""

    key_digest = models.CharField(max_length=64, primary_key=True)
    handle = models.CharField(max_length=32, unique=True, default=new_handle)
    """What pages name it by: the same for its whole life, and opens nothing."""
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True)
    data = models.TextField()
    created_at = models.BigIntegerField()
    seen_at = models.BigIntegerField()
    expires_at = models.BigIntegerField()
    program = models.CharField(max_length=200, blank=True)
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        db_table = "web_session"
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="web_session_by_expiry")]

    def __str__(self) -> str:
        return "web session"


class LockLink(models.Model):
    """The link in a notice by which an owner locks her account: "This wasn't me"."""

    id = models.BigAutoField(primary_key=True)
    account = models.ForeignKey(Account, on_delete=models.CASCADE)
    digest = models.BinaryField(max_length=32, unique=True)
    since = models.BigIntegerField()
    """When what it tells of happened: app passwords made from then on go too."""
    expires_at = models.BigIntegerField()
    used_at = models.BigIntegerField(null=True)

    class Meta:
        db_table = "lock_link"
        indexes: ClassVar = [models.Index(fields=["expires_at"], name="lock_link_by_expiry")]

    def __str__(self) -> str:
        return f"lock link {self.pk}"


class Event(models.Model):
    """What happened, for the owner and the operator."""

    id = models.BigAutoField(primary_key=True)
    at = models.BigIntegerField()
    kind = models.CharField(max_length=32)
    account = models.ForeignKey(Account, on_delete=models.CASCADE, null=True, db_index=False)
    address = models.CharField(max_length=45, blank=True)
    protocol = models.CharField(max_length=16, blank=True)
    program = models.CharField(max_length=200, blank=True)
    reason = models.CharField(max_length=32, blank=True)
    app_password = models.ForeignKey(
        AppPassword, on_delete=models.SET_NULL, null=True, db_index=False, db_constraint=False
    )
    detail = models.TextField(default="{}")
    """A JSON object of the catalogue's details."""

    class Meta:
        db_table = "event"
        indexes: ClassVar = [models.Index(fields=["account", "id"], name="event_by_account")]

    def __str__(self) -> str:
        return f"event {self.pk}"

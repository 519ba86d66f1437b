"""Sidegate: two-step verification and app passwords for the mail server you already run."""

"""Every action that changes an account: check, write and event in one transaction."""

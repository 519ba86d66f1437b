"""The account pages: what the owner of a mailbox sees in a browser."""

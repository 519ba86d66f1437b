"""The private Dovecot: its configuration, its process, its places, local delivery."""

"""Codes on their way to a phone. Calls to a provider live here alone."""

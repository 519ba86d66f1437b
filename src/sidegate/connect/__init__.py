"""The lines for an operator's own servers, and the proof that they work."""

"""Who comes in: pure decisions, their words, and the ports they need."""

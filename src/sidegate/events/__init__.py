"""What is recorded: a closed catalogue, and nothing secret in it."""

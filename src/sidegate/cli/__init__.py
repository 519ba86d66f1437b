"""The command line: `sidegate COMMAND …`."""

from sidegate.cli.main import main

__all__ = ["main"]

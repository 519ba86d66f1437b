"""Where account passwords are judged."""

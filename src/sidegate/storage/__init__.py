"""What is kept: models, migrations, the fast reader, the writer, counters, keys."""

"""`sidegate passwords …`."""

from __future__ import annotations

from argparse import Namespace

from sidegate.cli.errors import DONE, Failure
from sidegate.cli.output import print_json, say
from sidegate.config import Config
from sidegate.storage import breached, password_lists


def learn(config: Config, arguments: Namespace) -> int:
    """`passwords learn`."""
    if not config.data.is_dir():
        raise Failure(
            f"there is no data folder {config.data}: run sidegate serve or sidegate migrate"
            " first, or name the folder with --data"
        )
    target = config.data / breached.FILE
    count = password_lists.learn(arguments.file, target)
    if arguments.json:
        print_json({"passwords": count, "file": str(target), "bytes": target.stat().st_size})
    else:
        say(f"Learnt {count:,} passwords into {target}. New passwords are held against it now.")
    return DONE

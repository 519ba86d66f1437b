"""Orders codes as a page would, in a process of its own: DATA NUMBER…"""

import sys
from pathlib import Path

from sidegate.config import load_config
from sidegate.serve import setup

ctx = setup(load_config(Path(sys.argv[1])))

from sidegate.accounts import codes, people  # noqa: E402 - models need configured settings
from sidegate.accounts.context import Origin  # noqa: E402

ORIGIN = Origin(by="owner")

for number in sys.argv[2:]:
    account = people.add(
        ctx,
        address=f"n{number[1:]}@example.test",
        name="",
        password="correct horse battery staple",
        origin=ORIGIN,
    )
    codes.begin(
        ctx,
        account=account,
        purpose="sign-in",
        number=number,
        channel="sms",
        binding="browser",
        origin=ORIGIN,
    )

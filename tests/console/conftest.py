"""The portal's people: an operator is one of them."""

from portal.conftest import (  # noqa: F401 - fixtures are found by their names
    _cheap_hashes,
    anna,
    inside,
    person,
    two_step,
)

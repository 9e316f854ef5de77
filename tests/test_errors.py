"""What a user is told can be printed."""

from __future__ import annotations

import sys

from elman.errors import InputError


def test_half_a_character_in_a_message_is_printed_as_its_number() -> None:
    error = InputError("no task \ud800", where="caf\u00e9\udcff.csv", remedy="give one")
    assert str(error) == "caf\u00e9\\udcff.csv: no task \\ud800; give one"
    print(error, file=sys.stdout)  # which is strict, as standard error is not
    assert error.where == "caf\u00e9\udcff.csv"  # the name itself stays, to be looked up

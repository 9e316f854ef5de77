"""What a user is told can be printed."""

from __future__ import annotations

import sys

from elman.errors import InputError, a_type, in_words


def test_half_a_character_in_a_message_is_printed_as_its_number() -> None:
    error = InputError("no task \ud800", where="caf\u00e9\udcff.csv", remedy="give one")
    assert str(error) == "caf\u00e9\\udcff.csv: no task \\ud800; give one"
    print(error, file=sys.stdout)  # which is strict, as standard error is not
    assert error.where == "caf\u00e9\udcff.csv"  # the name itself stays, to be looked up


def test_a_value_without_end_does_not_fill_the_screen() -> None:
    error = InputError(f"no engine {'x' * 100_000!r} here", where="model.json", remedy="choose native")
    assert str(error).startswith("model.json: no engine 'xxx")
    assert str(error).endswith("xxx' here; choose native")
    assert len(str(error)) < 700


def test_types_are_told_in_words() -> None:
    for said, told in (
        ("Expected `int`, got `str`", "expected a whole number, got text"),
        ("Expected `str | object | null`, got `array` - at `$.a[1]`", "expected text or a table, got a list"),
        ("Expected `bool`, got `null`", "expected true or false, got nothing"),
        ("Invalid enum value 'x' - at `$.kind`", "unknown value 'x'"),
        ("Expected `float` < 1.0 - at `$.a`", "expected a number < 1.0"),
    ):
        assert in_words(said) == told


def test_a_type_has_its_article() -> None:
    assert [a_type(value) for value in (3, 3.5, {}, [], object())] == [
        "an int",
        "a float",
        "a dict",
        "a list",
        "an object",
    ]

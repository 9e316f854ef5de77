"""What goes wrong, on sentences made to go wrong in one way each."""

from __future__ import annotations

import pytest

from elman.tasks.translate.faults import FAULTS, faults

SOURCE, RIGHT = (
    "Der alte Mann kaufte 12 Brote und 3,5 Liter Milch.",
    "The old man bought 12 loaves and 3,5 litres of milk.",
)
OTHERS = ["one or two more sentences in plain English", "so that words are what is counted"]


def found(answer: str, reference: str = RIGHT, source: str = SOURCE) -> list[str]:
    return faults([source, *OTHERS], [answer, *OTHERS], [reference, *OTHERS])[0]


@pytest.mark.parametrize(
    ("answer", "has"),
    [
        (RIGHT, []),
        ("The old man 12 3,5.", ["too short"]),
        ("", ["too short", "number lost"]),
        (f"{RIGHT} And then he went home again to eat all of it.", ["too long"]),
        ("The old old man bought 12 loaves and 3,5 litres of milk.", ["repeated"]),
        ("The old man bought 12 loaves bought 12 loaves and 3,5 litres of milk.", ["repeated"]),
        ("The alte man bought 12 loaves and 3,5 litres of milk.", ["untranslated"]),
        ("The old man bought loaves and 3,5 litres of milk.", ["number lost"]),
        ("The old man bought 12 loaves and 3 litres of milk.", ["number lost"]),
        ("The old man bought many loaves and some milk!", ["number lost"]),
    ],
)
def test_one_at_a_time(answer: str, has: list[str]) -> None:
    assert found(answer) == has


def test_what_the_reference_does_too_is_no_fault() -> None:
    assert found("very very old", "very very old", "sehr alt") == []
    assert found("das Hotel Adlon", "the Hotel Adlon", "Hotel Adlon") == []
    assert found("the Hotel", "the hotel", "Hotel") == ["untranslated"]
    assert found("twelve loaves", "twelve loaves", "12 Brote") == []
    assert found("a man", "an old man there", "Mann") == []  # two words fewer: that may be a matter of style


def test_without_blanks_by_characters() -> None:
    references = ["駅はどこですか私は本を読みます", "彼らはついにそれが真実だと認めた"]
    answers = ["駅はどこ", "彼らはついに彼らはついにそれが真実だと認めた"]
    assert faults(["a", "b"], answers, references) == [["too short"], []]
    assert faults(["a", "b"], ["駅はどこどこですか私は本を読みます", references[1]], references)[0] == ["repeated"]
    assert len(FAULTS) == 5

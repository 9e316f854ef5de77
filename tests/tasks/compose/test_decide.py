"""What nobody says of a composer's training is decided by the size of the set; what somebody says stays."""

from __future__ import annotations

import numpy as np
import pytest

from elman.data.music import Pieces
from elman.notes.roll import PITCHES
from elman.tasks.compose.decide import decide
from elman.tasks.find import recipe_of


def pieces(count: int) -> Pieces:
    return Pieces([np.zeros((1000, PITCHES), bool)] * count, [""] * count)


@pytest.mark.parametrize(("count", "members"), [(3, 4), (80, 1)])
def test_the_packaged_recipes_leave_it_open(count, members):
    for name in ("music", "folk"):
        _, recipe = recipe_of(name, [], {})
        found = decide(recipe, pieces(count))
        filled = found.of(recipe)
        assert filled.sections["model"].members == members
        assert filled.sections["training"].steps > 1000
        (line,) = found.lines
        assert line.startswith(f"{count * 1000:,} frames to learn from are {'few' if members > 1 else 'many'}: ")
        for section in filled.sections.values():
            getattr(section, "check", lambda: None)()


def test_what_is_given_stays():
    _, recipe = recipe_of("music", ["training.epochs=3", "model.members=2"], {})
    filled = decide(recipe, pieces(3)).of(recipe)
    assert (filled.sections["training"].epochs, filled.sections["training"].steps) == (3, 0)
    assert filled.sections["model"].members == 2
    assert filled.sections["model"].notes == 256


def test_a_recipe_that_says_something_is_taken_as_it_stands(tmp_path):
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\ntask = "compose"\n[data]\npath = "packaged:jsb"\n[model]\nhidden = 9\n', encoding="utf-8"
    )
    _, recipe = recipe_of(str(tmp_path / "mine.toml"), [], {})
    assert decide(recipe, pieces(3)).settings == {}

"""Bounds of settings: which numbers are taken, and the one line for those that are not."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import pytest

import elman
from elman.config.bounds import AboveZero, Chance, Count, NotNegative, Positive, Share, give
from elman.config.recipe import load_recipe
from elman.config.structs import check_values
from elman.errors import InputError
from elman.models.class_loss import LossSettings
from elman.models.classifier import ClassifierSettings
from elman.models.encoding import TextSettings
from elman.models.tagger import TaggerSettings

WHOLE = [1, 2, 2**63 - 1]
INSIDE: list[tuple[Any, list[Any], dict[Any, str]]] = [
    (Positive, WHOLE, {0: "at least 1", -3: "at least 1", 2**63: "less than 2^63", 2**80: "less than 2^63"}),
    (Count, [0, *WHOLE], {-1: "at least 0", 2**63: "less than 2^63"}),
    (AboveZero, [1e-300, 1, 1e300], dict.fromkeys([0, 0.0, -1.5, math.inf, math.nan], "a number above 0")),
    (NotNegative, [0, 0.0, 7.5], {-1e-9: "at least 0", -math.inf: "at least 0", math.nan: "at least 0"}),
    (Chance, [0, 0.0, 0.999], dict.fromkeys([-0.1, 1, 1.0, 2, math.inf, math.nan], "0 to below 1")),
    (Share, [0, 0.5, 1], dict.fromkeys([-0.1, 1.001, math.nan], "a share of 0 to 1")),
    (Annotated[int, msgspec.Meta(le=5)], [-9, 5], {6: "at most 5"}),
    (Annotated[int, msgspec.Meta(ge=2, le=5)], [2, 5], {1: "2 to 5", 6: "2 to 5"}),
]


@pytest.mark.parametrize(("kind", "good", "bad"), INSIDE)
def test_what_msgspec_refuses_is_what_is_told(kind: Any, good: list[Any], bad: dict[Any, str]) -> None:
    one = msgspec.defstruct("One", [("x", kind, good[0]), ("maybe", kind | None, None)])
    for value in good:
        check_values(one(x=value, maybe=value), "model")
        assert give(kind, value) == ""
    for value, told in bad.items():
        for key in ("x", "maybe"):
            with pytest.raises(InputError) as error:
                check_values(one(**{key: value}), "model")
            assert str(error.value) == f"model.{key}: {key} is {value}; give {told}"


# what each setting took before the bounds were types
LEAST: dict[type[msgspec.Struct], tuple[str, dict[str, int]]] = {
    TextSettings: ("text", {"min_count": 1, "max_words": 0, "max_length": 0}),
    ClassifierSettings: (
        "model",
        {"embedding": 1, "tag_embedding": 1, "hidden": 1, "layers": 1, "ngrams": 0, "ngram_letters": 0}
        | {"wide": 0, "stride": 1, "members": 1},
    ),
    TaggerSettings: (
        "model",
        {"hidden": 1, "layers": 1, "min_count": 1, "affix": 1, "word_dropout": 0}
        | {"word_dim": 0, "char_dim": 0, "char_hidden": 0, "case_dim": 0, "affix_dim": 0},
    ),
}
CHANCES: dict[type[msgspec.Struct], tuple[str, tuple[str, ...]]] = {
    ClassifierSettings: ("model", ("dropout", "word_dropout", "recurrent_dropout", "zoneout")),
    TaggerSettings: ("model", ("dropout", "recurrent_dropout", "spelling_dropout", "vector_dropout")),
    LossSettings: ("loss", ("label_smoothing",)),
}


@pytest.mark.parametrize(("kind", "section", "key", "least"), [
    (kind, section, key, least) for kind, (section, keys) in LEAST.items() for key, least in keys.items()
])  # fmt: skip
def test_the_least_of_each_setting(kind: Any, section: str, key: str, least: int) -> None:
    kind(**{key: least}).check()
    with pytest.raises(InputError) as error:
        kind(**{key: least - 1}).check()
    assert str(error.value) == f"{section}.{key}: {key} is {least - 1}; give at least {least}"


@pytest.mark.parametrize(("kind", "section", "key"), [
    (kind, section, key) for kind, (section, keys) in CHANCES.items() for key in keys
])  # fmt: skip
def test_chances_end_below_one(kind: Any, section: str, key: str) -> None:
    kind(**{key: 0}).check()
    kind(**{key: 0.999}).check()
    for value in (1, 1.0, -0.001, math.nan):
        with pytest.raises(InputError) as error:
            kind(**{key: value}).check()
        assert str(error.value) == f"{section}.{key}: {key} is {value}; give 0 to below 1"


def test_every_number_of_a_section_has_bounds() -> None:
    for kind in (TextSettings, ClassifierSettings, TaggerSettings, LossSettings):
        numbers = {f.name for f in msgspec.structs.fields(kind) if type(f.default) in (int, float)}
        assert numbers == {*LEAST.get(kind, ("", {}))[1], *CHANCES.get(kind, ("", ()))[1]}


def test_types_are_told_in_words() -> None:
    for given, told in (
        (
            {"class_weights": 3},
            "loss.class_weights: expected text or a table, got a whole number; one of 'balanced', 'none'",
        ),
        ({"class_weights": {"a": "heavy"}}, "loss.class_weights: expected a number, got text"),
        ({"class_weights": "even"}, "loss.class_weights: unknown value 'even'; one of 'balanced', 'none'"),
        ({"label_smoothing": True}, "loss.label_smoothing: expected a number, got true or false"),
        ({"label_smoothing": None}, "loss.label_smoothing: expected a number, got nothing"),
    ):
        with pytest.raises(InputError) as error:
            LossSettings(**given).check()  # type: ignore[arg-type]
        assert str(error.value) == told


@pytest.mark.parametrize("value", [0.5, -0.5, math.nan, math.inf])
def test_a_fraction_is_no_whole_number_whatever_its_size(value: float) -> None:
    with pytest.raises(InputError) as error:
        TextSettings(min_count=value).check()  # type: ignore[arg-type]
    assert str(error.value) == "text.min_count: expected a whole number, got a number"


def test_the_line_says_where_the_number_was_written(tmp_path: Path) -> None:
    sections = {"model": ClassifierSettings}
    (tmp_path / "a.toml").write_text('task = "classify"\n[model]\nhidden = 0\n')
    with pytest.raises(InputError, match=r"a\.toml, line 3: model\.hidden is 0; give at least 1"):
        load_recipe(tmp_path / "a.toml", sections=sections)
    with pytest.raises(InputError) as error:
        load_recipe("classify", ["model.dropout=1"], sections=sections)
    assert str(error.value) == "--set model.dropout: dropout is 1; give 0 to below 1"
    with pytest.raises(InputError) as error:
        load_recipe("classify", ["model.pooling=maxx"], sections=sections)
    assert str(error.value) == "--set model.pooling: unknown value 'maxx'; did you mean 'max'?"


@pytest.mark.parametrize("stages", ['["lower", {name = "stem"}]', '[{name = "lower"}, {name = "words"}]', "[]"])
def test_the_line_is_found_in_a_recipe_that_was_written(tmp_path: Path, stages: str) -> None:
    """Where lists stand on several lines, or as tables of their own."""
    sections = {"text": TextSettings, "model": ClassifierSettings}
    text = load_recipe("classify", [f"text.stages={stages}"], sections=sections).to_toml()
    path = tmp_path / "recipe.toml"
    for right, wrong, told in (
        ("max_length = 400", "max_length = -1", "text.max_length is -1; give at least 0"),
        ("zoneout = 0.0", "zoneout = 1.5", "model.zoneout is 1.5; give 0 to below 1"),
    ):
        path.write_text(text.replace(right, wrong))
        line = path.read_text().splitlines().index(wrong) + 1
        with pytest.raises(InputError) as error:
            load_recipe(path, sections=sections)
        assert str(error.value).endswith(f"recipe.toml, line {line}: {told}")


@pytest.mark.parametrize(
    ("parameters", "line"),
    [
        ({"hidden": np.int64(0)}, "Classifier, model: hidden is 0; give at least 1"),
        ({"hidden": "many"}, "Classifier, model: hidden: expected a whole number, got text"),
        ({"min_count": 0}, "Classifier, text: min_count is 0; give at least 1"),
        ({"freeze": True}, "text.freeze: there are no vectors to freeze; name them: text.vectors"),
        (
            {"class_weights": "balance"},
            "Classifier, loss: class_weights: unknown value 'balance'; did you mean 'balanced'?",
        ),
    ],
)
def test_an_estimator_names_its_parameter(parameters: dict[str, Any], line: str) -> None:
    with pytest.raises(InputError) as error:
        elman.Classifier(**parameters).fit(["good", "bad"] * 9, ["a", "b"] * 9)
    assert str(error.value) == line

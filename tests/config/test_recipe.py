"""Recipes: filled Structs, nearest keys, typed overrides, and a text that reads back as the same recipe."""

from __future__ import annotations

import tomllib
from importlib.util import find_spec
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.config.recipe import Recipe, list_recipes, load_recipe, recipe_task
from elman.config.settings import DataSettings
from elman.config.tasks import TASKS
from elman.config.toml import to_toml
from elman.data.parts import packaged_folder
from elman.errors import InputError


class Schedule(msgspec.Struct):
    kind: str = "cosine"
    warmup: int = 0


class Model(msgspec.Struct):
    hidden: int = 32
    dropout: float = 0.1
    cell: str = "lstm"
    bidirectional: bool = True
    vectors: str | None = None
    schedule: Schedule = msgspec.field(default_factory=Schedule)
    stages: list[str | dict[str, str]] = []


SECTIONS = {"model": Model}

RECIPE = """
name = "mine"
task = "classify"

[data]
path = "data/my.csv"

[model]
hidden = 16        # small
stages = ["lower", {name = "stop", list = "short"}]

[model.schedule]
warmup = 3
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "mine.toml"
    path.write_text(RECIPE)
    return path


def message(*args: object, **kwargs: object) -> str:
    with pytest.raises(InputError) as error:
        load_recipe(*args, **{"sections": SECTIONS, **kwargs})  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    return str(error.value)


def test_a_recipe_fills_its_sections(recipe: Path) -> None:
    loaded = load_recipe(recipe, sections=SECTIONS)
    model = loaded[Model]
    assert (loaded.name, loaded.task) == ("mine", "classify")
    assert (model.hidden, model.dropout, model.schedule) == (16, 0.1, Schedule("cosine", 3))
    assert model.stages == ["lower", {"name": "stop", "list": "short"}]
    # a path is meant from the recipe's own folder, and stays right when the recipe is copied into a RUN
    assert loaded.data.path == str(recipe.parent / "data/my.csv")


@pytest.mark.parametrize(
    ("change", "key", "value"),
    [
        ("model.hidden=64", "hidden", 64),
        ("model.dropout=0", "dropout", 0.0),
        ("model.dropout = 2.5e-1", "dropout", 0.25),
        ("model.dropout=.1", "dropout", 0.1),
        ("model.dropout=1.", "dropout", 1.0),
        ("model.dropout=+.5e-1", "dropout", 0.05),
        ("model.vectors=.hidden", "vectors", ".hidden"),
        ("model.vectors=../v.300.txt", "vectors", "../v.300.txt"),
        ("model.vectors=./.7z", "vectors", "./.7z"),
        ("model.cell=gru", "cell", "gru"),
        ('model.cell="gru"', "cell", "gru"),
        ("model.bidirectional=false", "bidirectional", False),
        ("model.schedule.kind=linear", "schedule", Schedule("linear", 3)),
        ("model.vectors=my vectors.txt", "vectors", "my vectors.txt"),
        ('model.stages=["lower"]', "stages", ["lower"]),
    ],
)
def test_an_override_has_the_type_of_its_key(recipe: Path, change: str, key: str, value: object) -> None:
    model = load_recipe(recipe, [change], sections=SECTIONS)[Model]
    assert getattr(model, key) == value
    assert type(getattr(model, key)) is type(value)


def test_overriding_twice_keeps_the_last_and_the_file_as_it_is(recipe: Path) -> None:
    assert load_recipe(recipe, ["model.hidden=1", "model.hidden=2"], sections=SECTIONS)[Model].hidden == 2
    assert load_recipe(recipe, sections=SECTIONS)[Model].hidden == 16


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("model.hiden=64", "--set model.hiden: unknown key 'model.hiden'; did you mean 'model.hidden'?"),
        ("modle.hidden=64", "--set modle.hidden: unknown key 'modle'; did you mean 'model'?"),
        ("hidden=64", "--set hidden: unknown key 'hidden'; did you mean model.hidden?"),
        ("model.schedule.warm=1", "unknown key 'model.schedule.warm'; did you mean 'model.schedule.warmup'?"),
        ("model.hidden=many", "--set model.hidden: expected a whole number, got text"),
        ("model.hidden=1.5", "--set model.hidden: expected a whole number, got a number"),
        ("model=3", "--set model: 'model' is a section"),
        ("model.hidden", "--set: 'model.hidden' is not key=value"),
        ("data.classes=3", "--set data.classes: unknown value 3; one of 2, 5"),
    ],
)
def test_a_bad_override_is_one_clear_line(recipe: Path, change: str, expected: str) -> None:
    assert expected in message(recipe, [change])


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("hidden =", "hiden =", "mine.toml, line 9: unknown key 'model.hiden'; did you mean 'model.hidden'?"),
        ("warmup =", "warmpu =", "mine.toml, line 13: unknown key 'model.schedule.warmpu'"),
        ("[model]", "[modell]", "mine.toml, line 8: unknown key 'modell'; did you mean 'model'?"),
        ("hidden = 16", "hidden = '16'", "mine.toml, line 9: model.hidden: expected a whole number, got text"),
        ('"classify"', '"clasify"', "mine.toml, line 3: unknown task 'clasify'; task is one of classify, tag"),
        ('"classify"', '"summarise"', "mine.toml, line 3: unknown task 'summarise'; task is one of classify, tag"),
        ("task", "tsk", "mine.toml, task: names no task"),
        ("[data]", "[data", "mine.toml: not valid TOML"),
    ],
)
def test_a_bad_file_names_the_line(recipe: Path, old: str, new: str, expected: str) -> None:
    recipe.write_text(RECIPE.replace(old, new, 1))
    assert expected in message(recipe)


def test_an_unknown_recipe_names_the_nearest(tmp_path: Path) -> None:
    assert message("sentimant") == "no recipe 'sentimant'; did you mean 'sentiment'?"
    assert "no such file" in message(tmp_path / "none.toml")


def test_a_bare_task_is_a_recipe_of_defaults() -> None:
    loaded = load_recipe("classify", sections=SECTIONS)
    assert (loaded.name, loaded.task, loaded[Model], loaded.data) == ("classify", "classify", Model(), DataSettings())


def test_the_tasks_are_those_that_exist() -> None:
    assert all(find_spec(module) for module in TASKS.values())
    assert {task for _, task, _ in list_recipes()} <= set(TASKS)
    assert message("summarise").startswith("no recipe 'summarise'; packaged are ")


def test_data_of_ones_own_forgets_the_recipes_columns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    packaged = load_recipe("sentiment", sections={**SECTIONS, **_any_sections("sentiment")}).data
    assert (packaged.path, packaged.input) == ("packaged:sentiment", "text")
    data = load_recipe(
        "sentiment",
        ["data.seed=3"],
        sections={**SECTIONS, **_any_sections("sentiment")},
        values={"data.path": "5", "data.target": "stars"},
    ).data
    assert (data.path, data.input, data.target, data.seed) == (str(tmp_path / "5"), "", "stars", 3)


def _any_sections(name: str) -> dict[str, type[msgspec.Struct]]:
    """Structs that take whatever the packaged recipe says: its models are none of this room's business."""
    path = Path(__file__).parents[2] / "src/elman/data/recipes" / f"{name}.toml"
    raw = tomllib.loads(path.read_text())
    return {
        key: msgspec.defstruct(key, [(k, object, None) for k in value])
        for key, value in raw.items()
        if isinstance(value, dict) and key != "data"
    }


def test_the_resolved_text_gives_the_same_recipe(recipe: Path) -> None:
    loaded = load_recipe(recipe, ["model.cell=gru", 'model.vectors="a\\"b"'], sections=SECTIONS)
    copy = recipe.parent / "run" / "recipe.toml"
    copy.parent.mkdir()
    copy.write_text(loaded.to_toml())
    assert load_recipe(copy, sections=SECTIONS) == loaded


ODD = st.text(
    st.characters(exclude_categories=["Cs"]) | st.sampled_from("\x00\x07\x1b\x7f\x85\u2028\r\n\t\\\"'[]{}#=,")
)


@settings(max_examples=200, deadline=None)
@given(ODD, ODD, st.lists(ODD | st.dictionaries(ODD, ODD, min_size=1)), st.floats(allow_nan=False), st.integers())
def test_what_is_written_is_the_same_recipe(
    tmp_path_factory: pytest.TempPathFactory,
    description: str,
    cell: str,
    stages: list[str | dict[str, str]],
    dropout: float,
    hidden: int,
) -> None:
    model = Model(hidden % 2**62, dropout, cell, False, description or None, Schedule(cell, 3), stages)
    recipe = Recipe("mine", "classify", description, {"data": DataSettings(path="/a,/b", input=cell), "model": model})
    path = tmp_path_factory.mktemp("recipe") / "recipe.toml"
    path.write_text(recipe.to_toml(), encoding="utf-8", newline="")
    assert load_recipe(path, sections=SECTIONS) == recipe


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.booleans()
        | st.integers(-(2**62), 2**62)
        | st.floats(allow_nan=False)
        | st.text(st.characters(exclude_categories=["Cs"])),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
        max_leaves=10,
    ).flatmap(lambda value: st.dictionaries(st.text("ab .\"'\n]", min_size=0), st.just(value), max_size=3))
)
def test_toml_reads_back(values: dict[str, object]) -> None:
    assert tomllib.loads(to_toml(values)) == values


def test_toml_has_no_null_and_no_objects() -> None:
    assert to_toml({"a": None, "b": {"c": None}}) == "[b]\n"
    with pytest.raises(TypeError, match="Object of type 'set' is not TOML serializable"):
        to_toml({"a": {1}})


def test_packaged_recipes_are_listed_with_their_task() -> None:
    listed = {name: (task, text) for name, task, text in list_recipes()}
    assert listed["sentiment"][0] == "classify"
    assert all(text for _, text in listed.values())
    assert recipe_task("sentiment") == "classify"


@pytest.mark.parametrize("name", ["../../evil", "/evil", "..", ".", "", "a\\u0000b", "a\\nb", "x" * 300, "a\\\\b"])
def test_a_name_cannot_choose_where_a_run_is_written(recipe: Path, name: str) -> None:
    recipe.write_text(RECIPE.replace('"mine"', f'"{name}"'))
    with pytest.raises(InputError, match=r"line 2: .* cannot be the name of a folder"):
        load_recipe(recipe, sections=SECTIONS)


@pytest.mark.parametrize("name", [name for name, _, _ in list_recipes()])
def test_every_recipe_has_its_data_and_their_licence(name: str) -> None:
    path = load_recipe(name, sections=_any_sections(name)).data.path
    assert path.startswith("packaged:")
    folder = packaged_folder(path.removeprefix("packaged:"))
    assert len([file for file in folder.iterdir() if file.suffix in (".xz", ".npz")]) >= 1
    assert len((folder / "LICENSE").read_text().split()) > 30
    assert "**Licence.**" in (folder / "README.md").read_text()


@pytest.mark.parametrize("name", ["../recipes/ner", "ner/../ner", "ner/", ".", "..", ""])
def test_packaged_data_lie_in_the_package(name: str) -> None:
    with pytest.raises(InputError, match=r"choose from .*ner, .*pos, sentiment"):
        packaged_folder(name)


def test_a_recipe_on_other_data_makes_no_claims_about_its_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(RECIPE.replace('name = "mine"', 'name = "mine"\ndescription = "Of wines"'))
    own = load_recipe(tmp_path / "mine.toml", sections=SECTIONS)
    assert own.description == "Of wines"
    assert own.data.path
    same = load_recipe(tmp_path / "mine.toml", sections=SECTIONS, values={"data.path": own.data.path})
    assert same.description == "Of wines"
    told = "Trained as the recipe mine says, on other data than its own"
    for others in ({"values": {"data.path": "b.csv"}}, {"overrides": ["data.path=b.csv"]}):
        other = load_recipe(tmp_path / "mine.toml", sections=SECTIONS, **others)  # type: ignore[arg-type]
        assert (other.name, other.description) == ("mine", told)
        (tmp_path / "again.toml").write_text(other.to_toml())
        assert load_recipe(tmp_path / "again.toml", sections=SECTIONS) == other
    assert load_recipe("classify", sections=SECTIONS, values={"data.path": "b.csv"}).description == ""

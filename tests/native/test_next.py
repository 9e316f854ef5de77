"""Units read and drawn by the native library: a wrong value in any field of what it is handed is refused, and nothing
is written; the next call goes on as if it had not been."""

from __future__ import annotations

from ctypes import Structure, addressof, c_double, c_int64, memmove, pointer, sizeof
from typing import Any

import numpy as np
import pytest
import torch

from elman.engines import library
from elman.engines.next_units import NextUnits
from elman.errors import InputError
from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings

pytestmark = pytest.mark.skipif(library.missing() is not None, reason=str(library.missing()))

V, E, H = 31, 5, 7
LARGE = 2**40


@torch.no_grad()
def made(N: int = 2, **settings: Any) -> NextUnits:
    """Two layers of an LSTM, which have two states each."""
    torch.manual_seed(3)
    kind = {"cell": "lstm", "embedding": E, "hidden": H, "layers": 2, "tied": False, **settings}
    model = LanguageNetwork(LanguageSettings(**kind), V).eval()
    layers = model.followed(model.begin(N))
    assert layers is not None
    return model.next_units(layers)


class Text:
    """Two texts read on, and one drawn of."""

    def __init__(self, N: int = 2) -> None:
        self.steps = made(N)
        self.call: Any = self.steps._call
        self.N = N
        draw = np.random.default_rng(4)
        self.before = draw.normal(size=(N, self.steps.size)).astype(np.float32)
        self.after = np.zeros_like(self.before)

    def read(self) -> list[np.ndarray]:
        self.steps([3, 8][: self.N], self.before, self.after)
        return [self.steps.log_probs.copy(), self.after.copy(), self.steps.h.numpy().copy()]

    def refused(self, said: str) -> None:
        kept = [self.steps.log_probs.copy(), self.after.copy(), self.steps.h.numpy().copy()]
        with pytest.raises(RuntimeError, match=said):
            self.read()
        now = self.steps.log_probs, self.after, self.steps.h.numpy()
        assert all(np.array_equal(a, b) for a, b in zip(kept, now, strict=True))


# field -> values that it must not have, each with what is said; a function is asked for one
Wrong = dict[str, list[tuple[Any, str]]]
OUT = "out of range"
TEXT: Wrong = {
    "is_double": [(1, "computes something else"), (2, "neither")],
    "eight": [(1, "not \\(V, H\\)"), (2, "neither"), (-1, "neither")],
    "rows": [(0, OUT), (1, "as many texts"), (3, "more place"), (LARGE, OUT), (-2, OUT)],
    "units": [(0, OUT), (V - 1, "embedding"), (V + 1, "embedding"), (LARGE, OUT)],
    "width": [(0, OUT), (E - 1, "embedding"), (E + 1, "embedding"), (LARGE, OUT)],
    "known": [(0, OUT), (H - 1, "matrix"), (H + 1, "matrix"), (LARGE, OUT)],
    "layers": [(0, OUT), (1, "does not give h"), (-1, OUT), (LARGE, OUT)],
    "threads": [(0, OUT), (-1, OUT), (LARGE, OUT)],
    "own_threads": [(-1, "neither"), (7, "neither")],
    "layer": [(None, "need layers")],
    "scale": [(float("nan"), "scale"), (float("inf"), "scale")],
    "embedding": [
        (None, "need layers"), (lambda t: t.call.embedding + 1, "none of its numbers"),
        (lambda t: t.call.x, "overlaps"), (lambda t: t.call.h - 4 * V * E + 4, "overlaps"), (2**64 - 8, "past the end"),
    ],
    "x": [(None, "need layers"), (lambda t: t.call.x + 4, "does not read")],
    "h": [(None, "need layers"), (lambda t: t.call.x, "does not give h")],
    "weight": [(None, "without its matrix"), (lambda t: t.call.scores, "overlaps")],
    "bias": [(None, "bias"), (lambda t: t.call.log_probs, "overlaps")],
    "scores": [
        (None, "places for its results"), (lambda t: t.call.log_probs, "overlaps"),
        (lambda t: t.call.weight, "overlaps"), (lambda t: t.before.ctypes.data, "overlaps"),
        (lambda t: t.after.ctypes.data + 4, "overlaps"),
    ],
    "log_probs": [(None, "places for its results"), (lambda t: t.call.room, "overlaps")],
    "room": [(None, "places for its results"), (lambda t: t.call.log_probs + 8 * (2 * V - 1), "overlaps")],
    "embedding_extent": [(V * E - 1, "embedding"), (V * E + 1, "embedding"), (-1, "embedding")],
    "weight_extent": [(V * H - 1, "matrix"), (V * H + 1, "matrix"), (0, "matrix")],
    "bias_extent": [(0, "bias"), (V + 1, "bias")],
    "scores_extent": [(2 * V - 1, "more place"), (-1, "more place")],
    "log_probs_extent": [(2 * V - 1, "more place")],
    "room_extent": [(V - 1, "more place")],
    "state_bytes": [
        (0, "outside that of all"), (-32, "\\(N, S\\)"), (lambda t: t.before.nbytes - 4, "\\(N, S\\)"),
        (lambda t: t.before.nbytes - 8, "outside that of all|rows elsewhere"),
        (lambda t: t.before.nbytes + 8, "rows elsewhere"),
    ],
}  # fmt: skip


def numbers(*values: int) -> Any:
    return (c_int64 * len(values))(*values)


LAYER: Wrong = {
    "step": [(None, "is not prepared"), (lambda t: t.call.layer[0].step, "in use already")],
    "states": [(1, "number of states"), (3, "number of states"), (-1, "number of states")],
    "offset": [
        (None, "number of states"), (numbers(56, -4), "outside"), (numbers(56, 58), "outside"),
        (numbers(56, 88), "outside"), (numbers(56, 2**62), "outside"), (numbers(56, 56), "another one lies"),
        (numbers(56, 80), "another one lies"), (numbers(24, 84), "another one lies"),
    ],
}  # fmt: skip
DRAWS: Wrong = {
    "temperature": [(0.0, "temperature"), (-1.0, "temperature"), (float("nan"), "temperature"), (float("inf"), "temp")],
    "banned": [(None, "need"), (numbers(4, V), "banned"), (numbers(-1, 4), "banned"), (numbers(-LARGE, 4), "banned")],
    "banned_count": [(-1, OUT), (LARGE, OUT)],
    "end": [(-2, "no such end"), (V, "no such end")],
    "unended": [(-1, OUT)],
}


def tried(wrong: Wrong) -> list[Any]:
    return [
        pytest.param(name, value, said, id=f"{name}-{k}")
        for name, values in wrong.items()
        for k, (value, said) in enumerate(values)
    ]


class Changed:
    """A structure with another value in one field, for a while."""

    def __init__(self, structure: Any, name: str, value: Any, text: Any) -> None:
        self.structure, self.kept = structure, bytes(structure)
        value = value(text) if callable(value) else value
        setattr(structure, name, addressof(value) if isinstance(value, type(numbers(1, 2))) else value)

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        memmove(addressof(self.structure), self.kept, sizeof(self.structure))


@pytest.mark.parametrize(("wrong", "of"), [(TEXT, library.Next), (LAYER, library.NextLayer), (DRAWS, library.Draws)])
def test_every_field_is_tried(wrong: Wrong, of: type[Structure]) -> None:
    assert list(wrong) == [name for name, *_ in of._fields_]


@pytest.fixture(scope="module")
def text() -> Text:
    return Text()


@pytest.mark.parametrize(("name", "value", "said"), tried(TEXT))
def test_a_text(text: Text, name: str, value: Any, said: str) -> None:
    wanted = text.read()
    with Changed(text.call, name, value, text):
        text.refused(said)
    assert all(np.array_equal(a, b) for a, b in zip(wanted, text.read(), strict=True))


@pytest.mark.parametrize(("name", "value", "said"), tried(LAYER))
def test_a_layer(text: Text, name: str, value: Any, said: str) -> None:
    wanted, upper = text.read(), text.call.layer[1]
    assert upper.offset
    assert list((c_int64 * 2).from_address(upper.offset)) == [56, 84], "what the wrong ones differ from"
    with Changed(upper, name, value, text):
        text.refused(said)
    assert all(np.array_equal(a, b) for a, b in zip(wanted, text.read(), strict=True))


class Drawn:
    """A call of `elman_next_draw`, all of it open to change."""

    def __init__(self) -> None:
        self.steps = made(1)
        self.call: Any = self.steps._call
        self.banned, self.units, self.values = numbers(4, 9), numbers(*[-7] * 3), (c_double * 3)(*[-7.0] * 3)
        self.how = library.Draws(0.8, addressof(self.banned), 2, -1, 0)
        self.chances = (c_double * 3)(0.1, 0.5, 0.9)
        self.one, self.other = (np.zeros(self.steps.size, np.float32) for _ in range(2))
        self.given: dict[str, Any] = {
            "text": pointer(self.call), "how": pointer(self.how), "unit": 3, "one": self.one.ctypes.data,
            "other": self.other.ctypes.data, "chances": self.chances, "count": 3, "units": self.units,
            "log_probs": self.values,
        }  # fmt: skip

    def draw(self) -> int:
        return int(library.load().elman_next_draw(*self.given.values()))

    def refused(self, said: str) -> None:
        assert self.draw() == -1
        assert said in library.load().elman_error().decode()
        assert list(self.units) == [-7] * 3
        assert list(self.values) == [-7.0] * 3
        assert not self.one.any()
        assert not self.other.any()


@pytest.mark.parametrize(("name", "value", "said"), tried(DRAWS))
def test_a_way_to_draw(name: str, value: Any, said: str) -> None:
    drawn = Drawn()
    with Changed(drawn.how, name, value, drawn):
        drawn.refused(said)
    assert drawn.draw() == 3
    assert set(drawn.units) <= set(range(V)) - {4, 9}


def chances(*values: float) -> Any:
    return (c_double * 3)(*values)


@pytest.mark.parametrize(("name", "value", "said"), [
    ("text", None, "no text"), ("how", None, "no way to draw"), ("unit", V, "no such unit"),
    ("unit", -1, "no such unit"),
    ("one", None, "none of its numbers"), ("other", None, "none of its numbers"),
    ("other", lambda d: d.given["one"], "overlaps"), ("other", lambda d: d.given["one"] + 4, "overlaps"),
    ("one", lambda d: d.call.weight, "overlaps"), ("other", lambda d: d.other.ctypes.data + 1, "none of its numbers"),
    ("chances", None, "need"), ("chances", chances(0.1, 1.0, 0.2), "a chance"),
    ("chances", chances(0.1, 0.1, -0.01), "a chance"), ("chances", chances(float("nan"), 0.1, 0.1), "a chance"),
    ("count", -1, OUT), ("count", LARGE, OUT), ("units", None, "need"), ("log_probs", None, "need"),
    ("log_probs", lambda d: d.units, "overlaps"), ("units", lambda d: d.banned, "overlaps"),
])  # fmt: skip
def test_a_draw(name: str, value: Any, said: str) -> None:
    drawn = Drawn()
    drawn.given[name] = value(drawn) if callable(value) else value
    drawn.refused(said)


def test_units_of_two_texts_are_not_drawn(text: Text) -> None:
    with pytest.raises(InputError, match="states of texts"):
        text.steps.draw(3, [text.before[:1], text.after[:1]], [0.5], 1.0, np.zeros(0, np.int64), None, 0)
    with pytest.raises(RuntimeError, match="of one text"):
        text.steps.draw(3, [text.before, text.after], [0.5], 1.0, np.zeros(0, np.int64), None, 0)


@pytest.mark.parametrize("what", ["one", "wide", "turned", "other dtype", "read only"])
def test_states_that_lie_otherwise(text: Text, what: str) -> None:
    S = text.steps.size
    wrong = {
        "one": np.zeros((1, S), np.float32), "wide": np.zeros((2, S + 1), np.float32),
        "turned": np.zeros((S, 2), np.float32).T, "other dtype": np.zeros((2, S)), "read only": text.before.copy(),
    }[what]  # fmt: skip
    wrong.flags.writeable = what != "read only"
    with pytest.raises(InputError, match="states of texts"):
        text.steps([1, 2], text.before, wrong)


@pytest.mark.parametrize("units", [[], [3], [3, 4, 5]])
def test_as_many_units_as_texts(text: Text, units: list[int]) -> None:
    with pytest.raises(InputError, match="units for 2 texts"):
        text.steps(units, text.before, text.after)


def test_states_that_overlap(text: Text) -> None:
    room = np.zeros((3, text.steps.size), np.float32)
    for after in (text.before, room[1:]):
        with pytest.raises(RuntimeError, match="overlaps"):
            text.steps([1, 2], text.before if after is text.before else room[:2], after)


@pytest.mark.parametrize("unit", [-1, V, LARGE, -LARGE])
def test_units_that_there_are_not(text: Text, unit: int) -> None:
    wanted = text.read()
    with pytest.raises(RuntimeError, match="no such unit"):
        text.steps([3, unit], text.before, text.after)
    assert np.array_equal(wanted[1], text.after)


# -- the prepared calls of its layers, and those of a stream ---------------------------------------------------------


@pytest.mark.parametrize("name", [name for name, *_ in library.Call._fields_ if name != "pack"])
def test_a_prepared_call_that_has_changed(name: str) -> None:
    text = Text()
    call = text.steps._kept[0][1].call
    kept = getattr(call, name)
    setattr(call, name, (kept or 0) + 8)
    text.refused("has changed")
    setattr(call, name, kept)
    text.read()


@pytest.mark.parametrize(("array", "value", "said"), [
    ("pointers", None, "tensor|does not read"), ("by_row", -1, "smaller|side by side|rows elsewhere"),
    ("by_row", 2**40, "smaller|side by side"), ("extents", 1, "smaller"), ("extents", -1, "smaller"),
])  # fmt: skip
def test_what_a_prepared_call_points_to(array: str, value: Any, said: str) -> None:
    """x, y and two states before and after."""
    text = Text()
    layer = text.steps._kept[0][1]
    text.read()
    given = getattr(layer, array)
    for i in range(len(given)):
        if array == "pointers" and i in (*layer.first, *layer.last):
            continue  # put there anew at each step
        kept, given[i] = given[i], value
        text.refused(said)
        given[i] = kept
    text.read()


def test_a_prepared_call_that_is_run_by_itself() -> None:
    """As a stream does it: each address is looked at before each run."""
    text = Text()
    layer = text.steps._kept[0][0]
    run, handle = library.load().elman_run_prepared, text.call.layer[0].step
    text.read()
    assert run(handle) == 0
    for i in range(len(layer.pointers)):
        kept, layer.pointers[i] = layer.pointers[i], None
        assert run(handle) == -1
        assert "smaller than the program needs" in library.load().elman_error().decode()
        layer.pointers[i] = kept
    assert run(handle) == 0
    assert run(None) == -1
    assert "no prepared call" in library.load().elman_error().decode()


def test_nothing_at_all() -> None:
    """Each function of the library, given no addresses, says so."""
    native = library.load()
    room = (c_int64 * 4)()
    calls: list[tuple[Any, str]] = [
        (lambda: native.elman_program_new(None, 3, 0, 0) or -1, "no words"),
        (lambda: native.elman_packed_bytes(None), "no program"),
        (lambda: native.elman_tape_bytes(None, None), "no call"),
        (lambda: native.elman_run(None, None), "no "),
        (lambda: native.elman_prepare(None, None) or -1, "no "),
        (lambda: native.elman_eight(None, 6, 2, 3, 0, None, native.elman_eight_bytes(2, 3, 0)), "none of its numbers"),
        (lambda: native.elman_additive(None), "no call"), (lambda: native.elman_ctc(None), "no call"),
        (lambda: native.elman_next_step(None, room, room, room), "no text"),
        (lambda: native.elman_next_draw(None, None, 0, room, room, room, 1, room, room), "no "),
    ]  # fmt: skip
    for call, said in calls:
        assert call() == -1, said
        assert said in native.elman_error().decode()

"""One text read unit by unit is read as among others."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch

from elman.decoding import greedy, sample
from elman.engines import library
from elman.errors import InputError
from elman.layers.arguments import changed
from elman.models.language_network import LanguageNetwork, Standing
from elman.models.language_settings import LanguageSettings
from elman.models.reading import NativeReader, NetworkReader, network_reader

KINDS = [
    {},
    {"cell": "gru", "tied": False, "layers": 1},
    {"cell": "sru", "tied": False, "layers": 3, "softmax": "adaptive"},
    {"cell": "mingru", "hidden": 9, "tied": False},
]
native = pytest.mark.skipif(library.missing() is not None, reason="needs the native library")


def made(dtype: torch.dtype = torch.float32, **settings: object) -> LanguageNetwork:
    torch.manual_seed(3)
    still = {"embedding": 5, "hidden": 7, "layers": 2}
    return LanguageNetwork(LanguageSettings(**{**still, **settings}), 31).to(dtype).eval()  # type: ignore[arg-type]


@torch.no_grad()
def begun(model: LanguageNetwork) -> list[Standing]:
    """Amid a text."""
    return model(torch.tensor([[4], [9], [17]]), model.begin(1))[1]


def copied(state: list[Standing]) -> list[Standing]:
    return [Standing(changed(at.hidden, torch.Tensor.clone), at.before.clone()) for at in state]


@native
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@torch.no_grad()
def test_each_step_is_the_models(kind: dict[str, object], dtype: torch.dtype) -> None:
    """Of two that are read at once, and beside steps of the model itself; the state given stays as it was."""
    model = made(dtype, **kind)
    state = begun(model)
    kept = copied(state)
    reads = [model.follow(model.begin(1)), model.follow(state)]
    states = [model.begin(1), state]
    for unit in (2, 30, 7, 7, 11, 4):
        for k, read in enumerate(reads):
            assert read is not None
            own, states[k] = model.step(torch.tensor([unit]), states[k])
            found = torch.from_numpy(read(unit))
            torch.testing.assert_close(found, own[0].double(), rtol=0, atol=1e-6 if dtype == torch.float32 else 1e-13)
    torch.testing.assert_close(state, kept, rtol=0, atol=0)


@native
@torch.no_grad()
def test_weights_that_changed_since() -> None:
    model = made()
    read = model.follow(model.begin(1))
    assert read is not None
    before = read(3).copy()
    for w in model.parameters():
        w *= 1.5
    again = model.follow(model.begin(1))
    assert again is not None
    own, _ = model.step(torch.tensor([3]), model.begin(1))
    torch.testing.assert_close(torch.from_numpy(again(3)), own[0].double(), rtol=0, atol=1e-6)
    assert abs(again(3) - before).max() > 1e-3


@torch.no_grad()
def test_what_is_not_followed() -> None:
    model = made()
    assert made(block="residual").follow(made(block="residual").begin(1)) is None
    assert made(engine="reference").follow(model.begin(1)) is None
    assert model.train().follow(model.begin(1)) is None
    model.eval().blocks[0].register_forward_hook(lambda *_: None)
    assert model.follow(model.begin(1)) is None
    with torch.enable_grad():
        assert made().follow(model.begin(1)) is None


@native
@pytest.mark.parametrize("kind", KINDS)
def test_several_texts_read_side_by_side(kind: dict[str, object]) -> None:
    """By both readers, the places of different states among them; a long piece at once as unit by unit."""
    model = made(torch.float64, **kind)
    readers = network_reader(model), NetworkReader(model)
    assert isinstance(readers[0], NativeReader)
    found: list[list[np.ndarray]] = []
    for reader in readers:
        first, one = reader.skip([2, 5, 9], reader.begin())
        long, two = reader.skip([2, *range(4, 30)], one)
        some, three = reader.step([8, 9, 4], [(two, 0), (one, 0), (two, 0)])
        more, four = reader.step([3, 3], [(three, 1), (two, 0)])
        last, _ = reader.step([7], [(reader.alone(four, 1), 0)])
        found.append([first, long, some, more, last])
    for a, b in zip(*found, strict=True):
        assert a.shape == b.shape
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


@native
def test_threads_that_read_at_once_get_each_its_own_answer() -> None:
    """Two people who type, say; what is said of a unit lies in one place for all of them."""
    model = made(torch.float64, hidden=24)
    reader = network_reader(model)
    wanted = [reader.step([unit], [(reader.begin(), 0)])[0] for unit in range(31)]
    wrong: list[int] = []

    def work(unit: int) -> None:
        for _ in range(300):
            found, _ = reader.step([unit], [(reader.begin(), 0)])
            if not np.array_equal(found, wanted[unit]):
                wrong.append(unit)

    threads = [threading.Thread(target=work, args=(unit,)) for unit in (3, 9, 14, 25)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)
    assert not wrong


@native
def test_a_reader_sees_that_the_weights_have_changed() -> None:
    model = made()
    reader = network_reader(model)
    before, _ = reader.step([5], [(reader.begin(), 0)])
    with torch.no_grad():
        for w in model.blocks[1].parameters():
            w.mul_(3)
    after, _ = reader.step([5], [(reader.begin(), 0)])
    own, _ = NetworkReader(model).step([5], [(model.begin(1), 0)])
    np.testing.assert_allclose(after, own, atol=1e-6)
    assert abs(after - before).max() > 1e-4
    model.blocks[0].register_forward_hook(lambda *_: None)
    with torch.no_grad():
        model.embedding.weight.mul_(2)
    with pytest.raises(InputError, match="make a new completer"):
        reader.step([5], [(reader.begin(), 0)])


@native
@torch.no_grad()
def test_what_the_library_refuses() -> None:
    model = made()
    read = model.follow(model.begin(1))
    assert read is not None
    assert read.draw is not None
    for unit in (-1, 31):
        with pytest.raises(RuntimeError, match="there is no such unit"):
            read(unit)
    with pytest.raises(RuntimeError, match="a unit that is banned does not exist"):
        read.draw(3, [0.5], 1.0, np.array([31]), None, 0)
    model.softmax.weight[7] = torch.nan
    assert read.draw(3, [0.5], 1.0, np.array([0]), None, 0) is None
    with pytest.raises(InputError, match="not numbers"):
        sample(model, model.begin(1), rows=1, generators=[torch.Generator()], begin=2, end=3)


@native
def test_several_threads_draw_the_same() -> None:
    model = made(embedding=600, hidden=600, tied=True)
    model.embedding = torch.nn.Embedding(1000, 600)
    model.softmax = torch.nn.Linear(600, 1000)
    model.size, found = 1000, []
    threads = torch.get_num_threads()
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            draws = [torch.Generator().manual_seed(1)]
            found += sample(model, model.begin(1), rows=1, generators=draws, begin=2, end=1000, max_length=40)
    finally:
        torch.set_num_threads(threads)
    assert found[0][0].tokens == found[1][0].tokens
    assert found[0][0].log_probs == pytest.approx(found[1][0].log_probs, abs=1e-6)


class Stepping:
    """The model without its own way to read one text."""

    def __init__(self, model: LanguageNetwork) -> None:
        self.step, self.select = model.step, model.select


@pytest.mark.parametrize("kind", [*KINDS, {"block": "residual", "cell": "mingru"}])
@pytest.mark.parametrize("way", [{}, {"temperature": 0.5, "min_length": 10}, {"top_k": 6}, {"top_p": 0.8}])
@torch.no_grad()
def test_what_is_drawn_is_the_same(kind: dict[str, object], way: dict[str, object]) -> None:
    model = made(**kind)
    state = begun(model)
    both = model.select(state, torch.tensor([0, 0]))
    for seed in range(4):
        asked = {"begin": 5, "end": 3, "banned": (0, 1, 2), "max_length": 40}
        draws = [[torch.Generator().manual_seed(seed + k) for k in range(n)] for n in (1, 1, 2)]
        fast = sample(model, state, rows=1, generators=draws[0], **asked, **way)[0][0]  # type: ignore[arg-type]
        plain = sample(Stepping(model), state, rows=1, generators=draws[1], **asked, **way)[0][0]  # type: ignore[arg-type]
        beside = sample(model, both, rows=2, generators=draws[2], **asked, **way)[0][0]  # type: ignore[arg-type]
        assert fast.tokens == plain.tokens == beside.tokens
        assert fast.ended == plain.ended == beside.ended
        assert fast.log_probs == pytest.approx(beside.log_probs, abs=1e-6)
        assert plain.log_probs == pytest.approx(beside.log_probs, abs=1e-6)
    found = greedy(model, state, rows=1, begin=5, end=3, max_length=20)
    also = greedy(model, both, rows=2, begin=5, end=3, max_length=20)
    assert found[0].tokens == also[0].tokens
    assert found[0].log_probs == pytest.approx(also[0].log_probs, abs=1e-6)

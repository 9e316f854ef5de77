"""Training on another device: what is brought there, and that all comes back. Where there is one it is tried; elsewhere
the way there and back is written down."""

from __future__ import annotations

import signal
from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from torch import nn

import elman
from elman import Sequences
from elman.config.training import TrainingSettings
from elman.errors import InputError
from elman.models.replying import AnswerSettings, Replier
from elman.models.writing import SearchSettings
from elman.tasks.batches import at_once
from elman.training import device as module
from elman.training import session as under_way
from elman.training.callbacks import Callback
from elman.training.device import device_of, find_device, moved, to_device
from elman.training.interrupt import Interrupt
from elman.training.loop import fit, training_step
from elman.training.randomness import GlobalDraws, random_states, restore_random_states
from elman.training.treefile import read_tree, write_tree

THERE = [
    pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")),
    pytest.param("mps", marks=pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no Apple GPU")),
]
SHORT = TrainingSettings(epochs=3, rate=0.02, average=0.5)
META = torch.device("meta")


# -- which ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cuda", "mps", "auto"), [(False, False, "cpu"), (True, False, "cuda"), (False, True, "cpu"), (True, True, "cuda")]
)
def test_what_there_is(monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, auto: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert find_device("auto").type == auto
    assert find_device("cpu").type == "cpu"
    for name, there in (("cuda", cuda), ("mps", mps)):
        if there:
            assert find_device(name).type == name
        else:
            with pytest.raises(InputError, match=rf"training\.device: PyTorch finds no device {name} here; choose"):
                find_device(name)
    if not cuda and not mps:
        with pytest.raises(InputError, match=r"; choose 'auto', 'cpu'$"):
            find_device("cuda")


def test_the_device_of_a_model() -> None:
    assert device_of(nn.Linear(1, 1)).type == "cpu"
    assert device_of(nn.Linear(1, 1, device="meta")) == META
    assert device_of(nn.BatchNorm1d(1, affine=False, device="meta")) == META
    assert device_of(nn.Sequential()).type == "cpu"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
def test_a_device_that_is_not_there_is_one_line_and_nothing_is_trained() -> None:
    with pytest.raises(InputError, match="PyTorch finds no device cuda here"):
        elman.Classifier(device="cuda", hidden=4).fit(["a b", "c d"] * 20, [0, 1] * 20)


# -- batches ----------------------------------------------------------------------------------------------------------

Pair = namedtuple("Pair", ["a", "b"])


@dataclass(frozen=True)
class Frozen:
    x: torch.Tensor
    inner: Any
    made: int = field(init=False, default=3)


class Counted(OrderedDict[str, Any]):
    pass


def test_batches_of_any_shape() -> None:
    x, sequences = torch.ones(2), Sequences.pack([torch.ones(3), torch.ones(1)])
    tree = {
        "list": [x, 1, None, "text"], "tuple": (x, (x,)), "pair": Pair(x, 2.0), "frozen": Frozen(x, [x, sequences]),
        "ordered": Counted(a=x), "sequences": sequences, "type": Frozen, "packed": nn.utils.rnn.pack_sequence([x, x]),
    }  # fmt: skip
    out = to_device(tree, "meta")
    assert out["list"][0].is_meta
    assert out["list"][1:] == [1, None, "text"]
    assert out["tuple"][1][0].is_meta
    assert isinstance(out["pair"], Pair)
    assert (out["pair"].a.is_meta, out["pair"].b) == (True, 2.0)
    assert isinstance(out["frozen"], Frozen)
    assert out["frozen"].x.is_meta
    assert out["frozen"].inner[0].is_meta
    assert out["frozen"].inner[1].data.is_meta
    assert out["frozen"].made == 3
    assert isinstance(out["ordered"], Counted)
    assert out["ordered"]["a"].is_meta
    assert out["sequences"].data.is_meta
    assert out["sequences"].lengths.tolist() == [3, 1]  # read on the processor
    assert out["type"] is Frozen
    assert out["packed"].data.is_meta
    # what was handed in is left as it was
    assert not tree["frozen"].x.is_meta  # type: ignore[attr-defined]
    assert not tree["ordered"]["a"].is_meta  # type: ignore[index]
    assert to_device(x, "cpu") is x
    assert to_device(None, "meta") is None


# -- there and back, written down -------------------------------------------------------------------------------------


class Written:
    """A device that is none: what would go there is written down, and stays where it is."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.log: list[Any] = []
        monkeypatch.setattr(module, "find_device", lambda name: META if name == "cuda" else torch.device(name))
        monkeypatch.setattr(under_way, "to_device", self.to_device)

    def to_device(self, tree: Any, device: Any) -> Any:
        assert device == META
        self.log.append(tree)
        return tree

    def task(self, make_task: Any, **more: Any) -> Any:
        task = make_task(**more)
        task.model.to = lambda device: self.log.append(str(device))
        return task


def test_the_model_goes_there_and_back_and_every_batch_goes(monkeypatch: pytest.MonkeyPatch, make_task: Any) -> None:
    written, alone = Written(monkeypatch), make_task()
    task = written.task(make_task)
    fit(task, msgspec.structs.replace(SHORT, device="cuda"))
    assert [written.log[0], written.log[-1]] == ["meta", "cpu"]
    batches = written.log[1:-1]
    assert len(batches) == 24
    assert all(torch.equal(batch, task.collate(5 * (n % 8))) for n, batch in enumerate(batches))
    fit(alone, SHORT)
    for name, values in alone.model.state_dict().items():
        assert torch.equal(values, task.model.state_dict()[name])


@pytest.mark.parametrize("how", ["an error", "Ctrl-C", "a loss that is not a number"])
def test_the_model_comes_back_however_it_ends(monkeypatch: pytest.MonkeyPatch, make_task: Any, how: str) -> None:
    written = Written(monkeypatch)
    task = written.task(make_task)

    def step(*arguments: Any) -> Any:
        if len(written.log) < 4:
            return training_step(*arguments)
        if how == "an error":
            raise RuntimeError
        if how == "Ctrl-C":
            signal.raise_signal(signal.SIGINT)
        return float("nan"), 1.0, None

    with pytest.raises((RuntimeError, KeyboardInterrupt, InputError)):
        fit(task, msgspec.structs.replace(SHORT, device="cuda"), step=step)
    assert written.log[0] == "meta"
    assert written.log[-1] == "cpu"


def test_batches_of_one_step_go_one_by_one(monkeypatch: pytest.MonkeyPatch, make_task: Any) -> None:
    written = Written(monkeypatch)
    fit(written.task(make_task), TrainingSettings(epochs=1, device="cuda", accumulate=4))
    assert len(written.log) == 2 + 8


def test_what_a_checkpoint_holds_goes_there(monkeypatch: pytest.MonkeyPatch, make_task: Any, tmp_path: Path) -> None:
    """State and running mean; torch sees to the optimiser's. Best weights are copied into the model at the end."""
    settings = msgspec.structs.replace(SHORT, device="cuda")
    plain = make_task()
    fit(plain, SHORT)

    def step(*arguments: Any) -> Any:
        result = training_step(*arguments)
        if len(written.log) == 13:
            signal.raise_signal(signal.SIGINT)
        return result

    written = Written(monkeypatch)
    with Interrupt(graceful=True) as interrupt:
        fit(written.task(make_task), settings, step=step, checkpoint=tmp_path, interrupt=interrupt)
    written.log.clear()
    task = written.task(make_task, seed=7)
    fit(task, settings, checkpoint=tmp_path, resume=True)
    mean, state = written.log[1:3]
    assert [m.shape for m in mean] == [p.shape for p in task.model.parameters()]
    assert [s.shape for s in state] == [(1, 4, 12), (1, 4, 12)]
    assert len(written.log) == 2 + 2 + 12
    for name, values in plain.model.state_dict().items():
        assert torch.equal(values, task.model.state_dict()[name])


def test_how_the_optimiser_computes_is_for_this_device_to_say(make_task: Any, tmp_path: Path) -> None:
    """A checkpoint of one that has no fused kernel goes on here with it, to the same bits."""
    whole = make_task()
    fit(whole, SHORT)
    with Interrupt(graceful=True) as interrupt:
        fit(make_task(), SHORT, checkpoint=tmp_path, interrupt=interrupt, callbacks=[Stopping(11)])
    saved = read_tree(tmp_path, "training")
    for group in saved["optimizer"]["param_groups"]:
        assert group["fused"]
        group["fused"] = False
    write_tree(saved, tmp_path, "training")
    later = make_task(seed=9)
    fit(later, SHORT, checkpoint=tmp_path, resume=True)
    for name, values in whole.model.state_dict().items():
        assert torch.equal(values, later.model.state_dict()[name])


class Stopping(Callback):
    """Ctrl-C after so many steps."""

    def __init__(self, after: int) -> None:
        self.after = after

    def step_end(self, at: Any, figures: Any) -> None:
        if at.step == self.after:
            signal.raise_signal(signal.SIGINT)


def test_generators_of_fewer_devices_than_were_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    restored: list[Any] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", restored.extend)
    restore_random_states({**random_states(), "cuda": [torch.zeros(1), torch.ones(1)]})
    assert len(restored) == 1


def test_an_apple_gpus_generator_is_seeded_kept_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    held = [torch.tensor([5])]
    monkeypatch.setattr(torch.mps, "manual_seed", lambda seed: held.__setitem__(0, torch.tensor([seed])))
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: held[0])
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: held.__setitem__(0, state))
    draws = GlobalDraws(42, torch.device("mps"))
    with draws:
        assert held == [42]
        assert draws.state()["mps"] == 42
        draws.restore({"torch": torch.get_rng_state()})  # a checkpoint of the processor's, by elman's layers alone
        assert held == [42]
        draws.restore({**draws.state(), "mps": torch.tensor([7])})
        assert held == [7]
    assert held == [5]


def test_a_model_that_is_elsewhere_already_stays_there() -> None:
    model = nn.Linear(2, 2, device="meta")
    with moved(model, "cpu") as device:
        assert device == META
    assert model.weight.is_meta


def test_double_precision_is_nothing_for_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    with (
        pytest.raises(InputError, match=r"training\.device: weight is in double precision, which mps does not support"),
        moved(nn.Linear(1, 1).double(), "mps"),
    ):
        raise AssertionError


# -- what tasks mix ---------------------------------------------------------------------------------------------------

TEXTS = [f"word{i % 7} is {'good' if i % 3 else 'bad'} {i % 5} " * (1 + i % 4) for i in range(40)]
SENTENCES = [text.split() for text in TEXTS]
TAGS = [["B-N" if word[0] == "w" else "O" for word in words] for words in SENTENCES]


class HandedOverError(Exception):
    pass


def trainable(monkeypatch: pytest.MonkeyPatch, learn: Any) -> Any:
    """What an estimator hands to the loop."""
    found = []

    def grab(task: Any, *rest: Any, **more: Any) -> None:
        found.append(task)
        raise HandedOverError

    monkeypatch.setattr("elman.tasks.estimator.fit", grab)
    with pytest.raises(HandedOverError):
        learn()
    return found[0]


@pytest.mark.parametrize(
    "more",
    [{}, {"class_weight": "balanced", "ngrams": 2}, {"cell": "mgu", "pooling": "attention", "word_dropout": 0.1}],
    ids=str,
)
def test_a_classifiers_loss_mixes_no_devices(monkeypatch: pytest.MonkeyPatch, more: dict[str, Any]) -> None:
    """On torch's device without values, which refuses what CUDA refuses."""
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind=None: False)  # it knows no such device
    classifier = elman.Classifier(hidden=8, embedding=8, engine="reference", **more)
    task = trainable(monkeypatch, lambda: classifier.fit(TEXTS, [i % 3 for i in range(40)]))
    task.model.to("meta").train()
    task.loss(to_device(task.collate([0, 1, 2]), "meta"), None)[0].backward()
    assert all(p.grad.is_meta for p in task.model.parameters() if p.requires_grad)
    for _, batch in at_once(task.model, task.train, 16):  # what is judged is brought there too
        assert task.model(batch.sequences.data, batch.lengths, batch.ngrams).is_meta


def test_a_taggers_emissions_mix_no_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "is_autocast_enabled", lambda kind=None: False)
    tagger = elman.Tagger(hidden=8, engine="reference", word_dropout=0.1)
    task = trainable(monkeypatch, lambda: tagger.fit(SENTENCES, TAGS))
    task.model.to("meta").train()
    batch, tags = to_device(task.collate([0, 1, 2]), "meta")
    assert tags.is_meta
    task.model(batch).sum().backward()
    crf = {name for name, _ in task.model.named_parameters() if name.startswith("crf")}
    assert all(p.grad.is_meta for name, p in task.model.named_parameters() if name not in crf)


# -- where there is a device ------------------------------------------------------------------------------------------


def on(task: Any, device: str) -> Any:
    """The same task, whose validation looks where its model is."""
    usual = task.text
    validate = task.validate

    def there() -> dict[str, float]:
        task.text = usual.to(device_of(task.model))
        try:
            return dict(validate())
        finally:
            task.text = usual

    task.validate = there
    return task


@pytest.mark.parametrize("device", THERE)
@pytest.mark.parametrize("accumulate", [1, 3])
def test_training_there_is_the_same_training(make_task: Any, device: str, accumulate: int) -> None:
    settings = msgspec.structs.replace(SHORT, accumulate=accumulate)
    here, there = make_task(dropout=0.0), on(make_task(dropout=0.0), device)
    a, b = fit(here, settings), fit(there, msgspec.structs.replace(settings, device=device))
    assert device_of(there.model).type == "cpu"
    for row, other in zip(a.history, b.history, strict=True):
        assert row["valid_nll"] == pytest.approx(other["valid_nll"], rel=1e-3)
    for name, values in here.model.state_dict().items():
        torch.testing.assert_close(values, there.model.state_dict()[name], rtol=0, atol=1e-3)


@pytest.mark.parametrize("device", THERE)
@pytest.mark.parametrize("later", ["cpu", "the same"])
def test_a_checkpoint_goes_on_there_and_elsewhere(make_task: Any, tmp_path: Path, device: str, later: str) -> None:
    settings = msgspec.structs.replace(SHORT, device=device)
    dropout = 0.3 if later == "the same" else 0.0  # masks are drawn otherwise elsewhere
    whole = on(make_task(dropout=dropout), device)
    fit(whole, settings)

    def step(*arguments: Any) -> Any:
        result = training_step(*arguments)
        calls.append(1)
        if len(calls) == 11:
            signal.raise_signal(signal.SIGINT)
        return result

    calls: list[int] = []
    with Interrupt(graceful=True) as interrupt:
        half = on(make_task(dropout=dropout), device)
        fit(half, settings, step=step, checkpoint=tmp_path, interrupt=interrupt)
    torch.rand(3, device=device)  # somebody draws in between
    task = on(make_task(dropout=dropout, seed=9), device)
    settings = settings if later == "the same" else SHORT
    fit(task, settings, checkpoint=tmp_path, resume=True)
    for name, values in whole.model.state_dict().items():  # kernels there may add in another order
        torch.testing.assert_close(values, task.model.state_dict()[name], rtol=0, atol=1e-3)


@pytest.mark.parametrize("device", THERE)
def test_generators_there_are_put_back(make_task: Any, device: str) -> None:
    generators, task = torch.get_device_module(device), on(make_task(), device)
    before = generators.get_rng_state()
    fit(task, msgspec.structs.replace(SHORT, device=device))
    assert torch.equal(before, generators.get_rng_state())


@pytest.mark.parametrize("device", THERE)
@pytest.mark.parametrize("cell", ["gru", "mgu"])
def test_a_classifier_learns_there(device: str, cell: str) -> None:
    y = ["good" in text for text in TEXTS]
    settings = {"hidden": 8, "embedding": 8, "epochs": 30, "batch_size": 8, "rate": 0.02, "class_weight": "balanced"}
    model = elman.Classifier(device=device, cell=cell, **settings)
    assert model.fit(TEXTS, y).score(TEXTS, y) > 0.9
    assert device_of(model.model_).type == "cpu"


@pytest.mark.parametrize("device", THERE[:1])  # the CRF computes in double precision, which mps does not know
def test_a_tagger_learns_there(device: str) -> None:
    model = elman.Tagger(device=device, hidden=8, epochs=8, batch_size=8, rate=0.01).fit(SENTENCES, TAGS)
    assert model.predict(SENTENCES[:5]) == TAGS[:5]
    assert device_of(model.model_).type == "cpu"


def test_answers_are_searched_where_the_model_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lengths stay on the processor, so theirs is no device to search on."""
    seen: list[Any] = []
    for name in ("sample", "beam"):
        monkeypatch.setattr(f"elman.models.replying.{name}", lambda *_, device, **more: seen.append(device))
    for propose in ("sample", "beam"):
        replier = Replier(nn.Linear(1, 1, device="meta"), None, AnswerSettings(propose=propose), SearchSettings())  # type: ignore[arg-type]
        replier._propose(None, torch.tensor([3]), [0])
    assert seen == [META, META]

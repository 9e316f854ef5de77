"""A fit beside other things: it moves no generator of the user's, and neither threads nor Ctrl-C reach its result."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.exceptions import ConvergenceWarning
from tests.tasks.conftest import ordered
from tests.tasks.tag.conftest import sentences
from torch import Tensor, nn

import elman
from elman.data.labelled import Labelled
from elman.data.tagged import TaggedSentences
from elman.errors import InputError
from elman.tasks.tag.estimator import Tagger
from elman.training import loop
from elman.training.callbacks import Callback
from elman.training.randomness import initialised, random_states
from elman.training.session import Session, Standing

TEXTS, LABELS = ordered(80)
SENTENCES, TAGS = sentences(0, 40)


def classifier(**more: Any) -> elman.Classifier:
    """Every place where it draws is on."""
    settings = {"word_dropout": 0.2, "recurrent_dropout": 0.2, "zoneout": 0.1, "layers": 2, "seed": 3, "epochs": 2}
    return elman.Classifier(embedding=6, hidden=6, stages=("lower",), **{**settings, **more})


def tagger(**more: Any) -> Tagger:
    settings = {"recurrent_dropout": 0.2, "spelling_dropout": 0.2, "word_dropout": 1.0, "seed": 4, "epochs": 2}
    return Tagger(word_dim=6, char_dim=4, char_hidden=4, affix_dim=4, hidden=6, **{**settings, **more})


def a_classifier() -> Any:
    return classifier().fit(TEXTS, LABELS)


def a_tagger() -> Any:
    return tagger(refit=True).fit(SENTENCES, TAGS)


def weights(estimator: Any) -> dict[str, Tensor]:
    return {name: t.clone() for name, t in estimator.model_.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[k], b[k]) for k in a)


def draws() -> list[float]:
    return [random.random(), float(np.random.rand()), float(np.random.randn()), float(torch.rand(())),
            float(torch.randn(()))]  # fmt: skip


def seeded(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def broken(*arguments: Any) -> Any:
    torch.rand(3), np.random.rand(), random.random()
    raise RuntimeError("a step that fails")


def fails(estimator: Any) -> Callable[[], Any]:
    def call() -> None:
        with pytest.raises(RuntimeError, match="a step that fails"):
            estimator.fit_parts(Labelled(TEXTS, LABELS), None, step=broken)

    return call


def drawing(*arguments: Any) -> Any:
    """A step of the user's that draws from every global generator."""
    with torch.no_grad():
        arguments[0].model.out.bias += 0.1 * (random.random() + np.random.rand() + torch.rand(()))
    return loop.training_step(*arguments)


def with_a_step() -> Any:
    return classifier().fit_parts(Labelled(TEXTS, LABELS), None, step=drawing)


@pytest.mark.parametrize("call", [a_classifier, a_tagger, with_a_step, fails(classifier())])
def test_the_users_next_draw_is_what_it_would_have_been(call: Callable[[], Any]) -> None:
    seeded(11)
    draws()
    expected = draws()
    seeded(11)
    draws()
    call()
    assert draws() == expected


def test_nor_does_the_first_fit_of_a_process_draw() -> None:
    """What it imports on the way may: rich does, when its styles are made."""
    script = (
        "import random; random.seed(1); before = random.getstate()\n"
        "import elman\n"
        "elman.Classifier(epochs=1, hidden=2, ngrams=3).fit(['a b', 'b a', 'b b', 'a a'] * 5, [0, 1, 1, 0] * 5)\n"
        "assert random.getstate() == before\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_reading_a_model_draws_nothing(tmp_path: Path) -> None:
    a_classifier().save(tmp_path / "c")
    a_tagger().save(tmp_path / "t")
    seeded(12)
    expected = draws()
    seeded(12)
    elman.Classifier.load(tmp_path / "c").predict(TEXTS[:3])
    Tagger.load(tmp_path / "t").predict(SENTENCES[:3])
    assert draws() == expected


@pytest.mark.parametrize("make", [a_classifier, a_tagger, with_a_step])
def test_the_seed_alone_decides(make: Callable[[], Any]) -> None:
    seeded(1)
    one = make()
    seeded(2)
    assert same(weights(one), weights(make()))


def test_unknown_words_beside_vectors_are_drawn_by_the_seed_too(tmp_path: Path) -> None:
    (tmp_path / "v.txt").write_text("2 3\ngood 1 2 3\nbad 0 1 0\n")
    seeded(1)
    one = classifier(vectors=str(tmp_path / "v.txt"), epochs=1).fit(TEXTS, LABELS)
    seeded(2)
    two = classifier(vectors=str(tmp_path / "v.txt"), epochs=1).fit(TEXTS, LABELS)
    assert same(weights(one), weights(two))


def test_fits_in_two_threads_are_what_they_are_alone() -> None:
    """While a third draws from the global generators all the time."""
    alone = [weights(make()) for make in (a_classifier, a_tagger, with_a_step)]
    ended = False

    def disturb() -> None:
        while not ended:
            torch.rand(3), torch.randperm(5), np.random.rand(), random.random()

    with ThreadPoolExecutor(4) as pool:
        noise = pool.submit(disturb)
        try:
            both = [pool.submit(make) for make in (a_classifier, a_tagger)]
            assert [same(weights(f.result()), w) for f, w in zip(both, alone)] == [True, True]
        finally:
            ended = True
        noise.result()
        # a step that draws globally: two of them wait for one another
        several = [pool.submit(with_a_step) for _ in range(2)] + [pool.submit(a_classifier)]
        found = [same(weights(f.result()), w) for f, w in zip(several, (alone[2], alone[2], alone[0]))]
        assert found == [True, True, True]


def test_initialised_is_a_manual_seed_that_leaves_the_global_generator_alone() -> None:
    def make() -> list[Tensor]:
        filled = [
            torch.randn(3), torch.rand(2, 2), torch.randint(9, (4,)), torch.randint(3, 9, (4,)), torch.randperm(6),
            torch.randn_like(torch.ones(2)), torch.empty(3).bernoulli_(0.5), torch.normal(torch.zeros(3), 1.0),
            nn.init.orthogonal_(torch.empty(3, 3)), nn.init.trunc_normal_(torch.empty(5)),
        ]  # fmt: skip
        modules = nn.Embedding(5, 3), nn.Linear(3, 2), nn.GRU(2, 2), elman.nn.LSTM(3, 4)
        return [*filled, *(p.detach() for m in modules for p in m.parameters())]

    torch.manual_seed(8)
    expected = make()
    before = random_states()
    with initialised(8):
        found = make()
    for a, b in zip(expected, found, strict=True):
        assert torch.equal(a, b)
    assert torch.equal(before["torch"], random_states()["torch"])


# -- Ctrl-C -----------------------------------------------------------------------------------------------------------


def struck(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    """Ctrl-C before the n-th step from now on."""
    usual, calls = Session.train, iter(range(1, 10_000))

    def train(self: Any, *arguments: Any) -> None:
        if next(calls) == n:
            signal.raise_signal(signal.SIGINT)
        usual(self, *arguments)

    monkeypatch.setattr(Session, "train", train)


def test_ctrl_c_leaves_a_classifier_of_its_best_epoch(monkeypatch: pytest.MonkeyPatch) -> None:
    model = classifier(epochs=3)
    steps = -(-len(TEXTS) * 9 // 10 // 32)
    struck(monkeypatch, 2 * steps + 1)
    with pytest.raises(KeyboardInterrupt):
        model.fit(TEXTS, LABELS)
    assert model.fitted_.interrupted
    assert len(model.fitted_.history) == 2
    assert len(model.predict(TEXTS[:3])) == 3
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("n", [3, 5], ids=["training", "refit"])
def test_ctrl_c_leaves_a_whole_tagger(monkeypatch: pytest.MonkeyPatch, n: int) -> None:
    """In the refit it is that of before, calibrated as it was."""
    alone = tagger().fit(SENTENCES, TAGS)
    model = tagger(refit=True)
    struck(monkeypatch, n)
    with pytest.raises(KeyboardInterrupt):
        model.fit(SENTENCES, TAGS)
    assert model.fitted_.interrupted
    assert model.predict(SENTENCES[:2])
    if n == 5:
        assert same(weights(model), weights(alone))
        assert model.temperature_ == alone.temperature_


def test_on_demand_it_stops_instead(monkeypatch: pytest.MonkeyPatch) -> None:
    struck(monkeypatch, 2)
    model = classifier()
    model.fit_parts(Labelled(TEXTS, LABELS), None, graceful=True)
    assert model.fitted_.interrupted


@pytest.mark.parametrize("make", [classifier, tagger])
def test_ctrl_c_before_anything_is_learned_waits_for_nothing(
    make: Callable[[], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Reading the examples may take minutes, and what would be written after them has learned nothing."""
    model = make()
    parts = Labelled(TEXTS, LABELS) if make is classifier else TaggedSentences(SENTENCES, TAGS)
    monkeypatch.setattr(model, "encoded", lambda _: (signal.raise_signal(signal.SIGINT), pytest.fail("it went on")))
    with pytest.raises(KeyboardInterrupt):
        model.fit_parts(parts, parts, graceful=True)


def test_ctrl_c_after_the_last_step_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    """Asked to stop while the temperature is fitted: there is nothing left to stop, so it is raised."""
    model = tagger()
    monkeypatch.setattr(model, "_calibrate", lambda *_: signal.raise_signal(signal.SIGINT), raising=True)
    with pytest.raises(KeyboardInterrupt):
        model.fit_parts(TaggedSentences(SENTENCES, TAGS), TaggedSentences(SENTENCES[:9], TAGS[:9]), graceful=True)
    assert not model.fitted_.interrupted


# -- numbers that are none --------------------------------------------------------------------------------------------


WILD = {"epochs": 1, "batch_size": 100, "schedule": "constant"}  # one step, and no loss after it


def damaged(monkeypatch: pytest.MonkeyPatch, name: str, value: float, when: Callable[[Any], bool]) -> None:
    """After every step the weights of that name, or whose name begins so, are filled with a value.

    A number so large is told of itself, before an answer is made of it; here the answer is to tell.
    """
    monkeypatch.setattr("elman.training.session.LARGEST", 3.4e38)
    usual = Session.train

    def train(self: Any, *arguments: Any) -> None:
        usual(self, *arguments)
        if when(self.trainable):
            with torch.no_grad():
                for n, p in self.trainable.model.named_parameters():
                    if n.startswith(name):
                        p.fill_(value)

    monkeypatch.setattr(Session, "train", train)


@pytest.mark.parametrize("more", [{}, {"validation": 0.0}], ids=["held out", "nothing held out"])
def test_a_classifier_that_diverges_in_its_only_step_says_so(
    more: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match=r"holds nan in epoch 1, batch 1; lower training\.rate"):
        classifier(**WILD, rate=1e38, **more).fit(TEXTS, LABELS)
    damaged(monkeypatch, "", 3e38, lambda task: True)  # a number, but no sum of two of them is
    with pytest.raises(InputError, match=r"not finite numbers after epoch 1; lower training\.rate"):
        classifier(**WILD, **more).fit(TEXTS, LABELS)


def test_a_tagger_that_diverges_in_its_only_step_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"holds nan in epoch 1, batch 1; lower training\.rate"):
        tagger(**WILD, rate=1e38).fit(SENTENCES, TAGS)
    damaged(monkeypatch, "", 3e38, lambda task: True)
    with pytest.raises(InputError, match=r"not finite numbers after epoch 1; lower training\.rate"):
        tagger(**WILD).fit(SENTENCES, TAGS)


@pytest.mark.parametrize(
    ("average", "name", "value", "said"),
    [(0.0, "emit.bias", np.nan, "emit.bias holds nan"), (0.5, "emit.bias", np.nan, "emit.bias holds nan"),
     (0.0, "", 3e38, "not finite numbers")],
)  # fmt: skip
def test_a_refit_that_diverges_leaves_the_model_before_it(
    monkeypatch: pytest.MonkeyPatch, average: float, name: str, value: float, said: str
) -> None:
    alone = tagger(average=average).fit(SENTENCES, TAGS)
    damaged(monkeypatch, name, value, lambda task: task.select == "")
    model = tagger(refit=True, average=average, batch_size=100)
    with pytest.warns(ConvergenceWarning, match=said):
        model.fit(SENTENCES, TAGS)
    assert said in model.fitted_.diverged
    model = tagger(refit=True, average=average)
    with pytest.warns(ConvergenceWarning, match="the weights of epoch"):
        model.fit(SENTENCES, TAGS)
    assert model.fitted_.diverged
    assert same(weights(model), weights(alone))


def test_corrections_of_vectors_are_looked_at_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "v.txt").write_text("2 3\ncat 1 2 3\nParis 0 1 0\n")
    damaged(monkeypatch, "corrections.weight", np.inf, lambda task: True)
    with pytest.raises(InputError, match=r"corrections\.weight holds inf in epoch 1"):
        tagger(vectors=str(tmp_path / "v.txt"), freeze=False, **WILD).fit(SENTENCES, TAGS)


def test_a_fit_that_failed_leaves_no_vectors_to_the_next(tmp_path: Path) -> None:
    for width in (2, 3):
        (tmp_path / f"{width}.txt").write_text(f"cat {'1 ' * width}\nParis {'2 ' * width}\n")
    model = tagger(vectors=str(tmp_path / "2.txt"), **WILD, rate=1e38)
    with pytest.raises(InputError, match="holds nan"):
        model.fit(SENTENCES, TAGS)
    model.vectors, model.rate = str(tmp_path / "3.txt"), 0.01
    model.fit(SENTENCES, TAGS)
    assert model.model_.vectors.shape == (3, 3)


def test_a_fit_where_gradients_are_switched_off() -> None:
    """As a notebook may have done for good; they stay off outside."""
    expected = weights(a_classifier())
    with torch.no_grad():
        assert same(weights(a_classifier()), expected)
        assert not torch.is_grad_enabled()


def test_callbacks_hear_of_a_fit() -> None:
    heard: list[int] = []

    class Steps(Callback):
        def step_end(self, at: Standing, figures: Mapping[str, float]) -> None:
            heard.append(at.step)

    model = classifier().fit_parts(Labelled(TEXTS, LABELS), None, callbacks=[Steps()])
    assert heard == list(range(1, model.fitted_.steps + 1))

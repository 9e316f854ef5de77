"""The estimator: learns, answers in several ways, is saved, proven, and says what is wrong with what it is given."""

from __future__ import annotations

import json
import math
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from tests.tasks.translate.conftest import SMALL, pairs

import elman
from elman.config.recipe import load_recipe
from elman.data.parallel import Pairs
from elman.errors import InputError
from elman.models.seq2seq import Seq2Seq
from elman.models.seq2seq_settings import Seq2SeqSettings
from elman.tasks.pairs import Asked
from elman.tasks.translate.task import TASK
from elman.training.callbacks import Callback
from elman.training.session import Standing

TEXTS, BACKWARDS = pairs(100, seed=1)
TINY = {**SMALL, "hidden": 8, "embedding": 8, "epochs": 1}


def test_it_learns_and_the_best_epoch_is_chosen_by_bleu(translator: elman.Translator) -> None:
    assert translator.score(TEXTS, BACKWARDS) > 85
    history = translator.fitted_.history
    best = max(history, key=lambda row: (row["valid_bleu"], -row["valid_nll"]))
    assert translator.fitted_.best_epoch == best["epoch"]
    assert np.mean([a == b for a, b in zip(translator.predict(TEXTS), BACKWARDS)]) > 0.8


def test_figures(translator: elman.Translator) -> None:
    found: dict[str, Any] = translator.evaluate(TEXTS, BACKWARDS)
    assert found["perplexity"] == pytest.approx(math.exp(found["nll"]))
    assert found["sentences_per_second"] > 0
    encoded = translator.encoded(Pairs(TEXTS, BACKWARDS))
    alone = [translator.surprise(encoded.take([i]))[0] for i in range(20)]
    together = translator.surprise(encoded)
    for (a, n), (b, m), text in zip(alone, together, BACKWARDS):
        assert (a, n) == (pytest.approx(b, abs=1e-4), m)
        assert n == len(text.split()) + 1  # the end is predicted, too
    assert found["nll"] == pytest.approx(sum(v for v, _ in together) / sum(n for _, n in together))


def test_saved_and_read_again(translator: elman.Translator, run: Path) -> None:
    again = elman.Translator.load(run)
    assert again.predict(TEXTS) == translator.predict(TEXTS)
    assert again.get_params() == translator.get_params()
    assert again.letters_.weights == translator.letters_.weights


def test_the_same_seed_is_the_same_translator() -> None:
    X, y = pairs(60)
    one, other = (elman.Translator(**TINY, seed=3).fit(X, y) for _ in range(2))
    for a, b in zip(one.model_.parameters(), other.model_.parameters()):
        assert torch.equal(a, b)
    assert clone(one).get_params() == one.get_params()


@pytest.mark.parametrize(
    "options",
    [
        {"units": "bpe", "shared": True, "vocabulary": 60, "tied": "all"},
        {"units": "unigram", "vocabulary": 40},
        {"units": "character", "attention": "inside", "scoring": "additive", "coverage": 1},
        {"attention": "none", "cell": "lstm", "layers": 2},
        {"attention": "fed", "sampling": 0.3, "word_dropout": 0.1, "lowercase": True, "normalise": "mean"},
    ],
)
def test_every_kind_trains_saves_and_is_proven(options: dict[str, Any], tmp_path: Path) -> None:
    made = elman.Translator(**{**TINY, **options}).fit(*pairs(60))
    answers = made.predict(TEXTS[:8])
    made.save(tmp_path / "run")
    assert elman.Translator.load(tmp_path / "run").predict(TEXTS[:8]) == answers
    proof = made.prove(Pairs(TEXTS, BACKWARDS))
    assert proof.ok, str(proof)
    names = [check.name for check in proof.checks]
    for name in ("alone = in a batch", "greedy search: alone = in a batch", "beam search: padded (with other values)"):
        assert name in names


def test_a_decoder_that_sees_padding_is_not_proven(
    translator: elman.Translator, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin = Seq2Seq.begin

    def blind(self: Seq2Seq, source: torch.Tensor, lengths: torch.Tensor) -> Any:
        return begin(self, source, torch.full_like(lengths, len(source)))

    monkeypatch.setattr(Seq2Seq, "begin", blind)
    proof = translator.prove(Pairs(TEXTS, BACKWARDS))
    failed = {check.name for check in proof.checks if check.holds is False}
    assert {
        "alone = in a batch",
        "greedy search: padded (with other values)",
        "beam search: alone = in a batch",
    } <= failed


# -- answers


def test_the_first_of_several_is_the_one(translator: elman.Translator) -> None:
    several = translator.translations(TEXTS[:20], nbest=5)
    for best, found in zip(translator.predict(TEXTS[:20]), several):
        assert found[0].text == best
        assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)
        assert len({f.text for f in found}) == len(found) <= 5
    wide = translator.translations(TEXTS[:2], nbest=12)  # the beam widens as far as is asked
    assert all(5 < len(found) <= 12 for found in wide)
    with pytest.raises(InputError, match="unknown option 'nbst'; did you mean 'nbest'"):
        translator.translations(TEXTS, nbst=3)


def test_attention_reads_backwards(translator: elman.Translator) -> None:
    (found,) = translator.translations(["a b c d e f"], alignment=True)[0]
    assert found.text == "F E D C B A"
    assert found.looks is not None
    assert found.looks.shape == (6, 6)
    assert found.looks.sum(1) == pytest.approx(1, abs=1e-5)
    assert (np.diff(found.looks.argmax(1)) <= 0).mean() > 0.7
    assert translator.translations(["a b"])[0][0].looks is None


def test_an_ensemble_of_itself_is_itself(translator: elman.Translator, run: Path, tmp_path: Path) -> None:
    together = translator.asking(Asked(ensemble=f"{run},{run}"))
    assert len(together.writer().models) == 3
    assert together.predict(TEXTS) == translator.predict(TEXTS)
    elman.Translator(**TINY).fit(*pairs(2400)).save(tmp_path / "other")
    assert len(translator.asking(Asked(ensemble=str(tmp_path / "other"))).predict(TEXTS[:3])) == 3
    elman.Translator(**{**TINY, "units": "character"}).fit(*pairs(60)).save(tmp_path / "strange")
    with pytest.raises(InputError, match="strange: has other units than this RUN"):
        translator.asking(Asked(ensemble=str(tmp_path / "strange")))


def test_an_unknown_word_is_copied_if_asked(translator: elman.Translator) -> None:
    plain = translator.predict(["a b zebra c"])
    assert "<unk>" not in plain[0]
    with torch.no_grad():
        translator.model_.softmax.bias[1] += 30  # as if it had learned to say so
    try:
        copied = translator.translations(["a b zebra c"], copy_unknown=True)[0][0]
        never = translator.predict(["a b zebra c"])
    finally:
        with torch.no_grad():
            translator.model_.softmax.bias[1] -= 30
    assert set(copied.text.split()) <= {"a", "b", "zebra", "c"}
    assert not {"zebra", "<unk>"} & set(never[0].split())


# -- odd texts


def test_long_texts(translator: elman.Translator) -> None:
    """A line of 10,000 words is read in part, and pairs that are too long are not learned from."""
    line = " ".join("abcdefgh"[i % 8] for i in range(10_000))
    (answer,) = translator.translations([line], beam=1, longest=20)[0]
    assert len(answer.text.split()) <= 20
    X, y = pairs(60)
    made = elman.Translator(**TINY, max_length=9)
    made.fit_parts(Pairs([*X, line], [*y, line.upper()]), Pairs([line, "a b"], ["A", "B A"]))
    assert "1 of 61 training pairs left out: more than 9 units on a side" in made.remarks_
    assert "of 1 validation source the first 9 units are read" in made.remarks_
    with pytest.raises(InputError, match=r"text\.max_length: every pair has more than 1 units on a side"):
        elman.Translator(**TINY, max_length=1).fit(*pairs(60))


def test_scripts_and_directions_of_writing() -> None:
    X = ["שלום עולם (test)", "مرحبا بالعالم", "日本語のテキスト。", "हिन्दी पाठ 😀", "mixed שלום 日本 text"] * 6
    y = [f"{text} ✓" for text in X]
    for units in ("bpe", "word", "character"):
        made = elman.Translator(**{**TINY, "units": units, "vocabulary": 200}).fit(X, y)
        assert len(made.predict(X[:5])) == 5


def test_vocabularies_of_next_to_nothing() -> None:
    one = elman.Translator(**TINY).fit(["a", "a", "a a", "a"] * 8, ["b", "b", "b b", "b"] * 8)
    assert set(" ".join(one.predict(["a", "a a"])).split()) <= {"b"}
    # a target of nothing but unknown words has nothing that could be written
    with pytest.raises(InputError, match=r"text\.min_count: every word of a side is rarer than 2"):
        elman.Translator(**TINY, min_count=2).fit(["a"] * 20, [f"word{i}" for i in range(20)])
    strange = elman.Translator(**TINY).fit(*pairs(40))
    assert len(strange.predict(["never seen these words"])) == 1
    assert strange.predict(["", "  "]) == ["", ""]
    assert math.isfinite(strange.evaluate(["a b", "x"], ["totally unknown", "words"])["nll"])  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("X", "y", "said"),
    [
        (["a", "b"], ["A"], "2 texts and 1 translations"),
        (["a", ""], ["A", "B"], r"X\[1\]: the text is empty"),
        (["a", "b"], ["A", " "], r"y\[1\]: the text is empty"),
        (["a", None], ["A", "B"], r"X\[1\]: the text is missing"),
        (["a", 3], ["A", "B"], r"X\[1\]: 3 is no text"),
        (["a"], ["A"], "one pair is too little"),
        ([], [], "there are no texts"),
        ("abc", ["A"], "a string where a list is expected"),
    ],
)
def test_what_is_refused(X: Any, y: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        elman.Translator(**TINY).fit(X, y)


def test_settings_that_make_no_sense() -> None:
    for options, said in (
        ({"beam": 0}, "beam is 0"),
        ({"scoring": "cosine"}, "no score is called"),
        ({"vocabulary": 3}, "3 units"),
        ({"validation": 0}, "validation is 0"),
    ):
        with pytest.raises(InputError, match=said):
            elman.Translator(**{**TINY, **options}).fit(*pairs(20))
    with pytest.raises(InputError, match=r"model\.tied"):
        elman.Translator(**{**TINY, "tied": "all"}).fit(["a b", "a"] * 9, ["A", "A"] * 9)


def test_a_damaged_run_is_refused_in_one_line(run: Path, tmp_path: Path) -> None:
    def damaged(**changes: Any) -> str:
        folder = tmp_path / "damaged"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(run, folder)
        description = json.loads((folder / "model.json").read_text())
        for dotted, value in changes.items():
            at = description
            *way, last = dotted.split("__")
            for key in way:
                at = at[key]
            at[last] = value
        (folder / "model.json").write_text(json.dumps(description))
        with pytest.raises(InputError) as error:
            elman.Translator.load(folder)
        assert "\n" not in str(error.value)
        return str(error.value)

    assert "units of the kind bpe that are none" in damaged(units__source__kind="bpe")
    assert "Invalid enum value" in damaged(units__source__kind="runes")
    assert "shape" in damaged(units__target__learned=["A", "B"])
    assert "units" in damaged(units=3)
    assert "layers" in damaged(parameters__layers=10**6)
    assert damaged(parameters__hidden=10**9)
    assert "hidden" in damaged(parameters__hidden="wide")
    assert damaged(units__source__learned=["a"] * 8)
    assert damaged(cell={})


def test_a_fit_moves_no_generator_of_the_users() -> None:
    before = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # type: ignore[index]
    elman.Translator(**{**TINY, "sampling": 0.3, "word_dropout": 0.2, "recurrent_dropout": 0.1}).fit(*pairs(40))
    after = random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state()  # type: ignore[index]
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])


def test_an_ablation_tries_every_way_to_look() -> None:
    recipe = load_recipe("translation", sections=TASK.sections)
    variants = TASK.variants(recipe, None).recipes  # type: ignore[arg-type]
    ways = {name: variant[Seq2SeqSettings].attention for name, variant in variants.items()}
    assert ways.pop("fixed context") == "none"
    assert {*ways.values(), "none", recipe[Seq2SeqSettings].attention} == {"none", "after", "inside", "fed"}
    for variant in variants.values():
        variant[Seq2SeqSettings].check()


def test_resumed_where_it_was_interrupted(tmp_path: Path) -> None:
    """Stopped after the first epoch and taken up again: the weights of the training that nobody disturbed."""
    X, y = pairs(80)
    train, valid = Pairs(X[:60], y[:60]), Pairs(X[60:], y[60:])
    whole = elman.Translator(**{**TINY, "epochs": 3, "average": 0.9}).fit_parts(train, valid)

    class Stop(Callback):
        def epoch_start(self, at: Standing) -> None:
            if at.epoch == 2:
                raise KeyboardInterrupt

    place = tmp_path / "checkpoint"
    half = elman.Translator(**{**TINY, "epochs": 3, "average": 0.9})
    with pytest.raises(KeyboardInterrupt):
        half.fit_parts(train, valid, checkpoint=place, callbacks=[Stop()])
    half.fit_parts(train, valid, checkpoint=place, resume=True)
    for a, b in zip(whole.model_.parameters(), half.model_.parameters()):
        assert torch.equal(a, b)
    assert [row["valid_bleu"] for row in half.fitted_.history] == [row["valid_bleu"] for row in whole.fitted_.history]


@pytest.mark.parametrize("attention", ["inside", "after", "none"])
def test_single_words(attention: str) -> None:
    """Sources and targets of one unit: the epoch that is kept is one that knows them."""
    words = list("abcdefghij")
    model = elman.Translator(
        units="word", embedding=16, hidden=32, rate=0.02, epochs=20, batch_size=8, dropout=0, attention=attention
    ).fit(words * 8, [w.upper() for w in words * 8])
    assert model.predict(words) == [w.upper() for w in words]
    assert [model.predict([w])[0] for w in words] == model.predict(words)
    assert model.score(words, [w.upper() for w in words]) == pytest.approx(100)

"""What comes next, from Python and from the command line."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from sklearn.base import clone

import elman
from elman.data.texts import Texts
from elman.errors import InputError
from elman.tasks.generate.report import typed_with_suggestions
from elman.training.loop import training_step

TEXT = "abcabd" * 300
SMALL = {
    "cell": "gru", "tied": False, "embedding": 8, "hidden": 16, "layers": 1, "dropout": 0.0, "between": 0.0,
    "input": 0.0, "rate": 0.03, "batch_size": 4, "bptt": 20, "epochs": 10, "typed": 60,
}  # fmt: skip


@pytest.fixture(scope="module")
def model() -> elman.LanguageModel:
    return elman.LanguageModel(**SMALL).fit([TEXT])


def test_it_learns_what_comes_next(model):
    assert model.perplexity([TEXT]) < 1.1
    assert model.sample("abcab", length=7, temperature=0) == "dabcabd"
    assert model.score([TEXT]) == pytest.approx(-math.log(model.perplexity([TEXT])))


def test_all_continuations_together_are_certain(model):
    known = [c for c in model.units_.words if c not in ("<pad>", "<unk>", "<begin>", "<end>")]
    whole = sum(math.exp(model.log_prob("ab" + "".join(more))[2:].sum()) for more in itertools.product(known, repeat=3))
    # what is left is for signs that no text holds
    assert 0.97 < whole <= 1 + 1e-5


def test_a_text_is_worth_the_same_each_time_and_from_its_beginning(model):
    one, other = model.log_prob("abcabd"), model.log_prob("abdabc")
    np.testing.assert_array_equal(model.log_prob("abcabd"), one)
    np.testing.assert_allclose(one[:2], other[:2], atol=1e-6)
    assert len(one) == 6
    assert len(model.log_prob("")) == 0


def test_samples_go_by_their_seed(model):
    some = [model.sample("ab", length=30, temperature=3.0, seed=seed) for seed in (0, 0, 1)]
    assert some[0] == some[1] != some[2]
    assert len(some[0]) <= 30


def test_saved_and_loaded(model, tmp_path):
    model.save(tmp_path / "run")
    again = elman.LanguageModel.load(tmp_path / "run")
    np.testing.assert_array_equal(again.log_prob("abcabx"), model.log_prob("abcabx"))
    assert clone(model).get_params() == model.get_params()


def test_a_training_cut_amid_an_epoch_goes_on_bit_for_bit(tmp_path):
    from elman.data.texts import Texts

    parts = Texts([TEXT[:900]]), Texts([TEXT[900:1100]])
    settings = {**SMALL, "dropout": 0.3, "checkpoint_seconds": 0.0, "epochs": 2}
    whole = elman.LanguageModel(**settings).fit_parts(*parts, checkpoint=tmp_path / "whole")
    steps = itertools.count()

    class CutError(Exception):
        pass

    def cut(*arguments):
        if next(steps) == 15:
            raise CutError
        return training_step(*arguments)

    with pytest.raises(CutError):
        elman.LanguageModel(**settings).fit_parts(*parts, checkpoint=tmp_path / "cut", step=cut)
    resumed = elman.LanguageModel(**settings).fit_parts(*parts, checkpoint=tmp_path / "cut", resume=True)
    for (name, a), b in zip(whole.model_.state_dict().items(), resumed.model_.state_dict().values()):
        assert a.equal(b), name
    assert [row["loss"] for row in whole.fitted_.history] == [row["loss"] for row in resumed.fitted_.history]


@pytest.mark.parametrize(
    ("X", "said"),
    [([], "there are no texts"), ([3], "3 is no text"), (["ab"], "too little text"), ([" ", ""], "too little text")],
)
def test_what_cannot_be_learned_from(X, said):
    with pytest.raises(InputError, match=said):
        elman.LanguageModel(**SMALL).fit(X)


def test_the_folder_of_a_run_is_all_that_is_needed(model, tmp_path: Path):
    model.save(tmp_path / "run")
    described = json.loads((tmp_path / "run" / "model.json").read_text(encoding="utf-8"))
    described["units"]["kind"] = "bpe"
    (tmp_path / "run" / "model.json").write_text(json.dumps(described), encoding="utf-8")
    with pytest.raises(InputError, match="units of the kind bpe"):
        elman.LanguageModel.load(tmp_path / "run")


def test_letters_that_it_does_not_know(model):
    assert model.units_.unknown("abxcßx") == ["x", "ß"]
    assert model.units_.unknown("abc") == []
    plain = model.sample("abcab", length=4, temperature=0)
    assert model.sample("axbcßab", length=4, temperature=0) == plain
    assert model.sample("axbcßab", length=4, temperature=0, whole=True) == f"axbcßab{plain}"
    assert model.sample("xß", length=4, temperature=0) == model.sample("", length=4, temperature=0)


def test_matrices_in_8_bits(model):
    """All it says is of the rounded weights, whichever way it reads; the model that was asked stays as it was."""
    kept = {name: w.clone() for name, w in model.model_.state_dict().items()}
    near = model.eight_bits()
    assert near.model_.eight is not None
    assert model.model_.eight is None
    assert near.perplexity([TEXT]) == pytest.approx(model.perplexity([TEXT]), rel=0.02)
    assert near.perplexity([TEXT]) != model.perplexity([TEXT])
    assert near.sample("abcab", length=7, temperature=0) == "dabcabd"
    text = "abcabdab"
    one_by_one, whole = near.completer(), near.log_prob(f"{text}c")
    for n in range(1, len(text) + 1):
        one_by_one(text[:n])
    found = one_by_one._stack[len(text) + 1].read[near.units_.encode("c")[0]]
    assert found == pytest.approx(whole[-1], abs=1e-5)
    assert found != pytest.approx(model.log_prob(f"{text}c")[-1], abs=1e-6)
    assert all(bool((w == kept[name]).all()) for name, w in model.model_.state_dict().items())
    settings = {**SMALL, "block": "residual", "epochs": 1}
    with pytest.raises(InputError, match="only plain layers are read in 8 bits"):
        elman.LanguageModel(**settings).fit([TEXT]).eight_bits()


def test_counts_beside_the_network_suggest_words_and_nothing_else(tmp_path):
    """They are saved with it; the network, and all that it says, is what it would be without them."""
    texts, sizes = [TEXT * 3], {"hidden": 8, "embedding": 4, "layers": 1, "epochs": 2, "bptt": 10, "batch_size": 2}
    plain, beside = elman.LanguageModel(**sizes).fit(texts), elman.LanguageModel(**sizes, counts=3).fit(texts)
    assert np.array_equal(plain.log_prob(TEXT), beside.log_prob(TEXT))
    assert plain.sample("ab", length=9, seed=3) == beside.sample("ab", length=9, seed=3)
    assert plain.complete("ab") != beside.complete("ab")
    share = float(beside.model_.counted.share)
    assert beside.described_settings()["share of the counts"] == pytest.approx(share, abs=0.01)
    beside.save(tmp_path / "run")
    again = elman.LanguageModel.load(tmp_path / "run")
    for text in ("", "a", "ab", "abca"):
        assert again.complete(text) == beside.complete(text)
        assert again.complete(text, learn=True) == beside.complete(text, learn=True)
    assert beside.eight_bits().model_.counted is not None
    with pytest.raises(InputError, match="n-grams of 17 units"):
        elman.LanguageModel(counts=17).fit(texts)


def test_the_report_says_whose_suggestions_were_taken():
    text = "the cat sat on the mat\n" * 60
    model = elman.LanguageModel(hidden=8, embedding=4, layers=1, epochs=1, bptt=10, batch_size=2, counts=5).fit([text])
    page = typed_with_suggestions(model, Texts([text]))
    assert page is not None
    assert f"share of a probability is {float(model.model_.counted.share):.2f}; perplexity" in page.body


def test_counts_that_cannot_be_are_a_damaged_run(tmp_path):
    model = elman.LanguageModel(hidden=8, embedding=4, layers=1, epochs=1, bptt=10, batch_size=2, counts=2).fit(
        [TEXT * 3]
    )
    for name, change in (("entries_2", lambda x: x.flip(0)), ("gains_1", lambda x: x + 2)):
        weights = {key: value.clone() for key, value in model.model_.state_dict().items()}
        model.save(tmp_path / name)
        weights[f"counted.{name}"] = change(weights[f"counted.{name}"]).contiguous()
        save_file(weights, tmp_path / name / "model.safetensors")
        with pytest.raises(InputError, match=r"damaged \([12]-grams"):
            elman.LanguageModel.load(tmp_path / name)
    model.save(tmp_path / "sizes")
    said = json.loads((tmp_path / "sizes" / "model.json").read_text())
    said["counted"][0][1] = 10**9
    (tmp_path / "sizes" / "model.json").write_text(json.dumps(said))
    with pytest.raises(InputError, match="damaged"):
        elman.LanguageModel.load(tmp_path / "sizes")


def test_counts_without_a_share_leave_the_network_as_it_is():
    """Also where its probabilities are too small for float32, of which a mixture would have the logarithm of 0."""
    model = elman.LanguageModel(hidden=8, embedding=4, layers=1, epochs=1, bptt=10, batch_size=2, counts=2).fit(
        [TEXT * 3]
    )
    model.model_.counted.share.fill_(0)
    with torch.no_grad():
        model.model_.softmax.bias[model.units_.encode("a")] -= 500
    reader = model.completer().reader
    log_probs, _ = reader.skip([2], reader.begin())
    assert np.isfinite(log_probs).all()
    assert log_probs[model.units_.encode("a")] < -400

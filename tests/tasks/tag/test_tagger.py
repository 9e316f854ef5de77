"""`elman.Tagger`, as a scikit-learn user meets it."""

from __future__ import annotations

import json
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from tests.tasks.tag.conftest import sentences

from elman import Tagger
from elman.data.schemes import convert
from elman.data.tagged import TaggedSentences
from elman.errors import InputError
from elman.models.calibration import best_threshold
from elman.models.tag_names import TagNames
from elman.models.tagger import TaggerModel, TaggerSettings
from elman.text.vectors import WordVectors

SMALL: dict[str, Any] = {
    "word_dim": 16,
    "char_dim": 8,
    "char_hidden": 8,
    "affix_dim": 8,
    "hidden": 16,
    "dropout": 0.1,
    "word_dropout": 0.1,
    "rate": 0.02,
    "epochs": 6,
    "batch_size": 16,
}
World = tuple[list[list[str]], list[list[str]]]


@pytest.fixture(scope="session")
def fitted(world: World) -> Tagger:
    return Tagger(**SMALL).fit(*world)


@pytest.fixture(scope="session")
def plain(world: World) -> Tagger:
    X, y = world
    parts = [["NAME" if t != "O" else "SIGN" if not w.isalpha() else "WORD" for w, t in zip(*row)] for row in zip(X, y)]
    return Tagger(**{**SMALL, "head": "softmax", "cell": "gru", "layers": 2}).fit(X, parts)


def test_learns_entities(fitted: Tagger) -> None:
    assert fitted.score(*sentences(1, 100)) > 0.97
    assert fitted.predict([["Dr.", "Eve", "saw", "New", "Oslo"], []]) == [
        ["B-person", "I-person", "O", "B-place", "I-place"],
        [],
    ]


def test_letters_and_case_carry_words_never_seen(plain: Tagger) -> None:
    assert plain.predict([["the", "Parisq", "!"]])[0] == ["WORD", "NAME", "SIGN"]


@pytest.mark.parametrize("scheme", ["IOB1", "IOBES", "BILOU"])
def test_tags_come_back_in_the_scheme_they_came_in(world: World, scheme: str) -> None:
    X, y = world
    there = [convert(row, "IOB2", scheme) for row in y]
    tagger = Tagger(**SMALL).fit(X, there)
    new, gold = sentences(2, 60)
    predicted = tagger.predict(new)
    right = [convert(row, "IOB2", scheme) == p for row, p in zip(gold, predicted)]
    assert np.mean(right) > 0.9
    assert tagger.score(new, [convert(row, "IOB2", scheme) for row in gold]) > 0.95
    # whatever the gold file is written in
    assert tagger.score(new, gold) == tagger.score(new, [convert(row, "IOB2", scheme) for row in gold])


def test_probabilities(fitted: Tagger, plain: Tagger) -> None:
    X, _ = sentences(3, 20)
    for tagger in (fitted, plain):
        tags, sure = tagger.predict_with_confidence(X)
        columns = tagger.classes_.tolist()
        for words, p, row, q in zip(X, tagger.predict_proba(X), tags, sure):
            assert p.shape == (len(words), len(columns))
            np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
            np.testing.assert_allclose(q, [p[t, columns.index(tag)] for t, tag in enumerate(row)])


def test_probabilities_of_iob2_are_sums_over_the_tags_inside(fitted: Tagger) -> None:
    assert fitted.classes_.tolist() == ["B-person", "B-place", "I-person", "I-place", "O"]
    inside = np.random.default_rng(0).dirichlet(np.ones(9), 4)
    names = fitted.names_.names
    outside = fitted.names_.columns(inside)
    b, s = names.index("B-place"), names.index("S-place")
    np.testing.assert_allclose(outside[:, 1], inside[:, b] + inside[:, s])
    np.testing.assert_allclose(outside.sum(1), 1)


def test_batch_of_one_equals_batch_of_many(fitted: Tagger) -> None:
    X, _ = sentences(4, 30)
    assert fitted.predict(X) == [fitted.predict([words])[0] for words in X]
    for together, alone in zip(fitted.predict_proba(X), (fitted.predict_proba([words])[0] for words in X)):
        np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_state_contract_is_proven(fitted: Tagger, plain: Tagger) -> None:
    X, _ = sentences(5, 30)
    for tagger in (fitted, plain):
        proof = tagger.prove(TaggedSentences(X))
        assert proof.ok, str(proof)
        assert {"alone = in a batch", "padded (with other values)"} <= {c.name for c in proof.checks if c.holds}


def test_save_and_load(fitted: Tagger, tmp_path: Path) -> None:
    X, _ = sentences(6, 40)
    fitted.save(tmp_path / "run")
    assert not list(tmp_path.rglob("*.pkl"))
    again = Tagger.load(tmp_path / "run")
    assert again.predict(X) == fitted.predict(X)
    for a, b in zip(again.predict_proba(X), fitted.predict_proba(X)):
        np.testing.assert_array_equal(a, b)
    assert again.get_params() == fitted.get_params()


def test_a_damaged_run_is_named(fitted: Tagger, tmp_path: Path) -> None:
    fitted.save(tmp_path / "run")
    description = json.loads((tmp_path / "run" / "model.json").read_text())
    del description["lexicon"]["chars"]
    (tmp_path / "run" / "model.json").write_text(json.dumps(description))
    with pytest.raises(InputError, match="the RUN is damaged"):
        Tagger.load(tmp_path / "run")


def test_the_same_seed_gives_the_same_tagger(world: World) -> None:
    X, y = world
    a, b = (Tagger(**{**SMALL, "epochs": 1}).fit(X, y) for _ in range(2))
    for p, q in zip(a.model_.state_dict().values(), b.model_.state_dict().values()):
        assert torch.equal(p, q)


def test_scikit_learn_can_clone_and_search(world: World) -> None:
    X, y = ([row[:40] for row in part[:40]] for part in world)
    tagger = Tagger(**{**SMALL, "epochs": 1})
    assert clone(tagger).get_params() == tagger.get_params()
    search = GridSearchCV(tagger, {"hidden": [4, 8]}, cv=2, error_score="raise").fit(X, y)
    assert search.best_params_["hidden"] in (4, 8)
    with pytest.raises(InputError, match="did you mean 'hidden'"):
        Tagger(hiden=3)


def test_pretrained_vectors_reach_words_that_training_never_saw(world: World, tmp_path: Path) -> None:
    """`zurich` lies where the places lie, in vectors alone: no other feature is on."""
    rng = np.random.default_rng(0)
    X, _ = world
    vocabulary = sorted({w for row in X for w in row} | {"zurich"})
    places = {"Paris", "London", "Rome", "Oslo", "zurich"}
    matrix = rng.normal(size=(len(vocabulary), 12)).astype(np.float32)
    for i, word in enumerate(vocabulary):
        if word in places:
            matrix[i] = np.ones(12) + 0.1 * rng.normal(size=12)
    WordVectors(vocabulary, matrix).save(tmp_path / "v.safetensors")
    off = {"word_dim": 0, "char_hidden": 0, "case_dim": 0, "affix_dim": 0}
    tagger = Tagger(**{**SMALL, **off, "vectors": str(tmp_path / "v.safetensors")}).fit(*world)
    assert tagger.predict([["went", "to", "zurich"], ["went", "to", "nowhere"]])[0] == ["O", "O", "B-place"]
    before = tagger.model_.vectors.clone()
    assert torch.equal(before[1 + vocabulary.index("zurich")], tagger.model_.vectors[1 + vocabulary.index("zurich")])
    assert "vectors" not in dict(tagger.model_.named_parameters())


def test_vectors_trained_on_move_for_the_training_words_alone(world: World, tmp_path: Path) -> None:
    X, y = world
    vocabulary = [*sorted({w.lower() for row in X for w in row}), "zurich", "nowhere"]
    matrix = np.random.default_rng(0).standard_normal((len(vocabulary), 6)).astype(np.float32)
    WordVectors(vocabulary, matrix).save(tmp_path / "v.safetensors")
    settings = {**SMALL, "epochs": 2, "vectors": str(tmp_path / "v.safetensors")}
    tagger = Tagger(**settings, freeze=False).fit(X, y)
    frozen = Tagger(**settings).fit(X, y)
    model = tagger.model_
    assert model.corrections is not None
    assert frozen.model_.corrections is None
    assert torch.equal(model.vectors, frozen.model_.vectors)  # what was read stays
    shown = model.corrections.weight.detach()[model.moved]  # (1 + V, 6)
    moved = shown.abs().sum(1) > 0
    assert not moved[0]
    assert not moved[1 + vocabulary.index("zurich")]
    assert moved.sum() > 0.5 * len(vocabulary)
    tagger.save(tmp_path / "run")
    again = Tagger.load(tmp_path / "run")
    for a, b in zip(tagger.predict_proba(X[:20]), again.predict_proba(X[:20])):
        np.testing.assert_array_equal(a, b)
    assert again.prove(TaggedSentences(X[:40])).ok


def test_vectors_trained_on_that_know_no_training_word(world: World, tmp_path: Path) -> None:
    WordVectors(["zurich", "nowhere"], np.eye(2, dtype=np.float32)).save(tmp_path / "v.safetensors")
    tagger = Tagger(**{**SMALL, "epochs": 1, "vectors": str(tmp_path / "v.safetensors"), "freeze": False}).fit(*world)
    tagger.save(tmp_path / "run")
    assert Tagger.load(tmp_path / "run").predict([["Eve"]]) == tagger.predict([["Eve"]])


def test_without_vectors_there_is_nothing_to_train_on(world: World) -> None:
    with pytest.raises(InputError, match="no vectors to train on"):
        Tagger(**SMALL, freeze=False).fit(*world)


def test_a_refit_learns_the_validation_sentences_too(world: World) -> None:
    """`Zora` is met in a validation sentence alone; figures called valid are those from before."""
    X, y = world
    held = [["Zora", "saw", "Paris"]], [["B-person", "O", "B-place"]]
    chosen = Tagger(**SMALL).fit_parts(TaggedSentences(X, y), TaggedSentences(*held))
    tagger = Tagger(**SMALL, refit=True).fit_parts(TaggedSentences(X, y), TaggedSentences(*held))
    assert chosen.valid_ is None
    assert tagger.valid_ is not None
    assert {**tagger.valid_, "words_per_second": 0} == {**chosen.evaluate(*held), "words_per_second": 0}
    assert tagger.temperature_ == chosen.temperature_
    assert tagger.fitted_.best_epoch == chosen.fitted_.best_epoch
    assert (chosen.lexicon_.words.index("zora"), tagger.lexicon_.words.index("zora") > 1) == (1, True)
    assert tagger.predict([["Zora", "saw", "Oslo"]]) == [["B-person", "O", "B-place"]]


def test_a_refit_broken_off_goes_on(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until it is done the model is that of the training sentences; taken up again it ends as if nothing had been."""
    import elman.tasks.estimator as module

    X, y = ([*part[:60]] for part in world)
    parts = TaggedSentences(X[:50], y[:50]), TaggedSentences(X[50:], y[50:])
    whole = Tagger(**SMALL, refit=True).fit_parts(*parts)
    alone = Tagger(**SMALL).fit_parts(*parts)
    usual = module.fit

    def broken(task: Any, settings: Any, **options: Any) -> Any:
        fitted = usual(task, settings, **options)
        fitted.interrupted = bool(options.get("last"))
        return fitted

    monkeypatch.setattr(module, "fit", broken)
    first = Tagger(**SMALL, refit=True).fit_parts(*parts, checkpoint=tmp_path / "seed-0")
    assert first.fitted_.interrupted
    for a, b in zip(first.predict_proba(X), alone.predict_proba(X)):
        np.testing.assert_array_equal(a, b)
    monkeypatch.setattr(module, "fit", usual)
    second = Tagger(**SMALL, refit=True).fit_parts(*parts, checkpoint=tmp_path / "seed-0", resume=True)
    assert not second.fitted_.interrupted
    for a, b in zip(second.predict_proba(X), whole.predict_proba(X)):
        np.testing.assert_array_equal(a, b)


def test_a_sentence_of_ten_thousand_words(fitted: Tagger) -> None:
    words, tags = (list(chain.from_iterable(part)) for part in sentences(7, 3000))
    assert len(words) > 10_000
    predicted = fitted.predict([words])[0]
    assert np.mean([a == b for a, b in zip(predicted, tags)]) > 0.97


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([], [], "no sentences"),
        ([["a"]], [["O"], ["O"]], "1 sentences and 2 lists of tags"),
        ([["a", "b"], ["c"]], [["O"], ["O"]], r"X\[0\]: 2 words and 1 tags"),
        ([["a"], []], [["O"], []], r"X\[1\]: a sentence without words"),
        (["a b"], [["O", "O"]], "a list of words is expected"),
        ([["a"]] * 20, [["O"]] * 20, "only one tag, 'O'"),
    ],
)
def test_bad_input_is_named(X: Any, y: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        Tagger(**SMALL).fit(X, y)


def test_bad_use_is_named(fitted: Tagger) -> None:
    with pytest.raises(NotFittedError):
        Tagger().predict([["a"]])
    with pytest.raises(InputError, match="split it"):
        fitted.predict(["a b"])
    with pytest.raises(InputError, match="hidden is 0"):
        Tagger(hidden=0).fit([["a"], ["b"]], [["X"], ["Y"]])
    with pytest.raises(InputError, match="every feature of the tagger has width 0"):
        Tagger(word_dim=0, char_hidden=0, case_dim=0, affix_dim=0).fit([["a"], ["b"]] * 5, [["X"], ["Y"]] * 5)


def test_the_threshold_finds_what_the_likeliest_tags_miss() -> None:
    """True entities lie 0.6 nats behind O, false ones 1.2: between the two every entity is found and none invented.

    And a word inside lies 0.9 behind: an entity is worth the threshold once, so that none grows by it.
    """
    names = TagNames.of([["B-x", "O"]], "IOB2", "IOBES")
    model = TaggerModel(
        TaggerSettings(head="softmax", char_hidden=0), {"words": 3, "chars": 2, "affixes": 2}, len(names.names)
    )
    gold = [["B-x", "O", "O", "O"], ["O", "B-x", "O", "O"]]
    e = torch.full((4, 2, len(names.names)), -9.0)
    e[:, :, names.names.index("O")] = 1.0
    single = names.names.index("S-x")
    e[[0, 1], [0, 1], single] = 1.0 - 0.6
    e[[2, 3], [0, 1], single] = 1.0 - 1.2
    e[:, :, names.names.index("E-x")] = 1.0 - 0.9
    runs = [([0, 1], e, torch.tensor([4, 4]))]
    assert best_threshold(model, names, runs, gold) == 1.0
    assert best_threshold(model, names, runs, [["O"] * 4, ["O"] * 4]) == 0.0  # no reason to lean at all
    assert TagNames.of([["a", "b"]], "none", "IOBES").favour(1.0) is None


def test_tags_lean_by_the_threshold_and_probabilities_do_not(fitted: Tagger, tmp_path: Path) -> None:
    X, _ = sentences(7, 40)
    fitted.save(tmp_path / "run")
    bold = Tagger.load(tmp_path / "run")
    assert bold.threshold_ == fitted.threshold_
    bold.threshold_ = 30.0

    def found(tagger: Tagger) -> int:
        return sum(tag != "O" for row in tagger.predict(X) for tag in row)

    assert found(bold) > found(fitted)
    for a, b in zip(bold.predict_proba(X), fitted.predict_proba(X)):
        np.testing.assert_array_equal(a, b)
    bold.save(tmp_path / "bold")
    assert Tagger.load(tmp_path / "bold").predict(X) == bold.predict(X)


@pytest.mark.parametrize("widths", [{"char_dim": 0}, {"char_hidden": 0}])
def test_either_width_of_zero_leaves_the_letters_out(world: World, tmp_path: Path, widths: dict[str, int]) -> None:
    X, y = world
    tagger = Tagger(hidden=4, word_dim=4, epochs=1, **widths).fit(X[:20], y[:20])
    assert tagger.model_.spelling is None
    assert tagger.model_.context.input_size == 4 + 8 + 32  # words, case, beginnings and endings
    tagger.save(tmp_path / "run")
    assert Tagger.load(tmp_path / "run").predict(X[:5]) == tagger.predict(X[:5])

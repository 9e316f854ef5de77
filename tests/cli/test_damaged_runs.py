"""A RUN is a stranger's file: whatever is wrong in it, a command answers or refuses in one line.

`ELMAN_DAMAGED_RUNS=10000 pytest tests/cli/test_damaged_runs.py` takes as many cases as it says; `damage.py` beside this
file is the same as a script.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from cli import damage
from elman import Classifier, InputError, Tagger

KEPT = Path(__file__).parent / "kept"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts memory by /proc")
def test_damaged_runs(tmp_path: Path) -> None:
    damage.make(tmp_path)
    count = int(os.environ.get("ELMAN_DAMAGED_RUNS", "150"))
    found = list(damage.cases(tmp_path, count, seed=int(os.environ.get("ELMAN_DAMAGE_SEED", "0"))))
    assert [f"{case.what}: {case.fault}\n{case.said}" for case in found if case.fault] == []
    assert sum("elman: " in case.said for case in found) > count / 3  # the damage is seen


def test_an_undamaged_run_is_none(tmp_path: Path) -> None:
    """What `damage` would take for a fault is none of the kept RUNs'."""
    for name in ("classify", "dialogue", "generate", "tag", "translate"):
        run = Path(shutil.copytree(KEPT / name, tmp_path / name))
        for what, todo in damage.commands(name, run, tmp_path):
            if "data" not in what and what not in ("evaluate", "inspect"):
                case = damage.watched(todo, tmp_path / "said", what)
                assert not case.fault, (what, case)
                assert "RUN is damaged" not in case.said, (what, case)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts memory by /proc")
def test_memory_is_what_the_command_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not what the process behind it held already, after hundreds of other tests."""
    monkeypatch.setattr(damage, "MEMORY", 16 << 20)  # far less than torch alone holds
    assert damage.watched(lambda: 0, tmp_path / "said", "nothing").fault == ""
    assert damage.watched(lambda: int(np.ones(8 << 20)[0]) - 1, tmp_path / "said", "64 MB").fault != ""
    assert damage._fault(0, "", "", (16 << 20) + 1) == "16,777,217 bytes of memory"


# -- each by hand, with the word that says what is wrong --------------------------------------------------------------

Change = Callable[[dict[str, Any]], object]
CLASSIFY: dict[str, tuple[Change, str]] = {
    "a million layers": (lambda d: d["model"]["settings"].update(layers=1_000_000), "1000000 layers, 28 tensors"),
    "2^63 layers": (lambda d: d["model"]["settings"].update(layers=2**63), "layers"),
    "words": (lambda d: d["model"].update(words=300_000_000), "25 words in the vocabulary, 300000000 in the network"),
    "hidden": (lambda d: d["model"]["settings"].update(hidden=10_000), "sizes larger than its weights"),
    "width": (lambda d: d["model"].update(width=2**31 - 1), "sizes larger than its weights"),
    "negative": (lambda d: d["model"].update(classes=-3), "Expected `int` >= 1 - at `model.classes`"),
    "a wrong type": (lambda d: d["model"].update(frozen="no"), "Expected `bool`, got `str` - at `model.frozen`"),
    "a word too many": (lambda d: d["encoding"]["vocabulary"].append("x"), "26 words in the vocabulary, 25"),
    "a word too few": (lambda d: d["encoding"]["vocabulary"].pop(), "24 words in the vocabulary, 25"),
    "a word twice": (lambda d: d["encoding"]["vocabulary"].__setitem__(3, d["encoding"]["vocabulary"][2]), "twice"),
    "a label too few": (lambda d: d["labels"].pop(), "2 labels, 3 classes"),
    "a label twice": (lambda d: d["labels"].__setitem__(0, d["labels"][1]), "the label 'good' is listed twice"),
    "labels of two types": (lambda d: d["labels"].__setitem__(0, 1), "labels of several types"),
    "an infinite weight": (
        lambda d: d["encoding"]["ngrams"]["parts"][0]["idf"].__setitem__(0, 1e300),
        "at `encoding.ngrams.parts[0].idf[0]`",
    ),
    "n-grams without weights": (
        lambda d: d["encoding"]["ngrams"]["parts"][0]["idf"].pop(),
        "40 n-grams, 39 of their weights",
    ),
    "n-grams backwards": (lambda d: d["encoding"]["ngrams"].update(words=[2, 1]), "shortest are longer"),
    "an unknown stage": (lambda d: d["encoding"]["chain"]["stages"][0].update(name="x"), "unknown text stage 'x'"),
    "no graph": (lambda d: d["model"].update(cell={}), "not the description of a cell"),
    "half a surrogate": (lambda d: d.update({"\ud800": 1}), "the RUN is damaged"),
    "another task": (lambda d: d.update(task=["classify"]), "its task is ['classify']"),
}
TAG: dict[str, tuple[Change, str]] = {
    "vectors": (lambda d: d.update(vectors=[300_000_000, 300]), "1 rows for words with a vector, 300000000 vectors"),
    "layers": (lambda d: d["parameters"].update(layers=10**6), "1000000 layers"),
    "a tag too few": (lambda d: d["names"]["names"].pop(), "8 classes, and emit.bias of shape (9,)"),
    "a tag of another scheme": (lambda d: d["names"]["names"].__setitem__(1, "ER"), "'ER' is not a tag of IOBES"),
    "a letter too many": (lambda d: d["lexicon"]["chars"].append("@"), "chars.weight has shape (20, 4), not (21, 4)"),
    "temperature": (lambda d: d.update(temperature=0), "Expected `float` >= 0.001 - at `temperature`"),
    "affixes": (lambda d: d["lexicon"].update(longest_affix=-1), "at `lexicon.longest_affix`"),
}


@pytest.mark.parametrize(("task", "name"), [("classify", n) for n in CLASSIFY] + [("tag", n) for n in TAG])
def test_what_a_description_may_not_say(tmp_path: Path, task: str, name: str) -> None:
    change, said = {"classify": CLASSIFY, "tag": TAG}[task][name]
    run = Path(shutil.copytree(KEPT / task, tmp_path / "run"))
    description = json.loads((run / "model.json").read_text(encoding="utf-8"))
    change(description)
    (run / "model.json").write_text(json.dumps(description), encoding="utf-8")
    with pytest.raises(InputError) as error:
        {"classify": Classifier, "tag": Tagger}[task].load(run)
    assert said in str(error.value)
    assert str(run) in str(error.value)
    assert "\n" not in str(error.value)


def test_numbers_that_nothing_can_be_computed_with(tmp_path: Path) -> None:
    """Weights that are finite, and what they make of a text is not; inputs likewise."""
    for task, model in (("classify", Classifier), ("tag", Tagger)):
        run = Path(shutil.copytree(KEPT / task, tmp_path / task))
        weights = load_file(run / "model.safetensors")
        name = next(k for k in weights if k.endswith("U_i_l0"))
        save_file(weights | {name: torch.full_like(weights[name], 3e38)}, run / "model.safetensors")
        with pytest.raises(InputError, match=f"{name} holds numbers larger than any training leaves"):
            model.load(run)
    X = [[[0.1, 0.2], [0.3, 0.4]], [[0.5, 0.6]]] * 5
    series = Classifier(hidden=4, epochs=1, validation=0).fit(X, [0, 1] * 5)
    with pytest.raises(InputError, match="the answer is not a number; give smaller numbers"):
        series.predict_proba([[[3e38, 3e38]]])


def test_half_a_surrogate_in_the_vocabulary_is_kept(tmp_path: Path) -> None:
    """JSON can hold it as an escape, and a text may have had it."""
    X = ["good \ud800 thing", "bad thing"] * 10
    model = Classifier(hidden=4, embedding=4, epochs=1, min_count=1, validation=0, stages=["whitespace"])
    model.fit(X, ["a", "b"] * 10).save(tmp_path / "run")
    assert np.array_equal(Classifier.load(tmp_path / "run").predict_proba(X), model.predict_proba(X))

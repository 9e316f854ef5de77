"""`elman predict` of one text: what it must not import, and how the program ends."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sklearn.base import BaseEstimator, ClassifierMixin, clone, is_classifier

import elman
from elman.tasks.classify import estimator as classifier
from elman.tasks.tag import estimator as tagger

HEAVY = {"torch._dynamo", "torch._inductor", "sympy", "sklearn", "matplotlib", "nltk", "scipy", "pandas", "rich",
         "cyclopts.help", "tokenizers"}  # fmt: skip
TEXTS = ["what a lovely camera", "it broke at once", "great pictures", "never again"] * 4
LABELS = ["good", "bad"] * 8


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("runs")
    stages = ("unicode", "contractions", "lower", "words", {"name": "stem", "algorithm": "snowball"})
    first = elman.Classifier(
        stages=stages, ngrams=50, ngram_letters=4, hidden=4, embedding=4, epochs=1, validation=0
    ).fit(TEXTS, LABELS)
    first.save(folder / "classify")
    words = [text.split() for text in TEXTS]
    tags = [["O"] * (len(row) - 1) + ["B-x"] for row in words]
    elman.Tagger(hidden=4, word_dim=4, char_hidden=2, vectors="", pos=False, epochs=1).fit(words, tags).save(
        folder / "tag"
    )
    return {name: folder / name for name in ("classify", "tag")}


@pytest.mark.parametrize("task", ["classify", "tag"])
def test_one_text_is_answered_without_what_is_heavy(task: str, runs: dict[str, Path]) -> None:
    script = (
        "import sys\nfrom elman.cli.app import main\n"
        f"try: main(['predict', {str(runs[task])!r}, 'What a LOVELY picture'])\n"
        "except SystemExit as end: assert not end.code, end.code\n"
        f"print(sorted({HEAVY} & set(sys.modules)), file=sys.stderr)"
    )
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert said.stdout.strip()
    assert said.stderr.splitlines()[-1] == "[]"


def test_the_program_ends_with_all_that_it_said(runs: dict[str, Path]) -> None:
    """It leaves without the interpreter's teardown: output, exit code and what was registered for the end stay."""
    command = [sys.executable, "-m", "elman.cli"]
    said = subprocess.run([*command, "predict", str(runs["classify"]), "lovely"], capture_output=True, text=True)
    assert (said.returncode, said.stdout.strip() in LABELS) == (0, True)
    wrong = subprocess.run(
        [*command, "predict", str(runs["classify"] / "none"), "lovely"], capture_output=True, text=True
    )
    assert wrong.returncode == 2
    assert wrong.stderr.startswith("elman: ")
    script = (
        "import atexit, sys\nfrom elman.cli.app import run\n"
        "atexit.register(print, 'the end')\nsys.argv = ['elman', '--version']\nrun()"
    )
    said = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert said.stdout.split() == [elman.__version__, "the", "end"]
    gone = subprocess.run(f"{sys.executable} -m elman.cli recipes --json | true; exit ${{PIPESTATUS[0]}}", shell=True,
                          executable="/bin/bash", capture_output=True, text=True)  # fmt: skip
    assert (gone.returncode, gone.stderr) == (0, "")


def test_the_estimators_are_scikit_learns() -> None:
    """What answers has none of scikit-learn's base classes; what a library user holds has them all."""
    for kind, core in ((elman.Classifier, classifier.Classifier), (elman.Tagger, tagger.Tagger)):
        ours: Any = kind(hidden=7)
        assert isinstance(ours, (core, BaseEstimator))
        assert not issubclass(core, BaseEstimator)
        assert clone(ours).get_params() == ours.get_params()
        assert repr(ours) == f"{kind.__name__}(hidden=7)"
        assert ours.set_params(hidden=8).hidden == 8
    assert is_classifier(elman.Classifier())
    assert isinstance(elman.Classifier(), ClassifierMixin)

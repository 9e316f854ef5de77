"""RUNs written by an earlier Elman are still read, and give the answers that they gave then.

`kept` holds one small RUN a task, the data it learned from and the answers of the version that wrote it. They are never
written anew: whatever changes in the format has to read them.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from elman import Classifier, Composer, Interpreter, LanguageModel, Responder, Tagger, Transcriber, Translator
from elman.cli import app as cli
from elman.config.settings import DataSettings
from elman.data.labelled_recordings import read_recordings
from elman.tasks.recordings.estimator import RecordingClassifier

KEPT = Path(__file__).parent / "kept"
ANSWERS: dict[str, list[dict[str, Any]]] = json.loads((KEPT / "answers.json").read_text(encoding="utf-8"))
ASKED = {"interpret": "file", "recordings": "file", "transcribe": "file"}  # what is asked about is in `kept/data`
# a figure that is a time: every machine has its own
CLOCK = "words_per_second"


def ask(capsys: pytest.CaptureFixture[str], *words: object) -> dict[str, Any]:
    with pytest.raises(SystemExit) as end:
        cli.main([str(word) for word in words])
    assert not end.value.code
    answer: dict[str, Any] = json.loads(capsys.readouterr().out)
    return answer


def numbers(value: object) -> object:
    """The same with numbers that compare to single precision."""
    if isinstance(value, float):
        return pytest.approx(value, rel=1e-5, abs=1e-6)
    if isinstance(value, dict):
        return {key: numbers(v) for key, v in value.items() if key != CLOCK}
    return [numbers(v) for v in value] if isinstance(value, list) else value


@pytest.fixture(params=sorted(ANSWERS))
def run(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return Path(shutil.copytree(KEPT / request.param, tmp_path / str(request.param)))


def test_it_answers_as_then(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = ASKED.get(run.name, "text")
    for row in ANSWERS[run.name]:
        asked = KEPT / "data" / row[key] if key == "file" else row[key]
        found = ask(capsys, "predict", run, asked, "--json")["predictions"]
        wanted = {name: value for name, value in row.items() if name != key}
        assert [{name: f[name] for name in wanted} for f in found] == [numbers(wanted)]


def test_it_names_no_machine_that_it_came_from(run: Path) -> None:
    for line in (run / "recipe.toml").read_text(encoding="utf-8").splitlines():
        assert not line.startswith('path = "/'), line


def test_its_figures_are_those_of_then(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (data,) = (KEPT / "data").glob(f"{run.name}.*")
    wanted = json.loads((KEPT / "figures.json").read_text(encoding="utf-8"))[run.name]
    found = ask(capsys, "evaluate", run, "--data", data, "--json")
    assert {key: found[key] for key in wanted if key != CLOCK} == numbers(wanted)


def test_the_estimators_load_it(run: Path) -> None:
    kinds = {"classify": Classifier, "compose": Composer, "dialogue": Responder, "generate": LanguageModel,
             "interpret": Interpreter, "recordings": RecordingClassifier, "tag": Tagger, "transcribe": Transcriber,
             "translate": Translator}  # fmt: skip
    estimator: Any = kinds[run.name].load(run)
    rows = ANSWERS[run.name]
    texts = [str(KEPT / "data" / row["file"]) if "file" in row else row["text"] for row in rows]
    if run.name == "classify":
        assert list(estimator.predict(texts)) == [row["label"] for row in ANSWERS["classify"]]
    elif run.name == "tag":
        assert estimator.predict([row["tokens"] for row in ANSWERS["tag"]]) == [row["tags"] for row in ANSWERS["tag"]]
    elif run.name == "translate":
        assert estimator.predict(texts) == [row["translation"] for row in ANSWERS["translate"]]
    elif run.name == "interpret":
        assert estimator.predict(texts) == [row["translation"] for row in rows]
    elif run.name == "transcribe":
        assert estimator.predict(texts) == [row["text"] for row in rows]
    elif run.name == "recordings":
        some = read_recordings(DataSettings(path=str(KEPT / "data" / "brains")), False, lambda line: None)
        P = estimator.probabilities(estimator.encoded(some), len(some))
        answers = {name: estimator.labels[p.argmax()] for name, p in zip(some.names, P)}
        assert [answers[Path(text).name] for text in texts] == [row["label"] for row in rows]
    elif run.name == "dialogue":
        assert estimator.predict(texts) == [row["answer"] for row in ANSWERS["dialogue"]]
    elif run.name == "compose":
        from elman.tasks.compose.estimator import frames_of

        sums = [float(estimator.log_prob(frames_of(text)).sum()) for text in texts]
        assert sums == pytest.approx([row["log_prob"] for row in ANSWERS["compose"]], rel=1e-4)
    else:
        sums = [float(estimator.log_prob(text).sum()) for text in texts]
        assert sums == pytest.approx([row["log_prob"] for row in ANSWERS["generate"]], rel=1e-4)
        assert [found.word for found in estimator.complete("What say y")] == ["yo", "you", "yhe"]

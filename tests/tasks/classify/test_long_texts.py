"""Texts longer than a model reads: their head and tail are read, and it is said how many there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from elman.config.recipe import load_recipe
from elman.models.encoding import Encoding, TextSettings
from elman.tasks.batches import at_once
from elman.tasks.classify.estimator import Classifier
from elman.tasks.classify.task import TASK
from elman.tasks.find import recipe_of
from elman.tasks.frame import train_run
from elman.training.progress import Silent

TEXTS = ["a b", "a b c d e f g", "c d e f g", "b"] * 5


@pytest.mark.parametrize(
    ("most", "read"), [(0, "a b c d e f g"), (7, "a b c d e f g"), (4, "a b f g"), (5, "a b c f g"), (1, "a")]
)
def test_head_and_tail_are_read(most: int, read: str) -> None:
    settings = TextSettings(stages=("lower",), min_count=1, max_length=most)
    encoding = Encoding(settings).fit(TEXTS, np.array([0, 1] * 10))
    examples = encoding(TEXTS)
    assert examples.tokens[1] == read.split()
    assert encoding.as_read(examples.items[1]) == encoding.seen(examples)[1] == read.split()
    assert examples.given is not None
    assert examples.given.tolist()[:4] == [2, 7, 5, 1]
    said = {0: "", 7: "", 4: "10 of 20 {}texts (50.0%)", 5: "5 of 20 {}texts (25.0%)", 1: "15 of 20 {}texts (75.0%)"}
    found = encoding.remarks({"training": TEXTS, "test": ["b"] * 3})
    assert [line.partition(" are longer")[0] for line in found] == [said[most].format("training ")] * bool(said[most])
    assert encoding.cut_note(examples.given).partition(" are longer")[0] == said[most].format("")


def test_a_run_that_cut_texts_at_their_end_still_does() -> None:
    saved = Encoding(TextSettings(min_count=1, max_length=4)).fit(TEXTS, np.array([0, 1] * 10)).to_dict()
    assert Encoding.from_dict(saved)(TEXTS).tokens[1] == ["a", "b", "f", "g"]
    del saved["tail"]  # as model.json was before
    old = Encoding.from_dict(json.loads(json.dumps(saved)))
    assert old(TEXTS).tokens[1] == ["a", "b", "c", "d"]
    assert old.manner == "the first 4"


class Heard(Silent):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.began = 0  # how many notes there were

    def start(self, title: str, total: int | None, done: int = 0) -> None:
        self.began = self.began or len(self.notes)

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_a_text_of_many_tokens_among_short_ones(tmp_path: Path) -> None:
    """It is read by its ends, in training and by the RUN, and both say how many there are."""
    rows = [f"good day {i}\tyes\nbad day {i}\tno\n" for i in range(40)]
    giant = "bad " * 3 + "word " * 50_000 + "day " * 3
    data, run = tmp_path / "t.tsv", tmp_path / "run"
    data.write_text("text\tlabel\n" + "".join(rows) + f"{giant}\tno\n")
    options = ["training.epochs=1", "model.hidden=4", "model.embedding=4"]
    values = {"data.path": str(data), "data.valid": str(data), "data.test": str(data)}
    recipe = load_recipe("classify", options, sections=TASK.sections, values=values)
    heard = Heard()
    train_run(TASK, recipe, run, progress=heard)
    (said,) = [note for note in heard.notes if "max_length" in note]
    share = "1 of 81 {} texts (1.2%)".format
    assert said == (
        f"{share('training')}, {share('validation')} and {share('test')} are longer than text.max_length = 400 tokens: "
        "the first 200 and the last 200 are read (--set text.max_length=0 reads all)"
    )
    assert heard.notes.index(said) < heard.began  # before anything is trained
    assert said in (run / "card.md").read_text()
    assert "longest 50,006, of which 400 are read" in re.sub(r"<[^>]+>", "", (run / "report.html").read_text())

    model, told = Classifier.load(run), list[str]()
    TASK.answer(model, TASK.examples_of(model, ["good day", giant]), told.append)
    assert told == ["1 of 2 texts (50.0%) are longer than the 400 tokens that this RUN reads: the first 200 and the "
                    "last 200 are read"]  # fmt: skip
    told.clear()
    TASK.answer(model, TASK.examples_of(model, [giant]), told.append)
    assert told == ["of this text's 50,006 tokens this RUN reads 400: the first 200 and the last 200"]
    changed = giant.replace("word", "good")  # in the middle much is skipped, at the ends nothing
    P = model.predict_proba([giant, "good " + giant, giant + " good"])
    np.testing.assert_allclose(
        P[0], model.predict_proba([giant.replace("word " * 40_000, "word " * 30_000)])[0], atol=1e-6
    )
    assert not np.allclose(P[0], P[1])
    assert not np.allclose(P[0], P[2])
    assert not np.allclose(P[0], model.predict_proba([changed])[0])


def test_a_text_read_whole_makes_no_batch_larger() -> None:
    """Beside a text of 20,000 tokens none of the others is padded to its length."""
    texts = ["a b", "b a c"] * 50 + ["a " * 20_000]
    model = Classifier(epochs=1, embedding=2, hidden=2, max_length=0, stages=("lower",), validation=0)
    model.fit(texts, [0, 1] * 50 + [0])
    examples = model.encoding_(texts)
    assert max(examples.lengths) == 20_000
    sizes = [batch.sequences.data.numel() for _, batch in at_once(model.model_, examples)]
    assert max(sizes) == 20_000
    assert model.predict(texts).shape == (101,)


@pytest.mark.parametrize(
    "texts",
    [["a", "b"] * 5, ["😀", "😡👍🏽"] * 5, ["の 猫 ok", "кот и cat"] * 5, ["", "!"] * 5, ["\u0301", "\u200d"] * 5],
    ids=["one character", "emoji", "scripts", "nothing", "marks"],
)
def test_odd_texts_are_learned(texts: list[str]) -> None:
    model = Classifier(epochs=30, rate=0.05, embedding=4, hidden=4, min_count=1, ngrams=20, batch_size=2, dropout=0.0)
    assert model.fit(texts, [0, 1] * 5).predict(texts).tolist() == [0, 1] * 5
    assert np.isfinite(model.predict_proba([*texts, ""])).all()


def test_a_long_series_is_read_to_its_end_and_the_report_says_how(tmp_path: Path) -> None:
    """No number of tokens cuts it, and nothing that travels names a folder."""
    t = np.arange(820.0)[:, None]
    X = np.stack([np.sin(t * (0.1 + 0.1 * (i % 2)) + i) for i in range(12)])
    np.savez(tmp_path / "waves.npz", X=X, y=np.arange(12) % 2)
    small = ["training.epochs=1", "model.hidden=2", "model.members=1"]
    task, recipe = recipe_of("classify", small, {"data.path": str(tmp_path / "waves.npz")})
    train_run(task, recipe, tmp_path / "run")
    report, card = ((tmp_path / "run" / name).read_text(encoding="utf-8") for name in ("report.html", "card.md"))
    assert "longest 410, 95" in report  # and not: "of which 400 are read"
    assert "readings of 2 steps each" in report
    assert "trained anew" in report
    assert "waves.npz: 12 series" in report
    assert str(tmp_path) not in report + card

"""A text larger than memory: read, encoded, learned from and judged from disk, and not a bit is different."""

from __future__ import annotations

import gzip
import random
import tempfile
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest

import elman
from elman.config.recipe import load_recipe
from elman.config.settings import DataSettings
from elman.data.stored import StoredText
from elman.data.strings import Strings
from elman.data.texts import Texts, load_texts
from elman.models.kneser_ney import KneserNey
from elman.models.text_stream import StreamedTexts
from elman.tasks.frame import train_run
from elman.tasks.generate.task import TASK, _nll
from elman.tasks.use import Run
from elman.text.running import RunningUnits

KINDS = ["character", "token", "word", "bpe", "unigram"]
WORDS = ["the", "Cat", "sat,", "on", "ΟΔΟΣ", "mat.", "né", "漢字", "don't", "3.14", "<begin>", "<unk>", "ﷺ", "İ"]


def text(n: int, seed: int = 0) -> str:
    """Lines with blanks of several kinds, empty ones, and one that has no end for long."""
    draw = random.Random(seed)
    lines = [" ".join(draw.choices(WORDS, k=draw.randrange(9))) for _ in range(n)]
    lines[n // 2 : n // 2] = ["  \t ", "", " ".join(draw.choices(WORDS, k=200)), "x" * 90, "\u3000no\u2028break here"]
    return "\n".join(lines) + "\n" * draw.randrange(3)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """In memory as on disk."""
    monkeypatch.setattr("elman.data.stored._PIECE", 64)
    monkeypatch.setattr("elman.models.text_stream._AT_ONCE", 40)


def on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.data.stored._IN_MEMORY", 100)
    monkeypatch.setattr("elman.data.stored._BLOCK", 33)
    monkeypatch.setattr("elman.text.stream_numbers._IN_MEMORY", 100)
    monkeypatch.setattr("elman.text.stream_numbers._PIECE", 50)
    monkeypatch.setattr("elman.data.strings._IN_MEMORY", 100)
    monkeypatch.setattr("elman.data.formats.separated._SETTLE", 16)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("lowercase", [False, True])
def test_units_are_learned_and_found_in_pieces_as_in_the_whole(kind, lowercase, monkeypatch):
    whole = text(120)
    sizes = {"bpe": 90, "unigram": 90}
    units = RunningUnits.fit([whole], kind, sizes.get(kind, 10_000), lowercase=lowercase)
    wanted = units.encode(whole)
    for piece in (1, 7, 64, 1000):
        monkeypatch.setattr("elman.data.stored._PIECE", piece)
        pieces = list(Texts([whole]).pieces())
        assert len(pieces) > 1
        again = RunningUnits.fit(iter(pieces), kind, sizes.get(kind, 10_000), lowercase=lowercase)
        assert again.to_dict() == units.to_dict()
        np.testing.assert_array_equal(np.concatenate([units.encode(piece) for piece in pieces]), wanted)


def test_many_characters_at_once_have_the_numbers_of_each(monkeypatch):
    whole = text(60) + "\ud83d\U0010ffff"
    units = RunningUnits.fit([whole[:500]])
    at_once = units.encode(whole)
    monkeypatch.setattr("elman.text.running._LONG", 10**9)
    one_by_one = RunningUnits.fit([whole[:500]])
    assert one_by_one.to_dict() == units.to_dict()
    np.testing.assert_array_equal(one_by_one.encode(whole), at_once)
    assert 1 in at_once


def written(folder: Path, form: str) -> Path:
    """As a file, packed and with a mark, as a folder of files, as columns of tables."""
    whole = text(150)
    path = folder / "data"
    if form == "file":
        path = folder / "a.txt"
        path.write_bytes(("\ufeff" + whole.replace("\n", "\r\n")).encode())
    elif form == "packed":
        path = folder / "a.txt.gz"
        path.write_bytes(gzip.compress(whole.encode("utf-16")))
    elif form == "folder":
        path.mkdir()
        for n in range(12):
            (path / f"{n:02}.txt").write_text(text(10 + n, n), encoding="utf-8")
    else:
        rows = [line for line in whole.split("\n") if line]
        path = folder / f"a.{form}"
        if form == "parquet":
            pyarrow.parquet.write_table(pyarrow.table({"id": list(range(len(rows))), "text": rows}), path)
        else:
            quoted = (row.replace('"', '""') for row in rows)
            path.write_text("id,text\n" + "".join(f'{i},"{row}"\n' for i, row in enumerate(quoted)), encoding="utf-8")
    return path


SMALL = [
    "model.hidden=8", "model.embedding=6", "model.layers=1", "model.tied=false", "training.epochs=2", "text.typed=200",
    "training.batch_size=3", "training.bptt=20",
]  # fmt: skip


def trained(path: Path, out: Path, kind: str) -> tuple[dict, dict]:
    options = [*SMALL, f"text.units={kind}", "text.vocabulary=120"]
    values = {"data.path": str(path)}
    recipe = load_recipe("generate", options, sections=TASK.sections, values=values)
    metrics = train_run(TASK, recipe, out).metrics
    weights = elman.LanguageModel.load(out).model_.state_dict()
    return {name: value for name, value in metrics.items() if name != "seconds"}, weights


@pytest.mark.parametrize(("form", "kind"), [
    ("file", "character"), ("packed", "bpe"), ("folder", "word"), ("csv", "token"), ("parquet", "character"),
])  # fmt: skip
def test_figures_and_weights_are_the_same_bit_for_bit(form, kind, tmp_path, monkeypatch):
    path = written(tmp_path, form)
    kept, weights = trained(path, tmp_path / "kept", kind)
    on_disk(monkeypatch)
    found, _ = load_texts(DataSettings(path=str(path)))
    if form in ("csv", "parquet"):
        assert isinstance(found["train"].texts, Strings)
    else:
        assert any(isinstance(one, StoredText) for one in found["train"].texts)
    metrics, others = trained(path, tmp_path / "disk", kind)
    assert metrics == kept
    assert all(weight.equal(others[name]) for name, weight in weights.items())
    assert "kept on disk" in (tmp_path / "disk" / "card.md").read_text(encoding="utf-8")
    assert "kept on disk" not in (tmp_path / "kept" / "card.md").read_text(encoding="utf-8")


def test_a_file_is_judged_from_disk_as_in_memory(tmp_path, monkeypatch):
    path = written(tmp_path, "file")
    trained(path, tmp_path / "run", "bpe")

    def judged() -> tuple[object, object]:
        run = Run(tmp_path / "run")
        run.ask(["answer.cache=0.1", "answer.dynamic=0.01", "answer.length=3"], {})
        settings = DataSettings(path=str(path))
        return run.evaluate(settings), run.predict_file(settings).columns

    kept = judged()
    on_disk(monkeypatch)
    assert judged() == kept


def test_a_training_from_disk_goes_on_bit_for_bit(tmp_path, monkeypatch):
    from elman.training.loop import training_step

    on_disk(monkeypatch)
    parts = Texts([text(100)]), Texts([text(20, 1)])
    settings = {"hidden": 8, "embedding": 6, "layers": 1, "tied": False, "batch_size": 3, "bptt": 20, "epochs": 1,
                "typed": 0, "checkpoint_seconds": 0.0, "dropout": 0.3}  # fmt: skip
    whole = elman.LanguageModel(**settings).fit_parts(*parts)
    done = []

    class CutError(Exception):
        pass

    def cut(*arguments):
        done.append(1)
        if len(done) == 5:
            raise CutError
        return training_step(*arguments)

    with pytest.raises(CutError):
        elman.LanguageModel(**settings).fit_parts(*parts, checkpoint=tmp_path / "cut", step=cut)
    resumed = elman.LanguageModel(**settings).fit_parts(*parts, checkpoint=tmp_path / "cut", resume=True)
    assert whole.encoded(parts[0]).numbers.on_disk
    for (name, a), b in zip(whole.model_.state_dict().items(), resumed.model_.state_dict().values()):
        assert a.equal(b), name


def test_no_file_has_a_name_that_could_stay_behind(tmp_path, monkeypatch):
    path = written(tmp_path, "file")
    on_disk(monkeypatch)
    temporary, made = tempfile.TemporaryFile, []
    monkeypatch.setattr(
        "tempfile.TemporaryFile", lambda **options: made.append(1) or temporary(dir=tmp_path, **options)
    )
    found, _ = load_texts(DataSettings(path=str(path)))
    model = elman.LanguageModel(hidden=8, embedding=6, layers=1, tied=False, epochs=1, typed=0, bptt=50)
    model.fit_parts(found["train"], found["valid"])
    assert len(made) == 3  # characters, and the numbers of both parts
    assert list(tmp_path.iterdir()) == [path]


def test_words_and_subwords_of_a_very_long_text_are_learned_from_some_of_it(monkeypatch):
    monkeypatch.setattr("elman.tasks.generate.estimator._LEARNED", 1000)
    monkeypatch.setattr("elman.data.stored._PIECE", 100)
    monkeypatch.setattr("elman.tasks.generate.task._WORDS", 50)
    whole = text(300)
    train = Texts([whole])
    model = elman.LanguageModel(hidden=8, embedding=6, layers=1, tied=False, epochs=1, typed=0, units="word")
    model.fit_parts(train, None)
    every = -(-len(whole) // 1000)
    assert every > 2
    some = list(train.pieces())[::every]
    assert model.units_.to_dict() == RunningUnits.fit(some, "word").to_dict()
    assert model.remarks_[0].endswith(f", learned from one in {every} of the pieces of the text")
    assert train.last(50).texts == [whole[-50:]]
    assert Texts(["abc", "de", "fgh"]).last(4).texts == ["e", "fgh"]


@pytest.mark.parametrize("order", [1, 2, 5])
def test_counted_n_grams_foretell_a_long_text_in_pieces_as_in_the_whole(order, monkeypatch):
    draw = np.random.default_rng(0)
    read = StreamedTexts.of([draw.integers(4, 9, n) for n in (60, 1, 30)])
    counted = KneserNey(order, 9).fit([read.numbers[:50]])
    found = counted.log_probs([read.numbers[:]])[read.numbers[:] != 2]
    assert len(found) == read.targets == 94
    for at_once in (1, 3, 40, 1000):
        monkeypatch.setattr("elman.models.text_stream._AT_ONCE", at_once)
        assert _nll(counted, read) == pytest.approx(-found.mean(), rel=1e-13)

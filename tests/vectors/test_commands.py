"""elman vectors train, nearest, evaluate, from a file on disk to what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from elman.cli.app import main
from elman.text.vectors import WordVectors


def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as left:
        main(words)
    said = capsys.readouterr()
    return int(left.value.code or 0), said.out, said.err


def corpus(folder: Path) -> Path:
    """Fruit and rivers, which never meet."""
    random = np.random.default_rng(0)
    groups = [["apple", "pear", "plum", "cherry", "quince"], ["rhine", "danube", "thames", "seine", "volga"]]
    path = folder / "texts.txt"
    path.write_text("\n".join(" ".join(random.choice(groups[i % 2], 12)) for i in range(200)))
    return path


def test_train_nearest_evaluate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "v.safetensors"
    options = ["--dim", "16", "--window", "3", "--negative", "4", "--epochs", "6", "--sample", "0", "--threads", "1"]
    code, said, _ = command(capsys, "vectors", "train", str(corpus(tmp_path)), "--out", str(out), *options, "--json")
    assert code == 0
    told = json.loads(said)
    assert (told["words"], told["raw_words"], told["dim"]) == (10, 2400, 16)
    assert told["words_a_second"] > 0

    code, said, _ = command(capsys, "vectors", "nearest", str(out), "Apple", "--n", "4", "--json")
    assert {n["word"] for n in json.loads(said)["nearest"]} == {"pear", "plum", "cherry", "quince"}
    code, said, _ = command(capsys, "vectors", "nearest", str(out), "rhine")
    assert len(said.splitlines()) == 9
    loaded = WordVectors.load(out)
    code, said, _ = command(
        capsys, "vectors", "nearest", str(out), "apple", "Rhine", "--minus", "plum", "--n", "3", "--json"
    )
    wanted = loaded.most_similar(["apple", "rhine"], ["plum"], 3)
    assert [n["word"] for n in json.loads(said)["nearest"]] == [w for w, _ in wanted]
    code, said, _ = command(capsys, "vectors", "similarity", str(out), "apple", "pear", "--json")
    assert json.loads(said)["cosine"] == pytest.approx(loaded.similarity("apple", "pear"), abs=1e-5)

    report = tmp_path / "report.html"
    code, said, _ = command(capsys, "vectors", "evaluate", str(out), "--out", str(report))
    assert code == 0
    rows = [line.split() for line in said.splitlines()]
    assert ["wordsim353", "-", "0", "353"] in rows
    assert ["family", "-", "0", "506"] in rows
    WordVectors(["我", "你"], np.eye(2, dtype=np.float32)).save(tmp_path / "foreign")
    code, _, err = command(capsys, "vectors", "evaluate", str(tmp_path / "foreign"))
    assert code == 0
    assert "none of the words in these lists, which are English, has a vector here" in err
    page = report.read_text("utf-8")
    assert "quince" in page
    assert len(page) < 3_000_000


def test_one_line_and_exit_code_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = str(corpus(tmp_path))
    WordVectors(["apple"], np.ones((1, 2), np.float32)).save(tmp_path / "v.txt")
    for words, expected in (
        (["train", str(tmp_path / "none.txt"), "--out", str(tmp_path / "o.bin")], "no such file or folder"),
        (["train", text, "--out", str(tmp_path / "o.npy")], "no format for .npy"),
        (["train", text, "--out", str(tmp_path / "o.bin"), "--min-count", "9999"], "no word occurs 9999 times"),
        (["train", text, "--out", str(tmp_path / "o.bin"), "--dim", "0"], "dim = 0"),
        (["train", text, "--out", str(tmp_path / "o.bin"), "--tokens", "word"], "token rule 'word'"),
        (["nearest", str(tmp_path / "v.txt"), "pear"], "no vector for 'pear'"),
        (["evaluate", text], "not a number"),
    ):
        code, out, err = command(capsys, "vectors", *words)
        assert code == 2, words
        assert expected in err
        assert err.count("\n") == 1
        assert out == ""
    assert not (tmp_path / "o.bin").exists()


def test_without_a_native_library_the_slow_path_runs_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from elman.text.vectors import lexicon, training

    monkeypatch.setattr(training, "library", lambda: None)
    monkeypatch.setattr(lexicon, "library", lambda: None)
    out = tmp_path / "v.bin"
    code, _, err = command(
        capsys, "vectors", "train", str(corpus(tmp_path)), "--out", str(out), "--dim", "8", "--epochs", "1"
    )
    assert code == 0
    assert "slow numpy kernel" in err
    assert "reference (numpy)" in err
    assert len(WordVectors.load(out)) == 10


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (["--threads", "-1"], "threads = -1"),
        (["--threads", "100000"], "threads = 100000"),
        (["--seed", "-1"], "seed = -1"),
        (["--rate", "nan"], "rate = nan"),
        (["--rate", "-1"], "rate = -1"),
        (["--sample", "nan"], "sample = nan"),
        (["--max-words", "-1"], "max_words = -1"),
        (["--min-count", "0"], "min_count = 0"),
        (["--out", "taken.bin"], "taken.bin: is a folder, a file is needed; choose another --out"),
        (["--out", "text.txt/v.bin"], "cannot be written (Not a directory); choose another --out"),
    ],
)
def test_settings_that_make_no_sense_are_told_before_the_work(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    expected: str,
) -> None:
    """A rate of NaN wrote vectors that nothing could read; -1 threads trained nothing and said ten million words/s."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken.bin").mkdir()
    (tmp_path / "text.txt").write_text("a b c\n" * 100)
    out = [] if "--out" in options else ["--out", "v.bin"]
    code, _, err = command(capsys, "vectors", "train", "text.txt", *out, *options)
    assert code == 2
    assert expected in err
    assert err.count("\n") == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == ["taken.bin", "text.txt"]


def test_a_name_without_a_suffix_and_a_corpus_of_single_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--out V` was refused, and a list of words was learned from with success."""
    out = tmp_path / "V"
    code, _, _ = command(
        capsys, "vectors", "train", str(corpus(tmp_path)), "--out", str(out), "--dim", "8", "--epochs", "1"
    )
    assert code == 0
    assert len(WordVectors.load(out)) == 10
    (tmp_path / "list.txt").write_text("apple\npear\n" * 50)
    code, _, err = command(capsys, "vectors", "train", str(tmp_path / "list.txt"), "--out", str(tmp_path / "W"))
    assert code == 2
    assert "nothing to learn: no word has a neighbour" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "W").exists()


def test_vectors_of_token_lists() -> None:
    """Two groups of tokens that never meet lie apart, spaces and capitals kept."""
    from elman.text.vectors import Settings, train

    random = np.random.default_rng(0)
    groups = [["New York", "Rio", "São Paulo"], ["red wine", "tea", "BEER"]]
    lists = [list(random.choice(groups[i % 2], 8)) for i in range(400)]
    found = train(lists, Settings(dim=8, window=3, negative=4, epochs=8, sample=0, threads=1))
    assert {w for w, _ in found.nearest("New York", 2)} == {"Rio", "São Paulo"}
    assert {w for w, _ in found.nearest("BEER", 2)} == {"red wine", "tea"}

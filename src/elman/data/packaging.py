"""How the packaged data sets were made: ``python -m elman.data.packaging SOURCES`` writes them again.

SOURCES is a folder with the original data sets, one folder each, as their authors publish them. What is kept and how
it is split is stated in a README beside each packaged set, with source and licence.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import random
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from elman.data.formats.conll import read_conll
from elman.data.formats.conllu import read_conllu
from elman.data.packaging_eeg import pack_eeg
from elman.data.recordings import read_sphinx
from elman.data.reviews import ReviewSentence, read_reviews
from elman.data.rolls import read_rolls
from elman.data.sentence import Sentence
from elman.data.split import split_groups
from elman.files import write_file
from elman.forecasting.volatility import log_range, log_returns

__all__ = [
    "main", "pack", "pack_chitchat", "pack_enja", "pack_ewt", "pack_music", "pack_reviews", "pack_shakespeare",
    "pack_speech", "pack_stocks", "pack_wnut",
]  # fmt: skip

_SPLIT_SEED = 0
_TURNS = 4  # of a conversation, at least
_VALID = 20_000  # characters
_LONG = 10  # words; two reviews that share a sentence this long are by one hand


def pack(path: Path, text: str) -> None:
    """Write `text` compressed, the same bytes every time."""
    write_file(path, lzma.compress(text.encode("utf-8"), preset=9 | lzma.PRESET_EXTREME))


def pack_reviews(source: Path, out: Path) -> None:
    """The annotated product reviews as train, valid and test tables, whole reviews together."""
    files = sorted(f for f in source.glob("*/*.txt") if f.name != "README.txt")
    sentences = [s for f in files for s in read_reviews(f)]
    groups = review_groups(sentences)
    parts = split_groups([s.label for s in sentences], groups, [0.7, 0.1, 0.2], _SPLIT_SEED)
    for name, rows in zip(("train", "valid", "test"), parts):
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        writer.writerow(ReviewSentence._fields)
        writer.writerows(sentences[i] for i in rows)
        pack(out / f"{name}.csv.xz", buffer.getvalue())


def review_groups(sentences: Iterable[ReviewSentence]) -> list[tuple[str, int]]:
    """One group a review; a product whose file marks no reviews is one, and so are reviews sharing a long sentence."""
    first: dict[str, tuple[str, int]] = {}
    same: dict[tuple[str, int], tuple[str, int]] = {}
    groups = []
    for s in sentences:
        own = (s.product, s.review)
        if len(s.text.split()) >= _LONG:
            elder = first.setdefault(" ".join(s.text.lower().split()), own)
            if elder != own:
                same.setdefault(own, same.get(elder, elder))
        groups.append(own)
    return [same.get(group, group) for group in groups]


def pack_wnut(source: Path, out: Path) -> None:
    """WNUT-17's three files as they are: word, tab, tag."""
    files = {"train": "wnut17train.conll", "valid": "emerging.dev.conll", "test": "emerging.test.annotated"}
    for part, name in files.items():
        pack(out / f"{part}.conll.xz", _columns(read_conll(source / name)))


def pack_ewt(source: Path, out: Path) -> None:
    """UD English EWT: of the ten columns, the word and its universal part of speech."""
    for part, name in (("train", "train"), ("valid", "dev"), ("test", "test")):
        pack(out / f"{part}.conll.xz", _columns(read_conllu(source / f"en_ewt-ud-{name}.conllu")))


def pack_enja(source: Path, out: Path) -> None:
    """The pairs of the Tanaka corpus as they are: line N of a part's two files is one pair."""
    for part, name in (("train", "train"), ("valid", "dev"), ("test", "test")):
        for language in ("en", "ja"):
            pack(out / f"{part}.{language}.xz", (source / f"{name}.{language}").read_text(encoding="utf-8"))


def pack_chitchat(source: Path, out: Path) -> None:
    """Whole conversations of at least four turns, drawn at random: a turn a line, an empty line behind each.

    What somebody writes in one go, several messages or one, is a turn. Who wrote, when, and how it was rated is left
    out.
    """
    conversations = json.loads((source / "dataset.json").read_text(encoding="utf-8"))
    found = []
    for key in sorted(conversations):
        turns = [" ".join(" ".join(m["text"] for m in turn).split()) for turn in conversations[key]["messages"]]
        if len(turns := [turn for turn in turns if turn]) >= _TURNS:
            found.append("".join(f"{turn}\n" for turn in turns))
    random.Random(_SPLIT_SEED).shuffle(found)
    begin = 0
    for part, count in (("train", 2200), ("valid", 60), ("test", 60)):
        pack(out / f"{part}.txt.xz", "\n".join(found[begin : begin + count]))
        begin += count


def pack_shakespeare(source: Path, out: Path) -> None:
    """The text in order: the last tenth is the test, as published figures have it, and its beginning, up to the first
    empty line behind 20,000 characters, validates.

    The test begins in the middle of a play: what stands before it names those who speak, and is learned from.
    """
    text = (source / "input.txt").read_text(encoding="utf-8")
    train, test = text.index("\n\n", _VALID) + 2, int(0.9 * len(text))
    for part, (begin, end) in {"valid": (0, train), "train": (train, test), "test": (test, len(text))}.items():
        pack(out / f"{part}.txt.xz", text[begin:end])


def pack_music(source: Path, out: Path, step: float) -> None:
    """A set of piano rolls as it is: its parts, each piece behind the other, with their lengths; and beats a frame."""
    arrays: dict[str, np.ndarray] = {"step": np.array(step)}
    for part, rolls in read_rolls(source).parts.items():
        arrays[part] = np.concatenate(rolls)
        arrays[f"{part}_lengths"] = np.array([len(roll) for roll in rolls], np.int32)
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    write_file(out / "pieces.npz", file.getvalue())


def pack_stocks(source: Path, out: Path) -> None:
    """Daily prices of two indices in one table, dates as ISO 8601; and of each row, from it and the one before, its
    return and the logarithm of its variance, both in per cent."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["index", "date", "open", "high", "low", "close", "volume", "return", "log_variance"])
    for index in ("sp500", "nasdaq"):
        with gzip.open(source / index / f"{index}.csv.gz", "rt", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        high, low, close = (np.array([float(row[name]) for row in rows]) for name in ("High", "Low", "Close"))
        returns = ["", *(f"{100 * r:.6f}" for r in log_returns(close))]
        variance = np.log(100**2 * log_range(high, low))
        for row, change, spread in zip(rows, returns, variance):
            month, day, year = map(int, row["Date"].split("/"))
            kept = [row[name] for name in ("Open", "High", "Low", "Close", "Volume")]
            writer.writerow([index, f"{year}-{month:02}-{day:02}", *kept, change, f"{spread:.6f}"])
    pack(out / "train.csv.xz", buffer.getvalue())


def pack_speech(source: Path, out: Path) -> None:
    """The cepstra of all recordings, one behind the other, each feature in 256 steps from its least to its greatest
    value, with transcripts, speakers and parts."""
    parts = read_sphinx(source, lambda line: None)
    frames = np.concatenate([one for part in parts.values() for one in part.frames])
    low, high = frames.min(0), frames.max(0)
    step = (high - low) / 255
    lengths = [len(one) for part in parts.values() for one in part.frames]
    arrays: dict[str, np.ndarray] = {
        "frames": ((frames - low) / step).round().astype(np.uint8), "low": low, "step": step.astype(np.float32),
        "lengths": np.array(lengths, np.int32), "rate": np.array(100.0),
        "parts": np.array([name for name, part in parts.items() for _ in part.frames]),
    }  # fmt: skip
    for key in ("texts", "names", "speakers"):
        arrays[key] = np.array([value for part in parts.values() for value in getattr(part, key)])
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)  # type: ignore[arg-type]
    write_file(out / "features.npz", file.getvalue())


def _columns(sentences: Iterable[Sentence]) -> str:
    return "\n".join("".join(f"{w}\t{t}\n" for w, t in zip(s.words, s.tags)) for s in sentences)


def main(sources: str) -> None:
    """Write every packaged data set from its original under `sources`."""
    recipes = Path(__file__).parent / "recipes"
    pack_reviews(Path(sources) / "reviews", recipes / "sentiment")
    pack_wnut(Path(sources) / "wnut17", recipes / "ner")
    pack_ewt(Path(sources) / "ud_english_ewt", recipes / "pos")
    pack_enja(Path(sources) / "enja", recipes / "enja")
    pack_chitchat(Path(sources) / "chitchat", recipes / "chitchat")
    pack_shakespeare(Path(sources) / "shakespeare", recipes / "shakespeare")
    pack_stocks(Path(sources) / "stocks", recipes / "stocks")
    pack_music(Path(sources) / "music" / "JSB_Chorales.mat", recipes / "jsb", step=1.0)
    pack_eeg(Path(sources) / "eegmat", recipes / "eegmat")
    pack_music(Path(sources) / "music" / "Nottingham.mat", recipes / "nottingham", step=0.5)
    pack_speech(Path(sources) / "an4", recipes / "speech")


if __name__ == "__main__":
    main(*sys.argv[1:])

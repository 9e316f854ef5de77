"""Gather training text for the vectors that our taggers and sentiment models use.

    python benchmarks/vectors/gather_texts.py DATA OUT_FOLDER

Only text that no evaluation touches: unlabelled film reviews (IMDB), chat (chitchat), the English side of the training
pairs (Tanaka, Multi30k), and the training parts of PTB, EWT, WNUT-17 and SST. No test or validation part, and no
label, is read. MR is left out, because SST's test sentences are among its sentences.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path


def chats(path: Path) -> Iterator[str]:
    for talk in json.loads(path.read_text("utf-8")).values():
        yield " ".join(part["text"] for turn in talk["messages"] for part in turn)


def conllu(path: Path) -> Iterator[str]:
    words: list[str] = []
    for line in path.open(encoding="utf-8"):
        parts = line.split("\t")
        if len(parts) == 10 and parts[0].isdigit():
            words.append(parts[1])
        elif not line.strip() and words:
            yield " ".join(words)
            words = []


def columns(path: Path) -> Iterator[str]:
    words: list[str] = []
    for line in path.open(encoding="utf-8"):
        if line.strip():
            words.append(line.split("\t")[0].strip())
        elif words:
            yield " ".join(words)
            words = []


def leaves(path: Path) -> Iterator[str]:
    """The words of a tree in brackets, (label left right) or (label word)."""
    for line in path.open(encoding="utf-8"):
        words = [part.rstrip(")") for part in line.split() if part.endswith(")")]
        yield " ".join({"-LRB-": "(", "-RRB-": ")", "``": '"', "''": '"'}.get(w, w) for w in words)


def lines(path: Path) -> Iterator[str]:
    yield from path.read_text("utf-8").splitlines()


def main() -> None:
    data, out = Path(sys.argv[1]), Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(data / "vectors/imdb_unlabelled.jsonl.gz", out / "imdb.jsonl.gz")
    parts = {
        "chitchat": chats(data / "chitchat/dataset.json"),
        "tanaka": lines(data / "enja/train.en"),
        "multi30k": lines(data / "multi30k/train.en"),
        "ptb": lines(data / "ptb/ptb.train.txt"),
        "ewt": conllu(data / "ud_english_ewt/en_ewt-ud-train.conllu"),
        "wnut17": columns(data / "wnut17/wnut17train.conll"),
        "sst": leaves(data / "sst/train_official_8544.txt"),
    }
    for name, texts in parts.items():
        with open(out / f"{name}.txt", "w", encoding="utf-8") as file:
            written = [file.write(text.replace("\n", " ") + "\n") for text in texts if text.strip()]
        print(f"{name}: {len(written)} texts")


if __name__ == "__main__":
    main()

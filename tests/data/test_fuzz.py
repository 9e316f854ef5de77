"""Whatever bytes a file holds, a reader gives sentences or rows, or one `InputError`; it never crashes, never hangs.

Three seconds in the ordinary suite; ELMAN_FUZZ_SECONDS=60 (``make fuzz``) feeds them a minute. The seed is printed with
a failure, and the bytes that made it are kept.
"""

from __future__ import annotations

import gzip
import itertools
import lzma
import os
import random
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from elman.config.recipe import load_recipe
from elman.config.settings import DataSettings
from elman.data import formats
from elman.data.formats import find_format, read_table
from elman.data.formats.arrays import ARRAYS
from elman.data.formats.conll import read_conll
from elman.data.formats.conllu import read_conllu
from elman.data.formats.excel import EXCEL
from elman.data.formats.folders import FOLDERS
from elman.data.formats.parquet import PARQUET
from elman.data.formats.polarity import POLARITY
from elman.data.formats.trees import read_trees
from elman.data.labelled import load_labelled
from elman.data.reviews import read_reviews
from elman.data.tagged import load_sentences, load_tagged
from elman.errors import InputError

SECONDS = float(os.environ.get("ELMAN_FUZZ_SECONDS", "3"))
SLOWEST = 5.0  # seconds for a file of some kilobytes, on a busy machine

CSV = b'text,label\nplain,good\n"said ""no""",bad\n"two\nlines",good\nlast,bad\nmore,good\nand,bad\n'
TREES = b"(3 (2 It) (4 (2 's) (4 lovely)))\n(1 (2 It) (0 (0 (1 not) (4 lovely)) (2 -LRB-)))\n"
COLUMNS = b"-DOCSTART- -X- O\n\nAda NNP B-PER\nslept VBD O\n\nNew NNP B-LOC\nYork NNP I-LOC\n\n# id\nin IN O\n"
UD = b"""# newdoc
1-2\tdon't\t_\t_\t_\t_\t_\t_\t_\t_
1\tdo\tdo\tAUX\tVB\t_\t3\taux\t_\t_
2\tn't\tnot\tPART\tRB\t_\t3\tadvmod\t_\t_

1\tyes\tyes\tINTJ\tUH\t_\t0\troot\t_\t_
1.1\tleft\tleave\tVERB\tVB\t_\t_\t_\t0:root\t_
"""
TOML = b"""name = "a"
task = "classify"
[data]
path = "a,b"
split = [0.7, 0.1, 0.2]
[model]
hidden = 3
[model.more]
x = 1
"""
PROSE = b"Ada Byron met Babbage .\nIt rained\n\nin London , as ever\n"
REVIEWS = b"[t]title\nsize[+2], weight[-1]##small but heavy\n##plain\nprice[-3][u] ##dear\n"
FASTTEXT = b"__label__good plain words\n__label__bad more of them , and\n\nlast __label__good\n"
TS = b"# of\n@problemName Made\n@timeStamps false\n@univariate false\n@classLabel true up down\n@data\n" + (
    b"1,2.5,3:0,0,1e1:up\n3,2:-1,0:down\n" * 5
)
STAMPED = (
    TS.replace(b"Stamps false", b"Stamps true")
    .replace(b"1,2.5,3:0,0,1e1", b"(0,1),(2,?):(1,3)")
    .replace(b"3,2:-1,0", b"(2024-01-02 10:00:00,3):(2024-01-02 10:00:01,NaN),(2024-01-03,2)")
)
LONG = b"id,time,a,b,label\n" + b"".join(
    b"%d,%d,%d,%s,%s\n" % (i, t, i * t, (b"", b"?", b"1.5")[t], (b"up", b"down")[i % 2])
    for i in range(12)
    for t in range(3)
)


def beside(path: Path) -> Path:
    """The folder of the folder of a text, with a text of another class in it."""
    (path.parents[1] / "bad").mkdir(exist_ok=True)
    for folder, name in itertools.product((path.parent, path.parents[1] / "bad"), "234567"):
        (folder / f"{name}.txt").write_bytes(PROSE)
    return path.parents[1]


class More(msgspec.Struct):
    x: int = 0


class Model(msgspec.Struct):
    hidden: int = 1
    more: More = msgspec.field(default_factory=More)


READERS: dict[str, tuple[list[bytes], Callable[[Path], object]]] = {
    "a.csv": (
        [CSV, CSV.replace(b",", b";"), b"sep=|\r\n" + CSV.replace(b",", b"|"), CSV.partition(b"\n")[2]],
        lambda p: load_labelled(DataSettings(path=str(p))),
    ),
    "a.tsv": ([CSV.replace(b",", b"\t")], read_table),
    "a.jsonl": ([b'{"text": "a", "label": [1, {"b": null}]}\n{"text": "c"}\n'], read_table),
    "a.json": ([b'[{"text": "a", "label": 1}, {"text": "c", "more": [null]}]'], read_table),
    "a.csv.gz": ([gzip.compress(CSV)], read_table),
    "a.csv.xz": ([lzma.compress(CSV)], read_table),
    "a.txt": ([TREES * 9, TREES * 9, COLUMNS, CSV], lambda p: load_labelled(DataSettings(path=str(p)))),
    "tagged.txt": ([FASTTEXT * 5], lambda p: load_labelled(DataSettings(path=str(p)))),
    "texts/good/1.txt": ([PROSE], lambda p: load_labelled(DataSettings(path=str(beside(p))))),
    "steps.csv": ([LONG], lambda p: load_labelled(DataSettings(path=str(p)))),
    "named.csv": ([LONG], lambda p: load_labelled(DataSettings(path=str(p), id="id", time="time"))),
    "a.ts": ([TS, STAMPED], lambda p: load_labelled(DataSettings(path=str(p)))),
    "trees.txt": ([TREES], lambda p: read_trees(p, phrases=True)),
    "a.conll": ([COLUMNS, COLUMNS.replace(b" ", b"\t")], lambda p: list(read_conll(p))),
    "a.conllu": ([UD], lambda p: list(read_conllu(p))),
    "tags.txt": ([COLUMNS * 3, UD * 3], lambda p: load_tagged(DataSettings(path=str(p)))),
    "lines.txt": ([PROSE], lambda p: load_sentences(DataSettings(path=str(p)), tagged=False)),
    "a.toml": ([TOML], lambda p: load_recipe(p, sections={"model": Model})),
    "reviews.txt": ([REVIEWS], lambda p: list(read_reviews(p))),
}  # fmt: skip

MORSELS = [
    *(b"\t", b"\n", b"\r", b"\r\n", b"\n\n", b" ", b'"', b'""', b",", b";", b"(", b")", b"#", b"# ", b"=", b"'''"),
    *(b"-DOCSTART-", b"1\t", b"B-", b"I-", b"S-X", b"O", b"_", b"{", b"[", b"]", b"}", b"1e999", b"NaN", b"\\ud800"),
    *(
        b"\0",
        b"\x0c",
        b"\x1c",
        b"\xe9",
        b"\xc2\xa0",
        b"\xc2\x85",
        b"\xe2\x80\xa8",
        b"\xf0\x9f\x98\x80",
        b"\xed\xa0\x80",
    ),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"),  # byte-order marks
    *(b"9" * 5000, b"[" * 2000, b"(1 " * 500),
]


def mutate(data: bytes, draw: random.Random) -> bytes:
    out = bytearray(data)
    for _ in range(draw.choice((0, 0, 1, 1, 2, 3, 6))):  # some stay whole: each reader must read, too
        at = draw.randrange(len(out) + 1)
        to = min(len(out), at + draw.randint(0, 20))
        kind = draw.randrange(6)
        if kind == 0:
            out[at:at] = draw.choice(MORSELS)
        elif kind == 1:
            del out[at:to]
        elif kind == 2:
            out[at:at] = out[at:to] * draw.randint(1, 5)
        elif kind == 3:
            out[at:to] = draw.randbytes(to - at)
        elif kind == 4:
            out[at:to] = draw.choice(MORSELS)
        else:
            out = out[:at] if draw.random() < 0.2 else out
    return bytes(out) if draw.random() < 0.95 else draw.randbytes(draw.randint(0, 300))


def test_every_format_is_fed(tmp_path: Path) -> None:
    fed = set()
    for name, (samples, _) in READERS.items():
        for sample in samples:
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(sample)
            fed.add(find_format(tmp_path / name, "auto", lambda format: True)[0])
    # some are other libraries', two are folders
    assert set(formats.FORMATS) - fed == {PARQUET, EXCEL, ARRAYS, POLARITY, FOLDERS}


@pytest.mark.timeout(60 + 4 * int(SECONDS))
def test_no_bytes_crash_a_reader(tmp_path: Path) -> None:
    seed = int(os.environ.get("ELMAN_FUZZ_SEED", "0")) or random.SystemRandom().randrange(1, 2**32)
    draw = random.Random(seed)
    end = time.monotonic() + SECONDS
    outcomes = {name: [0, 0] for name in READERS}
    while time.monotonic() < end:
        for name, (samples, read) in READERS.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(mutate(draw.choice(samples), draw))
            started = time.monotonic()
            refusal = ""
            try:
                read(path)
            except InputError as error:
                refusal = str(error)
            except Exception as error:
                error.add_note(f"ELMAN_FUZZ_SEED={seed}, {name}: {path.read_bytes()!r}")
                raise
            outcomes[name][bool(refusal)] += 1
            assert "\n" not in refusal, (seed, name, path.read_bytes())
            assert time.monotonic() - started < SLOWEST, (seed, name, path.read_bytes())
    # wild enough to be refused and tame enough to be read: or nothing was tested
    one_sided = {name: counts for name, counts in outcomes.items() if min(counts) == 0}
    assert not one_sided.keys() - {"a.csv.gz", "reviews.txt"}, outcomes

"""RUNs and checkpoints damaged in every way, and what the commands make of them.

    python tests/cli/damage.py [CASES] [SEED]

Each case is a copy of a small RUN with one thing wrong in it, and one command over it, in a process of its own: it may
answer, or refuse in one line, within ten seconds of processor time and a gigabyte.
"""

from __future__ import annotations

import json
import os
import random
import resource
import shutil
import signal
import struct
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS, MEMORY = 10, 1 << 30  # of processor time, and bytes
TEXT = "the good thing went to Rome , really"
HUGE = [2**31, 2**31 - 1, 2**63, 2**64 + 1, 10**30, 300_000_000, 1_000_000, -1, -(2**63), 0, 1, 2, 100_000]
FLOATS = [1e38, -1e38, 1e308, float("nan"), float("inf"), -float("inf"), 0.5, -0.0, 1e-300]
OTHER: list[Any] = [None, True, False, "", "x", "<pad>", "\ud800", "\x00", "9" * 400, [], {}, [[]], [0], ["a", "a"]]
OTHER += [{"a": 1}, [1.5], "x" * 100_000, list(range(100_000)), {str(i): i for i in range(10_000)}]


# -- what is damaged --------------------------------------------------------------------------------------------------


def make(folder: Path) -> None:
    """One RUN of every kind, RUN and checkpoint of a training that was cut short among them."""
    import numpy as np

    from elman import Classifier, Composer, Forecaster, LanguageModel, Responder, Tagger, Translator
    from elman.text.vectors import WordVectors

    rng = np.random.default_rng(0)
    words = ["good", "bad", "thing", "the", "rome", "oslo", "ada", "went", "really", "to", ",", "not"]
    X = [" ".join(rng.choice(words, 6)) for _ in range(40)]
    y = ["good" if "good" in x else "bad" if "bad" in x else "none" for x in X]
    further = ["further", "word"]
    WordVectors([*words, *further], rng.normal(size=(len(words) + 2, 4)).astype("f4")).save(folder / "v.txt")
    small = {"hidden": 4, "embedding": 4, "epochs": 1, "min_count": 1, "validation": 0.2}
    stages = ["unicode", "lower", "words", {"name": "tags", "use": "beside"}, "stem",
              {"name": "sparse", "instead": "<rare>"}]  # fmt: skip
    runs: dict[str, Any] = {
        "chain": Classifier(**small, stages=stages, ngrams=20, ngram_letters=3, layers=2, pooling="attention"),
        "bpe": Classifier(**small, stages=["lower", {"name": "subwords", "size": 40}], cell="gru"),
        "unigram": Classifier(**small, stages=[{"name": "subwords", "model": "unigram", "size": 60}], cell="rnn"),
        "vectors": Classifier(**small, vectors=str(folder / "v.txt"), freeze=True),
        "committee": Classifier(**small, members=2, wide=20, ngram_letters=3, refit=True),
    }
    for name, model in runs.items():
        model.fit(X, y).save(folder / name)
    series = [rng.normal(size=(5, 2)) for _ in X]
    of_series: dict[str, Any] = {"members": 2, "scale": "both", "differences": True, "stride": 2, "pooling": "concat"}
    for name, more in {"numbers": {}, "numbers together": of_series}.items():
        Classifier(**small, **more).fit(series, [i % 2 for i in range(len(X))]).save(folder / name)
    sentences = [x.split() for x in X]
    tags = [["B-place" if w in ("rome", "oslo") else "B-person" if w == "ada" else "O" for w in s] for s in sentences]
    tagger = {"hidden": 4, "word_dim": 4, "char_dim": 3, "char_hidden": 3, "epochs": 1, "affix_dim": 3}
    Tagger(**tagger, vectors=str(folder / "v.txt"), freeze=False).fit(sentences, tags).save(folder / "entities")
    plain = [["N" if w in ("rome", "ada", "thing") else "X" for w in s] for s in sentences]
    Tagger(**tagger, head="softmax", pos=True, cell="gru").fit(sentences, plain).save(folder / "plain")
    going_on: dict[str, Any] = {"hidden": 4, "embedding": 4, "layers": 1, "tied": False, "epochs": 1, "typed": 20}
    LanguageModel(**going_on).fit([" ".join(X)]).save(folder / "characters")
    LanguageModel(**{**going_on, "units": "bpe", "vocabulary": 60, "block": "residual"}).fit(X).save(
        folder / "subwords"
    )
    pair: dict[str, Any] = {"hidden": 4, "embedding": 4, "epochs": 1}
    Translator(**pair, vocabulary=60, shared=False).fit(X, X[::-1]).save(folder / "subword pairs")
    Translator(**pair, units="word", attention="none", layers=2).fit(X, X[::-1]).save(folder / "word pairs")
    talks = [[a, b, a] for a, b in zip(X, X[::-1])]
    Responder(**pair, units="word", match_width=4, candidates=2, longest=5).fit(talks).save(folder / "answers")
    (folder / "data.tsv").write_text("source\ttarget\n" + "".join(f"{a}\t{b}\n" for a, b in zip(X, X[::-1])))
    pieces = [rng.random((6, 88)) < 0.05 for _ in range(8)]
    Composer(hidden=4, notes=3, members=2, epochs=1).fit(pieces).save(folder / "composer")
    waves = np.sin(np.arange(60) / 2)
    Forecaster(hidden=4, horizon=3, context=8, segment=2, epochs=1, output="quantiles").fit(waves).save(
        folder / "series"
    )
    beside = {"price": np.cos(np.arange(63) / 3), "wind": waves[np.arange(63) % 60], "day": ["", "fair", "rest"] * 21}
    Forecaster(hidden=4, horizon=3, context=8, epochs=1, members=2, form="direct", past="wind").fit(waves, beside).save(
        folder / "series beside"
    )
    (folder / "data.csv").write_text("text,label\n" + "".join(f'"{a}",{b}\n' for a, b in zip(X, y)))
    (folder / "data.conll").write_text(
        "".join("".join(f"{w} {t}\n" for w, t in zip(s, ts)) + "\n" for s, ts in zip(sentences, tags))
    )
    run("train", "classify", *TRAIN, "--data", folder / "data.csv", "--out", folder / "trained")
    run("inspect", folder / "trained", "--input", TEXT, "--out", folder / "page.html")  # what it imports, once for all
    half = folder / "half"
    _stop_after_one_epoch(lambda: run("train", "classify", *TRAIN, "--data", folder / "data.csv", "--out", half))


TRAIN = ["--set", "training.epochs=3", "--set", "model.hidden=4", "--set", "model.embedding=4"]


def _stop_after_one_epoch(train: Callable[[], object]) -> None:
    """As Ctrl-C would: the checkpoint of one epoch of three, and the RUN of it."""
    from elman.training.checkpoint import Checkpoint

    whole, saves = Checkpoint.save, []

    def save(checkpoint: Any, session: Any) -> None:
        whole(checkpoint, session)
        saves.append(1)
        if len(saves) == 1:
            os.kill(os.getpid(), signal.SIGINT)

    Checkpoint.save = save  # type: ignore[method-assign]
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell has it ignored in the background
    try:
        train()
    finally:
        signal.signal(signal.SIGINT, before)
        Checkpoint.save = whole  # type: ignore[method-assign]


# -- how it is damaged ------------------------------------------------------------------------------------------------


def damage(path: Path, draw: random.Random) -> str:
    """Do one thing to a file, and say what."""
    if draw.random() < 0.12:
        return replaced(path, draw)
    if path.suffix == ".json" and draw.random() < 0.75:
        return wrong_value(path, draw)
    if path.suffix == ".safetensors" and draw.random() < 0.6:
        return wrong_tensor(path, draw)
    return wrong_bytes(path, draw)


def replaced(path: Path, draw: random.Random) -> str:
    kind = draw.choice(["pipe", "folder", "nothing", "empty", "circle", "nowhere", "zeros", "sparse", "big"])
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "empty":
        path.touch()
    elif kind in ("circle", "nowhere", "zeros"):
        path.symlink_to({"circle": path, "nowhere": "/nowhere/at/all", "zeros": "/dev/zero"}[kind])
    elif kind in ("sparse", "big"):
        path.touch()
        os.truncate(path, (1 << 35) if kind == "sparse" else (1 << 26))
    return kind


def wrong_bytes(path: Path, draw: random.Random) -> str:
    data = bytearray(path.read_bytes())
    kind = draw.choice(["flip", "flip", "flip", "cut", "insert", "noise", "nest", "repeat"])
    at = draw.randrange(len(data) + 1)
    if draw.random() < 0.5:
        at = min(at, draw.randrange(200))  # where the header is
    if kind == "flip":
        for _ in range(draw.choice([1, 1, 3, 30])):
            if data:
                data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
    elif kind == "cut":
        del data[at:]
    elif kind == "insert":
        data[at:at] = draw.choice([b"\xff\xfe", b"\x00" * 8, b"\xed\xa0\x80", b'"', b"{", b"]", b"9" * 5000, b"NaN"])
    elif kind == "noise":
        data[at : at + 16] = draw.randbytes(16)
    elif kind == "nest":
        data = bytearray(draw.choice([b"[", b'{"a":']) * 100_000)
    else:
        data *= 2
    path.write_bytes(data)
    return f"{kind} at {at}"


def wrong_value(path: Path, draw: random.Random) -> str:
    """One value of a JSON file, anywhere in it, becomes another, goes, or is listed twice."""
    value = json.loads(path.read_text(encoding="utf-8"))
    at, keys = value, []
    while True:
        key = draw.choice(list(at)) if isinstance(at, dict) else draw.randrange(len(at))
        keys.append(key)
        inner = at[key]
        if not isinstance(inner, (dict, list)) or not inner or draw.random() < 0.2:
            break
        at = inner
    kind = draw.choice(["other", "other", "other", "huge", "huge", "float", "gone", "twice", "moved", "scaled"])
    new: Any = None
    if kind == "gone":
        del at[key]
    elif kind == "twice" and isinstance(at, list):
        at.insert(key, inner)
    elif kind == "moved" and isinstance(at, list):
        draw.shuffle(at)
    elif kind == "scaled" and isinstance(inner, (int, float)):
        at[key] = new = inner * draw.choice([-1, 2, 10, 1000, 10**9]) + draw.choice([0, 1])
    else:
        new = draw.choice({"huge": HUGE, "float": FLOATS}.get(kind, OTHER))
        at[key] = new
    path.write_text(json.dumps(value), encoding="utf-8")
    return f"{kind} {keys} {str(new)[:40]!r}"


def wrong_tensor(path: Path, draw: random.Random) -> str:
    """The header of a safetensors file, or numbers in it."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    head, body = json.loads(data[8 : 8 + size]), bytearray(data[8 + size :])
    names = [n for n in head if n != "__metadata__"]
    name = draw.choice(names)
    entry = head[name]
    kind = draw.choice(
        ["numbers", "numbers", "numbers", "type", "shape", "name", "length", "offsets", "gone", "whole type"]
    )
    new: Any = None
    if kind == "numbers":
        start, end = entry["data_offsets"]
        new = draw.choice([1e38, -1e38, float("nan"), float("inf"), 1e20, 0.0, 3e38])
        whole = draw.random() < 0.5
        if entry["dtype"] == "F32":
            for at in range(start, end, 4) if whole else [start] if end > start else []:
                body[at : at + 4] = struct.pack("<f", new)
        elif entry["dtype"] == "I64":
            new = draw.choice([-1, 2**40, 10**6, 3])
            for at in range(start, end, 8):
                body[at : at + 8] = struct.pack("<q", new)
    elif kind == "type":
        entry["dtype"] = new = draw.choice(["F8_E4M3", "I64", "BF16", "F16", "U8", "BOOL", "X", None, "F64", "I32"])
    elif kind == "whole type":  # one that fits: the tensor is of as many bytes, or as many numbers
        new = draw.choice(["I32", "U32", "F8_E4M3", "F16", "BF16", "I8"])
        width = {"I32": 4, "U32": 4, "F16": 2, "BF16": 2}.get(new, 1)
        entry["dtype"] = new
        if entry["shape"]:
            entry["shape"] = [*entry["shape"][:-1], entry["shape"][-1] * 4 // width]
    elif kind == "shape":
        entry["shape"] = new = draw.choice([[], [0], [2**62, 4], [1, *entry["shape"]], entry["shape"][::-1], [-1], "x"])
    elif kind == "name":
        head[draw.choice(["x", "", "emit.weight", name + "_l0"])] = head.pop(name)
    elif kind == "offsets":
        entry["data_offsets"] = new = draw.choice([[0, 2**63], [5, 1], [0, 0], [2**40, 2**40 + 4], [], None])
    elif kind == "gone":
        del head[name]
    text = json.dumps(head).encode()
    length = len(text)
    if kind == "length":
        length = new = draw.choice([2**63, 2**64 - 1, 0, 1, 10**9, len(text) + len(body), 99_000_000])
    path.write_bytes(struct.pack("<Q", length) + text + bytes(body))
    return f"{kind} of {name}: {str(new)[:40]}"


# -- what is made of it -----------------------------------------------------------------------------------------------


@dataclass
class Case:
    """What was done and what came of it; `fault` is empty where that is right."""

    what: str
    fault: str = ""
    said: str = ""


def run(*words: object) -> int:
    """The exit code of a command."""
    from elman.cli import app as cli

    try:
        cli.main([str(word) for word in words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def python(folder: Path) -> int:
    """What a script does with a RUN: load the estimator and ask it."""
    import numpy as np

    import elman
    from elman import Classifier, Forecaster, InputError, LanguageModel, Responder, Tagger, Translator

    try:
        try:
            found: Any = Classifier.load(folder)
            X = [np.ones((3, found.encoding_.features))] if found.encoding_.reads_numbers else [TEXT, ""]
            assert np.isfinite(found.predict_proba(X)).all()
        except InputError as error:
            if "RUN of the task generate" in str(error):
                found = LanguageModel.load(folder)
                assert np.isfinite(found.log_prob(TEXT)).all()
                assert all(0 <= one.probability <= 1.001 for one in found.complete(TEXT))
            elif "RUN of the task translate" in str(error):
                found = Translator.load(folder)
                assert all(np.isfinite(w.log_prob) for w in found.translations([TEXT, "good"], nbest=2)[0])
            elif "RUN of the task dialogue" in str(error):
                found = Responder.load(folder)
                assert np.isfinite(found.replies([[TEXT, "good"]])[0][0].score)
            elif "RUN of the task forecast" in str(error):
                found = Forecaster.load(folder)
                read = found.covariates_
                X = {name: np.ones(9 + found.horizon_) for name in (*read.known, *read.past)} if read else None
                assert np.isfinite(found.predict_interval(y=np.arange(9.0), X=X)).all()
            elif "RUN of the task tag" in str(error):
                found = Tagger.load(folder)
                assert all(np.isfinite(p).all() for p in found.predict_proba([TEXT.split()]))
            else:
                raise
        elman.explain(found.model_)
    except InputError as error:
        print(f"elman: {error}", file=sys.stderr)
        return 2
    return 0


def commands(name: str, run_folder: Path, data: Path) -> list[tuple[str, Callable[[], int]]]:
    """Those that read a RUN, by name."""
    of_pairs = name in ("subword pairs", "word pairs", "answers")
    table = data / ("data.conll" if name in ("entities", "plain") else "data.tsv" if of_pairs else "data.csv")
    page, text = run_folder.parent / "page.html", "3 1 4 1 5" if name == "series" else TEXT
    return [
        ("predict", lambda: run("predict", run_folder, text, "--json")),
        ("predict --data", lambda: run("predict", run_folder, "--data", table, "--json")),
        ("evaluate", lambda: run("evaluate", run_folder, "--data", table, "--json")),
        ("inspect", lambda: run("inspect", run_folder, "--out", page)),
        ("inspect --input", lambda: run("inspect", run_folder, "--input", text, "--out", page)),
        ("explain", lambda: run("explain", run_folder, "--json")),
        ("text", lambda: run("text", TEXT, "--run", run_folder, "--json")),
        ("verify", lambda: run("verify", run_folder, "--json")),
        ("python", lambda: python(run_folder)),
    ]


def cases(folder: Path, count: int, seed: int = 0) -> Iterator[Case]:
    """So many damaged RUNs, each with one command over it."""
    names = sorted(p.name for p in folder.iterdir() if (p / "model.json").is_file())
    for number in range(count):
        draw = random.Random(f"{seed} {number}")
        name = draw.choice([*names, "half"])
        place = folder / "now"
        place.mkdir()
        try:
            yield _case(folder, name, place, draw)
        finally:
            shutil.rmtree(place)


def _case(folder: Path, name: str, place: Path, draw: random.Random) -> Case:
    target = place / name
    shutil.copytree(folder / name, target)
    resumed = name == "half" and draw.random() < 0.7
    if resumed:
        shutil.copytree(folder / "half.training", place / "half.training")
        files = sorted(p for p in (place / "half.training").rglob("*") if p.is_file())
        todo = (
            "train --resume",
            lambda: run(
                "train", "classify", *TRAIN, "--data", folder / "data.csv", "--out", target, "--resume", "--json"
            ),
        )
    else:
        files = sorted(p for p in target.iterdir() if p.suffix in (".json", ".jsonl", ".toml", ".safetensors", ".html"))
        # two files are read by every command, the rest by few
        files += [target / "model.json"] * 12 + [target / "model.safetensors"] * 6
        todo = draw.choice(commands(name, target, folder))
    file = draw.choice(files)
    what = f"{todo[0]} of {name}/{file.name}: {damage(file, draw)}"
    return watched(todo[1], place / "said", what)


def watched(todo: Callable[[], int], said: Path, what: str) -> Case:
    """The command in a child of this process, with an eye on the clock and on its memory."""
    began, (virtual, resident) = time.monotonic(), _memory()
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.dup2(os.open(f"{said}.out", os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 1)
            os.dup2(os.open(f"{said}.err", os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
            sys.stdout, sys.stderr = (os.fdopen(number, "w", closefd=False) for number in (1, 2))
            limit = MEMORY + virtual
            resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            code = todo()
            sys.stdout.flush()
            sys.stderr.flush()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    while True:
        done, status, usage = os.wait4(child, os.WNOHANG)
        if done:
            break
        if time.monotonic() - began > 10 * SECONDS:  # waiting: what computes is ended by its limit
            os.kill(child, 9)
            os.wait4(child, 0)
            return Case(what, "it hangs")
        time.sleep(0.002)
    out, err = (Path(f"{said}.{name}").read_bytes().decode("utf-8", "replace") for name in ("out", "err"))
    more = usage.ru_maxrss * 1024 - resident  # the child begins with all that this process holds
    return Case(what, _fault(os.waitstatus_to_exitcode(status), out, err, more), err[-2000:])


def _fault(code: int, out: str, err: str, memory: int) -> str:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return "it takes too long"
    if code < 0:
        return f"it dies of signal {-code}"
    if "Traceback" in err or "Traceback" in out:
        return "a traceback"
    if code not in (0, 1, 2):
        return f"exit code {code}"
    if memory > MEMORY:
        return f"{memory:,} bytes of memory"
    last = err.rstrip("\n").splitlines()[-1:] or [""]
    if code == 2 and (out or not last[0].startswith("elman: ") or len(last[0]) > 1500):
        return "no one line"
    if code == 2 and "not enough memory" in last[0]:
        return "too much memory asked for"
    if code != 2 and out:
        try:
            json.loads(out, parse_constant=_refuse)
        except ValueError as error:
            return f"no JSON: {error}"
    return ""


def _refuse(word: str) -> None:
    raise ValueError(word)


def _memory() -> tuple[int, int]:
    """Bytes of address space that this process has, and of memory that it holds."""
    virtual, resident = map(int, Path("/proc/self/statm").read_text().split()[:2])
    return virtual * os.sysconf("SC_PAGE_SIZE"), resident * os.sysconf("SC_PAGE_SIZE")


def main(count: int = 10_000, seed: int = 0) -> int:
    import tempfile

    faults = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(folder)
        began = time.monotonic()
        refused = 0
        for number, case in enumerate(cases(folder, count, seed), 1):
            refused += "elman: " in case.said
            if case.fault:
                faults += 1
                print(f"{number}: {case.what}: {case.fault}\n{case.said[-700:]}\n", flush=True)
        print(f"{count} damaged RUNs in {time.monotonic() - began:.0f} s: {refused} refused, {faults} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))

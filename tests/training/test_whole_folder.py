"""Whole or not at all: the folder is killed at every moment of its writing and never seen half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from elman.errors import InputError
from elman.training import whole_folder as module
from elman.training.whole_folder import whole_folder

FILES = 20


def fill(folder: Path, word: str) -> None:
    for i in range(FILES):
        (folder / f"{i}.txt").write_text(word * 1000)


def read(folder: Path) -> str:
    """The one word that all files repeat; anything else is a mixture."""
    texts = {(folder / f"{i}.txt").read_text() for i in range(FILES)}
    assert len(list(folder.iterdir())) == FILES
    assert len(texts) == 1
    (text,) = texts
    word = text[:3]
    assert text == word * 1000
    return word


def test_written_and_replaced(tmp_path: Path) -> None:
    place = tmp_path / "deep" / "run"
    for word in ("abc", "xyz"):
        with whole_folder(place) as new:
            fill(new, word)
            assert not place.exists() or read(place) == "abc"
        assert read(place) == word
    assert os.listdir(place.parent) == ["run"]


def test_an_error_leaves_the_old_one(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "run") as new:
        fill(new, "abc")

    def fail() -> None:
        with whole_folder(tmp_path / "run") as new:
            fill(new, "xyz")
            raise KeyError("mid-way")

    with pytest.raises(KeyError, match="mid-way"):
        fail()
    assert read(tmp_path / "run") == "abc"
    assert os.listdir(tmp_path) == ["run"]


def test_without_the_system_call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where names cannot be exchanged, two renames do."""
    monkeypatch.setattr(module, "_exchange", lambda a, b: False)
    for word in ("abc", "xyz"):
        with whole_folder(tmp_path / "run") as new:
            fill(new, word)
    assert read(tmp_path / "run") == "xyz"
    assert os.listdir(tmp_path) == ["run"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    def write() -> None:
        with whole_folder(tmp_path / "file" / "run"):
            pass

    with pytest.raises(InputError, match="cannot be written"):
        write()


WRITER = """
import sys, itertools
from pathlib import Path
from elman.training.whole_folder import whole_folder
place = Path(sys.argv[1])
for i in itertools.count():
    with whole_folder(place) as new:
        for k in range({files}):
            (new / f"{{k}}.txt").write_text(f"{{i % 1000:03d}}" * 1000)
    print(i, flush=True)
"""


def test_killed_while_writing(tmp_path: Path) -> None:
    """A writer that replaces one folder for ever is killed with SIGKILL at forty moments: always one whole folder."""
    place = tmp_path / "run"
    seen = []
    for kill in range(40):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER.format(files=FILES), str(place)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        for _ in range(kill % 4):  # some are written, however slow the disk is
            writer.stdout.readline()
        said = writer.stdout.readline()
        time.sleep(0.0007 * kill)
        os.kill(writer.pid, signal.SIGKILL)
        rest = writer.stdout.read().split()
        writer.wait()
        writer.stdout.close()
        word = read(place)
        seen.append(word)
        # what was said to be written is written, and at most the one begun after it
        assert int(word) - int(rest[-1] if rest else said) in (0, 1)
    assert len(set(seen)) > 1  # the kills fell on different moments
    with whole_folder(place) as new:
        fill(new, "end")
    assert os.listdir(tmp_path) == ["run"]  # what the killed ones left has been cleared away


def test_another_writers_folder_is_left_alone(tmp_path: Path) -> None:
    alive = tmp_path / f".run.{os.getpid()}-aaaa.unfinished"
    gone = tmp_path / ".run.99999999-aaaa.unfinished"
    alive.mkdir()
    gone.mkdir()
    with whole_folder(tmp_path / "run") as new:
        (new / "x").write_text(json.dumps(1))
    assert alive.exists()
    assert not gone.exists()

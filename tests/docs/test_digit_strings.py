"""The digit strings of the benchmark: no clip on two sides, numbers as they are read."""

from __future__ import annotations

import csv
import importlib.util
import wave
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from signals.waves import wav

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "fsdd" / "strings.py"


@pytest.fixture(scope="module")
def strings() -> ModuleType:
    spec = importlib.util.spec_from_file_location("digit_strings", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("n", "german", "french"),
    [
        (0, "null", "zéro"), (1, "eins", "un"), (16, "sechzehn", "seize"), (21, "einundzwanzig", "vingt et un"),
        (71, "einundsiebzig", "soixante et onze"), (80, "achtzig", "quatre-vingts"),
        (81, "einundachtzig", "quatre-vingt-un"), (91, "einundneunzig", "quatre-vingt-onze"),
        (97, "siebenundneunzig", "quatre-vingt-dix-sept"), (100, "einhundert", "cent"),
        (101, "einhunderteins", "cent un"), (200, "zweihundert", "deux cents"),
        (203, "zweihundertdrei", "deux cent trois"),
        (1000, "eintausend", "mille"), (2080, "zweitausendachtzig", "deux mille quatre-vingts"),
        (4721, "viertausendsiebenhunderteinundzwanzig", "quatre mille sept cent vingt et un"),
        (1999, "eintausendneunhundertneunundneunzig", "mille neuf cent quatre-vingt-dix-neuf"),
    ],
)  # fmt: skip
def test_numbers_as_they_are_read(strings: ModuleType, n: int, german: str, french: str) -> None:
    assert strings.german(n) == german
    assert strings.french(n) == french


def test_no_clip_stands_on_two_sides(strings: ModuleType, tmp_path: Path) -> None:
    """Each clip holds one number alone, its own: what numbers a string holds says of which clips it is made."""
    clips, fsdd = {}, tmp_path / "fsdd"
    fsdd.mkdir()
    for digit in range(10):
        for s, speaker in enumerate(("ann", "bob")):
            for take in range(14):
                mark = 1000 + 300 * digit + 150 * s + take
                clips[mark] = (digit, speaker, take)
                name = f"{digit}_{speaker}_{take}.wav"
                (fsdd / name).write_bytes(wav(np.full(40, mark / 32768), 8000))
    for held in ("", "bob"):
        out = tmp_path / f"out{held}"
        strings.make(fsdd, out, {"train": 30, "valid": 10, "test": 10}, (1, 4), held)
        with (out / "manifest.csv").open(encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        used: dict[str, set[int]] = {"train": set(), "valid": set(), "test": set()}
        for row in rows:
            with wave.open(str(out / row["path"])) as file:
                samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            marks = [
                int(m) for m in samples[np.flatnonzero(np.diff(samples, prepend=0) * (samples >= 1000))] if m in clips
            ]
            assert [strings.DIGITS[clips[m][0]] for m in marks] == row["text"].split()
            assert {clips[m][1] for m in marks} == {row["speaker"]}
            number = int("".join(str(clips[m][0]) for m in marks))
            assert (row["german"], row["french"]) == (strings.german(number), strings.french(number))
            used[row["part"]] |= set(marks)
        assert not used["train"] & used["valid"]
        assert not used["train"] & used["test"]
        assert not used["valid"] & used["test"]
        if held:
            assert {clips[m][1] for m in used["test"]} == {"bob"}
            assert {clips[m][1] for m in used["train"] | used["valid"]} == {"ann"}
        else:
            assert {clips[m][2] for m in used["test"]} <= set(range(5))

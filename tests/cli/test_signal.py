"""elman signal: what every stage did, for people, as JSON and as a page; and what cannot be read, in a line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from elman.cli.app import main
from signals.waves import edf, tone, wav


def elman(capsys: pytest.CaptureFixture[str], *words: object, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(["signal", *map(str, words)])
    out, err = capsys.readouterr()
    assert (end.value.code or 0) == code, err
    return out, err


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "a.wav"
    path.write_bytes(wav(np.stack([tone(1.0), tone(1.0, hertz=880)], 1)))
    return path


def test_a_sound_is_shown_stage_by_stage(sound: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, _ = elman(capsys, sound, "--json")
    rows = json.loads(out)["stages"]
    assert [(row["stage"], row["frames"], row["channels"]) for row in rows] == [
        ("file", 16000, 2), ("mono", 16000, 1), ("logmel", 100, 80)
    ]  # fmt: skip
    out, _ = elman(capsys, sound, "--stages", '[{name = "resample", rate = 8000}, "mono", {name = "mfcc", bins = 20}]')
    assert "16000 -> 8000 Hz" in out
    assert "mfcc bins=20" in out


def test_a_recording_of_a_brain_has_bands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draw = np.random.default_rng(0)
    path = tmp_path / "a.edf"
    path.write_bytes(edf([[draw.integers(-9000, 9000, 100) for _ in range(3)] for _ in range(5)], ["Fp1", "Cz", "O2"]))
    out, _ = elman(capsys, path, "--json", "--start", 1, "--end", 4)
    rows = json.loads(out)["stages"]
    assert [row["stage"].split()[0] for row in rows] == ["file", "reference", "bandpass", "bands"]
    assert [row["frames"] for row in rows] == [300, 300, 300, 6]
    assert rows[1]["what it did"].endswith("of the power was shared, and is gone")


def test_numbers_without_a_rate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.npy"
    np.save(path, np.random.default_rng(0).normal(size=(500, 2)))
    _, err = elman(capsys, path, code=2)
    assert "does not say how many frames a second" in err
    out, _ = elman(capsys, path, "--rate", 100, "--json")
    assert json.loads(out)["stages"][0]["a second"] == 100
    table = tmp_path / "a.csv"
    table.write_text("time,Cz\n" + "".join(f"{t / 50},{t % 7}\n" for t in range(100)))
    out, _ = elman(capsys, table, "--json", "--stages", "[]")
    assert json.loads(out)["stages"][0] | {"mean": "", "spread": ""} == {
        "stage": "file", "frames": 100, "a second": 50, "channels": 1, "mean": "", "spread": "", "what it did": ""
    }  # fmt: skip
    table.write_text("time,Cz\n0,1\n1,2\n2,3\n9,1\n10,2\n")
    _, err = elman(capsys, table, code=2)
    assert "row 5: the times in column 'time' are not evenly spaced" in err


def test_the_page_shows_every_stage(sound: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.html"
    elman(capsys, sound, "--out", page)
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 3
    for heading in ("The file", "mono", "logmel"):
        assert f"<h2>{heading}</h2>" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none.wav"], "none.wav: no such file"),
        (["a.mp3"], "a.mp3: .mp3 is no signal that is read here; give .wav, .flac, .edf"),
        (["a.wav", "--stages", "mono"], "--stages: no list of stages"),
        (["a.wav", "--stages", '["bands"]', "--run", "runs/x"], "two ways to say it"),
        (["a.wav", "--stages", '["logmel"]'], "a.wav, stage 'logmel': reads one channel, not 2"),
        (["a.wav", "--start", "3"], "a.wav: a stretch from 3 s on, but the recording has 1 s"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(
    words: list[str], said: str, sound: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(sound.parent)
    _, err = elman(capsys, *words, code=2)
    assert said in err
    assert err.count("\n") == 1

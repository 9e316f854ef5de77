"""Music through the commands: from a folder of MIDI files to a tune one can hear."""

from __future__ import annotations

import io
import json
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest
from scipy.io import wavfile

from elman.data.rolls import read_rolls
from elman.notes.midi import read_midi, write_midi
from elman.notes.roll import LOW, PITCHES, roll_of, tune_of

SIZES = "model.hidden=8", "model.notes=8", "model.members=2", "training.epochs=2", "data.step=0.5"
SMALL = [f"--set={key}" for key in SIZES]


def tunes(folder: Path, count: int = 16) -> Path:
    folder.mkdir()
    draw = np.random.default_rng(0)
    for n in range(count):
        roll = np.zeros((12, PITCHES), bool)
        roll[np.arange(12), 60 - LOW + draw.integers(0, 12, 12)] = True
        (folder / f"{n:02}.mid").write_bytes(write_midi(tune_of(roll, 0.5, 90)))
    return folder


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from elman.cli import app as cli

    folder = tmp_path_factory.mktemp("music")
    words = ["train", "compose", "--data", str(tunes(folder / "tunes")), "--out", str(folder / "run"), *SMALL]
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert not end.value.code
    return folder / "run"


def test_the_run(trained, call):
    metrics = json.loads((trained / "metrics.json").read_text(encoding="utf-8"))
    assert {"nll", "nll_independent", "nll_all", "nll_independent_all"} <= metrics["test"].keys()
    assert {"nll", "nll_independent"} <= metrics["baseline"].keys()
    assert json.loads((trained / "proof.json").read_text(encoding="utf-8"))["ok"]
    code, out, _ = call("verify", trained)
    assert code == 0, out
    page = (trained / "report.html").read_text(encoding="utf-8")
    assert page.count("<audio controls") == 2
    assert page.count("data:audio/wav;base64,") == 2
    assert "media-src data:" in page


def test_it_is_judged_as_it_was(trained, call):
    """Of the same test pieces the same figures; the recipe says how the data were read."""
    code, out, err = call("evaluate", trained, "--data", trained.parent / "tunes", "--json")
    assert code == 0, err
    assert json.loads(out)["n"] == 16
    one = json.loads(call("evaluate", trained, "--data", trained.parent / "tunes" / "03.mid", "--json")[1])
    assert one["frames"] == 11


def test_a_tune_from_one_note(trained, call, tmp_path):
    code, _, err = call("generate", trained, "--start", "C4", "--length", 24, "--out", tmp_path / "tune.mid")
    assert code == 0, err
    assert f"written to {tmp_path / 'tune.mid'}, {tmp_path / 'tune.wav'}, {tmp_path / 'tune.png'}" in err
    (tune,) = read_midi((tmp_path / "tune.mid").read_bytes())
    assert tune.per_minute == pytest.approx(90, rel=1e-3)  # as the tunes that it learned
    assert [note.pitch for note in tune.notes if note.onset == 0] == [60]
    rate, samples = wavfile.read(io.BytesIO((tmp_path / "tune.wav").read_bytes()))
    assert len(samples) / rate == pytest.approx(tune.seconds(tune.beats) + 0.18, abs=0.01)
    assert matplotlib.image.imread(tmp_path / "tune.png").std() > 0.01
    call("generate", trained, "--start", "C4", "--length", 24, "--out", tmp_path / "same.npz")
    parts = read_rolls(tmp_path / "same.npz")
    assert parts.step == 0.5
    (roll,) = parts.parts[""]
    again, _ = roll_of(tune, 0.5)
    assert (roll[: len(again)] == again).all()  # what is silent at the end is no note
    out = call("generate", trained, "--start", "C4", "--length", 24, "--json")[1]
    assert json.loads(out)["generated"].startswith("C4 | ")
    assert len(json.loads(out)["generated"].split(" | ")) == 24


def test_how_it_goes_on_can_be_asked(trained, call, tmp_path):
    def made(*asked: object) -> bytes:
        code, _, err = call("generate", trained, "--start", "C4", "--length", 16, "--out", tmp_path / "a.mid", *asked)
        assert code == 0, err
        return (tmp_path / "a.mid").read_bytes()

    assert made("--seed", 1) != made("--seed", 2)
    assert made("--temperature", 0, "--seed", 1) == made("--temperature", 0, "--seed", 2)
    (slow,) = read_midi(made("--tempo", 30))
    assert slow.per_minute == pytest.approx(30)


def test_other_files(trained, call, tmp_path):
    for name in ("b.svg", "b.txt", "b.wav"):
        assert call("generate", trained, "--length", 8, "--out", tmp_path / name)[0] == 0
    assert sorted(p.name for p in tmp_path.glob("b.*")) == ["b.svg", "b.txt", "b.wav"]
    code, out, _ = call("generate", trained, "--start", trained.parent / "tunes" / "03.mid", "--length", 14)
    assert code == 0
    assert len(out.split(" | ")) == 14


def test_what_follows(trained, call, tmp_path):
    code, out, _ = call("predict", trained, "C4 | D4 E4", "--json")
    assert code == 0
    (row,) = json.loads(out)["predictions"]
    assert row.keys() == {"next", "log_prob", "frames", "nll", "nll_independent"}
    assert row["nll"] == pytest.approx(-row["log_prob"] / 2, abs=1e-5)
    code, _, err = call("predict", trained, "--data", trained.parent / "tunes", "--out", tmp_path / "p.csv")
    assert code == 0, err
    assert len((tmp_path / "p.csv").read_text(encoding="utf-8").splitlines()) == 17
    code, _, err = call("inspect", trained, "--input", "C4 | D4 E4 | C4", "--out", tmp_path / "page.html")
    assert code == 0, err
    assert "What follows" in (tmp_path / "page.html").read_text(encoding="utf-8")


WRONG = {
    "H4": "'H4' is no note; name one as C4, F#3 or Bb4",
    "A9": "no piano has the note A9; name one from A0 to C8",
    "C4 | X": "'X' is no note",
}


@pytest.mark.parametrize("start", WRONG)
def test_a_start_that_is_none(trained, call, tmp_path, start):
    code, out, err = call("generate", trained, "--start", start, "--out", tmp_path / "tune.mid")
    assert (code, out) == (2, "")
    assert WRONG[start] in err
    assert err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_other_things_that_are_wrong(trained, call, tmp_path):
    for words, said in (
        (("--out", tmp_path / "tune.mp3"), "a tune is not written as .mp3; choose from .mid"),
        (("--tempo", "0.5"), "answer.tempo: 0.5 beats a minute"),
        (("--tempo", "-3"), "tempo"),
        (("--length", "0"), "length"),
    ):
        code, _, err = call("generate", trained, "--start", "C4", *words)
        assert code == 2
        assert said in err
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "a.txt").write_text("no music")
    (tmp_path / "folder" / "b.mid").write_bytes(b"MThd")
    (tmp_path / "one.mid").write_bytes((trained.parent / "tunes" / "00.mid").read_bytes())
    for name, said in (("folder", "there is no music in it"), ("one.mid", "split"), ("none.mid", "no such file")):
        code, _, err = call("train", "compose", "--data", tmp_path / name, "--out", tmp_path / "run", *SMALL)
        assert code == 2
        assert said in err
    assert not (tmp_path / "run").exists()

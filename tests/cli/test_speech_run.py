"""Speech through the commands: from a folder of recordings and a table to texts with times."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest

from elman.report.player import recorded
from signals.waves import cut_header, tone, wav
from tasks.transcribe.spoken import folder, said

SIZES = (
    "model.hidden=12", "model.layers=1", "model.input=12", "model.dropout=0", "frames.stack=2", "frames.deltas=0",
    "training.epochs=4", "training.rate=0.02", "training.batch_size=8", "search.language=words", "search.beam=4",
)  # fmt: skip
SMALL = [f"--set={key}" for key in SIZES]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from elman.cli import app as cli

    here = tmp_path_factory.mktemp("speech")
    words = ["train", "transcribe", "--data", str(folder(here / "data", 64)), "--out", str(here / "run"), *SMALL]
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert not end.value.code
    return here / "run"


def test_the_run(trained, call):
    metrics = json.loads((trained / "metrics.json").read_text(encoding="utf-8"))
    assert {"wer", "cer", "wer_greedy", "cer_greedy", "substituted"} <= metrics["test"].keys()
    assert metrics["baseline"]["name"] == "no memory"
    assert {"wer", "cer"} <= metrics["baseline"].keys()
    assert metrics["baseline"]["one"]["wer"] > 0.4
    assert metrics["test"]["wer"] <= metrics["baseline"]["one"]["wer"]
    assert json.loads((trained / "proof.json").read_text(encoding="utf-8"))["ok"]
    assert call("verify", trained)[0] == 0
    page = (trained / "report.html").read_text(encoding="utf-8")
    for title in ("Recordings", "What goes wrong", "By speaker", "Training", "Proof"):
        assert f"<h2>{title}</h2>" in page
    assert page.count("what was heard: ") >= 1
    assert "There is nothing to play" in page


def test_it_is_judged_as_it_was(trained, call):
    code, out, err = call("evaluate", trained, "--data", trained.parent / "data", "--json")
    assert code == 0, err
    figures = json.loads(out)
    assert figures["n"] == 64
    plain = json.loads(call("evaluate", trained, "--data", trained.parent / "data", "--json", "--set",
                            "answer.weight=0", "--set", "answer.beam=1")[1])  # fmt: skip
    assert plain["wer_greedy"] == figures["wer_greedy"]


def test_files_are_written_down(trained, call, tmp_path):
    np.save(tmp_path / "one.npy", said("ab ca", np.random.default_rng(9)))
    np.save(tmp_path / "two.npy", said("a", np.random.default_rng(9)))
    code, out, err = call("predict", trained, tmp_path / "one.npy", "--json")
    assert code == 0, err
    (row,) = json.loads(out)["predictions"]
    assert row.keys() == {"text", "log_prob", "words", "seconds"}
    assert " ".join(word["word"] for word in row["words"]) == row["text"]
    code, out, err = call("predict", trained, tmp_path / "one.npy")
    assert out == f"{row['text']}\n"
    assert all(word["word"] in err for word in row["words"])
    code, _, err = call("predict", trained, tmp_path, "--out", tmp_path / "answers.jsonl")
    assert code == 0, err
    lines = [json.loads(line) for line in (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [line["recording"] for line in lines] == ["one", "two"]
    assert lines[0]["text"] == row["text"]
    code, out, _ = call("predict", trained, tmp_path / "one.npy", "--nbest", 3, "--json")
    (several,) = json.loads(out)["predictions"]
    assert several["nbest"][0]["text"] == several["text"]
    assert 1 <= len(several["nbest"]) <= 3


def test_one_recording_looked_into(trained, call, tmp_path):
    np.save(tmp_path / "one.npy", said("ab ca", np.random.default_rng(9)))
    code, _, err = call("inspect", trained, "--input", tmp_path / "one.npy", "--out", tmp_path / "page.html")
    assert code == 0, err
    assert "What was heard" in (tmp_path / "page.html").read_text(encoding="utf-8")


def test_what_is_wrong(trained, call, tmp_path):
    np.save(tmp_path / "wide.npy", np.zeros((9, 7)))
    for words, said_ in (
        ((tmp_path / "none.npy",), "no such file or folder"),
        ((tmp_path / "wide.npy",), "7 features a frame, and the model reads 5"),
        (("--data", tmp_path / "none"), "no such file or folder"),
        ((tmp_path / "wide.npy", "--set", "answer.beam=0"), "answer.beam"),
    ):
        code, out, err = call("predict", trained, *words)
        assert (code, out) == (2, "")
        assert said_ in err
        assert err.count("\n") == 1
    code, _, err = call("evaluate", trained, "--data", tmp_path)
    assert code == 2
    assert "no transcripts to judge by" in err


NOTES = {"a": 500.0, "b": 1500.0, "c": 3500.0}


def sound(text: str, draw: np.random.Generator) -> np.ndarray:
    """Each letter a tone of its own, a tenth of a second, between silences."""
    parts = [np.zeros(400)]
    for letter in text:
        length = int(draw.integers(1000, 1500))
        parts += [tone(length / 16000, 16000, NOTES[letter]) if letter != " " else np.zeros(length), np.zeros(500)]
    wave = np.concatenate(parts)
    return wave + 0.003 * draw.standard_normal(len(wave))


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RUN that follows a stream, learned from WAV files."""
    from elman.cli import app as cli

    here, draw = tmp_path_factory.mktemp("sounds"), np.random.default_rng(0)
    (here / "data").mkdir()
    lines = ["path,text,speaker"]
    for n in range(60):
        text = " ".join("".join(draw.choice(list("abc"), draw.integers(1, 4))) for _ in range(draw.integers(1, 3)))
        (here / "data" / f"{n:02}.wav").write_bytes(wav(sound(text, draw)))
        lines.append(f"{n:02}.wav,{text},s{n % 8}")
    (here / "data" / "manifest.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    words = ["train", "transcribe", "--data", str(here / "data"), "--out", str(here / "run"), *SMALL]
    words += ["--set=search.language=none", "--set=search.beam=1", "--set=model.bidirectional=false",
              "--set=frames.normalise=running", "--set=training.epochs=40", "--set=augment.time_masks=0",
              "--set=augment.feature_masks=0"]  # fmt: skip
    with pytest.raises(SystemExit) as end:
        cli.main(words)
    assert not end.value.code
    return here / "run"


def test_recordings_can_be_played(hearing, call, tmp_path):
    """The report holds the sound itself, so that it plays anywhere; of a file that is gone there is nothing."""
    page = (hearing / "report.html").read_text(encoding="utf-8")
    played = [part.split('"')[0] for part in page.split("data:audio/wav;base64,")[1:]]
    assert played
    assert all(base64.b64decode(data)[:4] == b"RIFF" for data in played)
    assert len(page) < 3_000_000
    (tmp_path / "one.wav").write_bytes(wav(sound("ab", np.random.default_rng(5))))
    assert call("inspect", hearing, "--input", tmp_path / "one.wav", "--out", tmp_path / "page.html")[0] == 0
    assert "data:audio/wav" in (tmp_path / "page.html").read_text(encoding="utf-8")
    assert recorded(str(tmp_path / "gone.wav"), "gone", 9.0) is None
    assert recorded(str(tmp_path / "one.wav"), "one", 0.01) is None


def test_sounds_as_people_have_them(hearing, call, tmp_path):
    """One recording in every width, with two channels, at another rate, cut short, or with a header that promises more:
    the same is heard in each, and what was mended is told; of what cannot be mended the file is named."""
    samples = sound("ab ca", np.random.default_rng(5))
    whole = wav(samples)
    found = {}
    told = {"cut": "was cut short", "long": "was cut short", "still": "silence"}
    for name, data in {
        "plain": whole, "wide": wav(samples, subtype="PCM_24"), "float": wav(samples, subtype="FLOAT"),
        "both": wav(np.stack([samples, samples], 1)), "long": cut_header(whole, 4000), "cut": whole[:-200],
        "still": wav(np.zeros(4000)),
    }.items():  # fmt: skip
        (tmp_path / f"{name}.wav").write_bytes(data)
        code, out, err = call("predict", hearing, "--data", tmp_path / f"{name}.wav", "--json")
        assert code == 0, err
        found[name] = json.dumps(json.loads(out))
        assert told.get(name, "") in err
    said_ = {name: _text(found[name]) for name in found}
    assert len({said_[name] for name in ("plain", "wide", "float", "both", "long")}) == 1
    assert said_["plain"]
    bad = samples.astype(np.float32)
    bad[100] = np.nan
    for name, data, why in (
        ("empty", b"", "the file is empty"), ("nan", wav(bad, subtype="FLOAT"), "1 values are no numbers"),
        ("none", wav(np.zeros((0, 1))), "not one frame"), ("text", b"not a sound", "no WAV or FLAC that can be read"),
    ):  # fmt: skip
        (tmp_path / f"{name}.wav").write_bytes(data)
        code, _, err = call("predict", hearing, tmp_path / f"{name}.wav")
        assert code == 2
        assert why in err
        assert f"{name}.wav" in err
        assert err.count("\n") == 1


def _text(answer: str) -> str:
    (found,) = {row["text"] for row in json.loads(answer)["predictions"]}
    return str(found)


class Pipe(io.BytesIO):
    """What stdin brings, so many bytes at a time at most."""

    most = 10**9

    def read1(self, size: int | None = -1) -> bytes:
        return super().read1(min(size or self.most, self.most))


def pipe(data: bytes, most: int) -> io.TextIOWrapper:
    found = Pipe(data)
    found.most = most
    return io.TextIOWrapper(found)


def test_what_is_odd_in_a_file_is_told(hearing, call, tmp_path):
    """Of the one that is named as much as of those of a folder."""
    data = wav(sound("ab", np.random.default_rng(5)))
    (tmp_path / "cut.wav").write_bytes(data[: len(data) // 2])
    for words in ((tmp_path / "cut.wav",), (tmp_path,), ("--data", tmp_path)):
        code, _, err = call("predict", hearing, *words)
        assert (code, "it was cut short" in err) == (0, True), err


@pytest.mark.parametrize("most", [1001, 10**6])
def test_a_stream_of_sound(hearing, call, tmp_path, monkeypatch, most):
    """Raw samples through a pipe, in odd pieces: the words of the file, in order, with their times."""
    samples = sound("ab ca b", np.random.default_rng(5))
    (tmp_path / "one.wav").write_bytes(wav(samples))
    (row,) = json.loads(call("predict", hearing, tmp_path / "one.wav", "--json")[1])["predictions"]
    assert len(row["words"]) > 1
    data = np.round(samples * 32768).clip(-32768, 32767).astype("<i2").tobytes()
    monkeypatch.setattr("sys.stdin", pipe(data, most))
    code, out, err = call("predict", hearing, "--stream", "--json")
    assert code == 0, err
    heard = [json.loads(line) for line in out.splitlines()]
    assert [w["word"] for w in heard] == [w["word"] for w in row["words"]]
    for ours, theirs in zip(heard, row["words"]):
        assert ours["start"] == pytest.approx(theirs["start"], abs=0.021)
    monkeypatch.setattr("sys.stdin", pipe(data + b"x", most))
    code, out, err = call("predict", hearing, "--stream")
    assert code == 2
    assert "the sound ends in the middle of a sample" in err


def test_streams_that_cannot_be_followed(trained, hearing, call, monkeypatch):
    monkeypatch.setattr("sys.stdin", pipe(b"", 10))
    for words, said_ in (
        ((trained, "--stream"), "of a sound 13 features are made"),
        ((hearing, "--stream", "--data", "x"), "a stream comes from stdin"),
    ):
        code, _, err = call("predict", *words)
        assert code == 2
        assert said_ in err


def test_a_recurrent_language_model_beside_it(trained, call, tmp_path):
    (tmp_path / "lines.txt").write_text("ab\ncab a\nbcb ca\na ab\n" * 20, encoding="utf-8")
    sizes = ("text.units=character", "model.hidden=8", "model.embedding=8", "model.layers=1", "training.epochs=1",
             "training.bptt=8")  # fmt: skip
    made = ["train", "generate", "--data", tmp_path / "lines.txt", "--out", tmp_path / "lm"]
    code, _, err = call(*made, *(f"--set={size}" for size in sizes))
    assert code == 0, err
    np.save(tmp_path / "one.npy", said("ab ca", np.random.default_rng(9)))
    asked = f"--set=answer.language={tmp_path / 'lm'}"
    code, out, err = call("predict", trained, tmp_path / "one.npy", "--json", asked, "--set=answer.weight=0.3")
    assert code == 0, err
    assert json.loads(out)["predictions"][0]["text"]
    code, _, err = call("predict", trained, tmp_path / "one.npy", f"--set=answer.language={trained}")
    assert code == 2
    assert "this RUN is no language model" in err

"""Where commands write: tried before the work, whole or not at all, and nothing of worth replaced unasked."""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import sklearn.linear_model  # noqa: F401  # imported while the disk is full it would warn

QUICK = ["--set", "training.epochs=1", "--set", "model.hidden=4", "--set", "model.embedding=4"]
COMMAND = [sys.executable, "-m", "elman.cli"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A RUN that tests may copy but not change."""
    from elman import Classifier

    X = ["good thing", "bad thing"] * 10
    run = tmp_path_factory.mktemp("trained") / "run"
    Classifier(hidden=4, embedding=4, epochs=1, min_count=1, validation=0).fit(X, ["a", "b"] * 10).save(run)
    (run / "report.html").write_text("<p>")
    return run


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """Files may have so many bytes and no more: for whoever writes, as if the disk were full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, before)


def train(call: Any, data: Path, out: Path, *more: str) -> tuple[int, str, str]:
    return call("train", "classify", "--data", data, "--out", out, *QUICK, *more)


# -- the disk is full -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("most", [0, 100, 2000, 20_000])
def test_a_full_disk_is_one_line_and_leaves_nothing(call: Any, reviews: Path, tmp_path: Path, most: int) -> None:
    """At the first file, in the weights, in the checkpoint, in the report."""
    with full_disk(most):
        code, out, err = train(call, reviews, tmp_path / "run")
    assert (code, out) == (2, "")
    line = err.splitlines()[-1]
    assert "cannot be written (File too large); free some space, or choose another --out" in line
    assert str(tmp_path / "run") in line
    assert "Traceback" not in err
    left = sorted(os.listdir(tmp_path))
    assert left in (["reviews.csv"], ["reviews.csv", "run.training"])  # a checkpoint that is whole is kept
    if "run.training" in left:
        assert train(call, reviews, tmp_path / "run", "--resume")[0] == 0
        assert sorted(os.listdir(tmp_path)) == ["reviews.csv", "run"]


def test_a_disk_that_fills_up_keeps_the_run_and_the_checkpoint(call: Any, reviews: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(call, reviews, run)[0] == 0
    before = {f.name: f.read_bytes() for f in run.iterdir()}
    with full_disk(20_000):
        code, _, err = train(call, reviews, run, "--force")
    assert code == 2, err
    assert {f.name: f.read_bytes() for f in run.iterdir()} == before


@pytest.mark.parametrize("suffix", [".safetensors", ".bin", ".txt"])
def test_vectors_on_a_full_disk(call: Any, tmp_path: Path, suffix: str) -> None:
    """In the file of vectors, and before it in the numbered corpus that lies among the temporary files."""
    corpus, out = tmp_path / "corpus.txt", tmp_path / f"v{suffix}"
    corpus.write_text("the good thing and the bad thing\n" * 50)
    given = ["vectors", "train", corpus, "--out", out, "--min-count", 1, "--epochs", 1, "--dim", 300]
    for most, said in (
        (4000, f"{out}: cannot be written (File too large); free some space, or choose another --out"),
        (200, "no space for the numbered corpus (File too large); free some space, or set TMPDIR"),
    ):
        with full_disk(most):
            code, printed, err = call(*given)
        assert (code, printed, len(err.splitlines())) == (2, "", 1)
        assert said in err
        assert os.listdir(tmp_path) == ["corpus.txt"]


@pytest.mark.parametrize("old", [False, True])
def test_pages_pictures_and_tables_on_a_full_disk(call: Any, trained: Path, tmp_path: Path, old: bool) -> None:
    """The older file stays as it was."""
    data = tmp_path / "data.csv"
    data.write_text("text\n" + "good thing\n" * 50)
    out = tmp_path / "out"
    if old:
        out.write_text("older")
    for command in (
        ["inspect", trained, "--input", "good thing", "--out", out],
        ["explain", "gru", "--picture", out],
        ["predict", trained, "--data", data, "--out", out],
    ):
        with full_disk(100):
            code, _, err = call(*command)
        assert code == 2, command
        assert err.splitlines()[-1].startswith(f"elman: {out}: cannot be written (File too large); free some space")
        assert sorted(os.listdir(tmp_path)) == ["data.csv", *(["out"] if old else [])]
        assert not old or out.read_text() == "older"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_device_is_written_to_and_never_replaced(trained: Path, tmp_path: Path) -> None:
    said = subprocess.run([*COMMAND, "inspect", trained, "--out", "/dev/full"], capture_output=True, text=True)
    assert said.returncode == 2
    assert said.stderr.startswith("elman: /dev/full: cannot be written (No space left on device)")
    with open("/dev/full", "w") as full:
        said = subprocess.run([*COMMAND, "recipes"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert (said.returncode, said.stderr) == (2, "elman: No space left on device\n")
    os.mkfifo(tmp_path / "pipe")
    with subprocess.Popen([*COMMAND, "inspect", trained, "--out", tmp_path / "pipe"]):
        assert (tmp_path / "pipe").read_text() == "<p>"
    assert os.listdir(tmp_path) == ["pipe"]


# -- tried before -----------------------------------------------------------------------------------------------------


def test_places_are_tried_before_the_work(
    call: Any, reviews: Path, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*given: Any, **named: Any) -> None:
        raise AssertionError("the work was begun")

    monkeypatch.setattr("elman.tasks.frame._Frame.run", never)
    monkeypatch.setattr("elman.tasks.classify.estimator.Classifier.load", never)
    monkeypatch.setattr("elman.text.vectors.train", never)
    (tmp_path / "file").write_text("x")
    (tmp_path / "circle").symlink_to("circle")
    (tmp_path / "locked").mkdir(mode=0o555)
    bad = [tmp_path / "file" / "x", tmp_path / "circle", tmp_path / ("n" * 256)]
    if os.geteuid():  # to root nothing is read-only
        bad.append(tmp_path / "locked" / "x")
    for place in bad:
        for command in (
            ["train", "classify", "--data", reviews, "--out", place],
            ["predict", trained, "--data", reviews, "--out", place],
            ["inspect", trained, "--input", "good", "--out", place],
            ["explain", "gru", "--picture", place],
            ["vectors", "train", reviews, "--out", place.with_name(place.name + ".txt")],
        ):
            if command[0] == "vectors" and place.name == "circle":
                continue  # circle.txt is no circle
            code, out, err = call(*command)
            assert (code, out) == (2, ""), command
            assert len(err.splitlines()) == 1, command
            assert "choose a" in err, command


def test_a_dangling_link_is_followed(call: Any, reviews: Path, tmp_path: Path) -> None:
    for name, leads in (("link", "real"), ("page", "real.html")):
        (tmp_path / name).symlink_to(tmp_path / "there" / leads)
    assert train(call, reviews, tmp_path / "link")[0] == 0
    assert (tmp_path / "there" / "real" / "model.json").is_file()
    assert train(call, reviews, tmp_path / "link", "--force")[0] == 0
    assert call("inspect", tmp_path / "link", "--out", tmp_path / "page")[0] == 0
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "page").is_symlink()
    assert sorted(os.listdir(tmp_path / "there")) == ["real", "real.html"]


def test_what_is_read_is_not_written_over(call: Any, reviews: Path, trained: Path, tmp_path: Path) -> None:
    text = reviews.read_text()
    (tmp_path / "link").symlink_to(reviews)
    for out in (reviews, tmp_path / "link", tmp_path / "." / reviews.name):
        for command in (
            ["train", "classify", "--data", reviews, "--out", out],
            ["train", "classify", "--data", reviews, "--out", out, "--force"],
            ["predict", trained, "--data", reviews, "--out", out],
        ):
            code, _, err = call(*command)
            assert (code, len(err.splitlines())) == (2, 1), err
            assert reviews.read_text() == text
    data = tmp_path / "corpus.txt"
    data.write_text("good thing\n" * 9)
    assert "is being read, and would be overwritten" in call("vectors", "train", data, "--out", data)[2]
    assert "is being read, and would be overwritten" in call("inspect", trained, "--out", trained / "report.html")[2]
    assert "is being read, and would be overwritten" in call("predict", trained, "--data", data, "--out",
                                                        trained / "model.json")[2]  # fmt: skip
    # a RUN that holds the data would be replaced together with them
    inner = tmp_path / "run" / "data.csv"
    inner.parent.mkdir()
    (inner.parent / "model.json").write_text("{}")
    inner.write_text(text)
    code, _, err = call("train", "classify", "--data", inner, "--out", inner.parent, "--force")
    assert code == 2
    assert f"the RUN would replace {inner}" in err
    assert inner.read_text() == text


# -- nothing is replaced unasked --------------------------------------------------------------------------------------


def test_a_run_is_replaced_only_if_asked(call: Any, reviews: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert train(call, reviews, run)[0] == 0
    before = (run / "model.safetensors").read_bytes()
    code, _, err = train(call, reviews, run, "--seed", "5")
    assert code == 2
    assert err == f"elman: {run}: there is a RUN already; --force replaces it; or choose another --out\n"
    code, _, err = train(call, reviews, run, "--resume")
    assert code == 2
    assert "there is nothing to resume, --force replaces it" in err
    assert (run / "model.safetensors").read_bytes() == before
    assert train(call, reviews, run, "--seed", "5", "--force")[0] == 0
    assert (run / "model.safetensors").read_bytes() != before


def test_checkpoints_are_thrown_away_only_if_asked(call: Any, reviews: Path, tmp_path: Path) -> None:
    checkpoint = tmp_path / "run.training" / "seed-0"
    checkpoint.mkdir(parents=True)
    (checkpoint / "training.json").write_text("{}")
    code, _, err = train(call, reviews, tmp_path / "run")
    assert code == 2
    assert err == (
        f"elman: {tmp_path / 'run.training'}: holds the checkpoints of an interrupted training; --resume continues "
        "it, --force starts afresh\n"
    )
    assert checkpoint.exists()
    code, _, err = train(call, reviews, tmp_path / "run", "--resume")  # of which recipe nobody knows
    assert code == 2
    assert "recipe.toml: the checkpoint is damaged" in err
    assert checkpoint.exists()
    assert train(call, reviews, tmp_path / "run", "--force")[0] == 0
    assert not checkpoint.parent.exists()


def begin(reviews: Path, out: Path, terminal: int | None = None, **how: Any) -> subprocess.Popen[str]:
    """A training that is under way: its first checkpoint is written. What it prints on a terminal is read meanwhile."""
    given = ["train", "classify", "--data", reviews, "--out", out, "--set", "training.epochs=5000", *QUICK[2:]]
    process = subprocess.Popen([*COMMAND, *given], env=ENVIRONMENT, text=True, **{"stderr": subprocess.DEVNULL} | how)
    while not (out.with_name(out.name + ".training") / "seed-0").exists() and process.poll() is None:
        time.sleep(0.01)
        if terminal is not None:
            with suppress(BlockingIOError):
                os.read(terminal, 10_000)
    return process


def test_two_trainings_into_one_run(call: Any, reviews: Path, tmp_path: Path) -> None:
    """The second is refused while the first runs, and not when the first was killed: its lock died with it."""
    run = tmp_path / "run"
    with begin(reviews, run) as process:
        for more in ([], ["--force"], ["--resume"]):
            code, _, err = train(call, reviews, run, *more)
            assert code == 2
            assert more != ["--force"] or "another training is writing this RUN; wait for it" in err
        assert process.poll() is None
        process.kill()
    assert (tmp_path / ".run.lock").exists()
    code, _, err = train(call, reviews, run, "--force")
    assert code == 0, err
    assert sorted(os.listdir(tmp_path)) == ["reviews.csv", "run"]


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs terminals")
def test_a_hang_up_is_an_interrupt(reviews: Path, tmp_path: Path) -> None:
    """The terminal goes away: the RUN of what was learned so far is written, though nobody can be told."""
    import fcntl
    import termios

    ours, theirs = os.openpty()

    def lead() -> None:  # the terminal is then the process's own, and its end is a SIGHUP
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    os.set_blocking(ours, False)
    there = {"stdin": theirs, "stdout": theirs, "stderr": theirs}
    with begin(reviews, tmp_path / "run", ours, **there, preexec_fn=lead) as process:
        os.close(theirs)
        os.close(ours)
        process.wait(60)
    assert process.returncode == 130
    assert json.loads((tmp_path / "run" / "metrics.json").read_text())["interrupted"] is True


def test_under_nohup_a_hang_up_is_none() -> None:
    script = (
        "import os, signal\nfrom elman.training.interrupt import Interrupt, ending_interrupts\n"
        "with ending_interrupts(), Interrupt() as interrupt: os.kill(os.getpid(), signal.SIGHUP)\n"
        "assert not interrupt.asked\n"
    )
    ignoring = ["sh", "-c", 'trap "" HUP; exec "$@"', "sh", sys.executable, "-c", script]
    assert subprocess.run(ignoring).returncode == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_command_that_is_ended_leaves_no_half_file(
    call: Any, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def end(path: Path) -> None:
        os.kill(os.getpid(), number)
        time.sleep(5)

    monkeypatch.setattr("elman.files.sync", end)
    code, _, err = call("inspect", trained, "--out", tmp_path / "page.html")
    assert (code, err) == (130, "elman: interrupted\n")
    assert os.listdir(tmp_path) == []
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL

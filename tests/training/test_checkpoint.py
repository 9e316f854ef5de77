"""The RUN folder: what is in it, what is refused, and that nothing in it is pickle."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from elman.errors import InputError
from elman.training.checkpoint import check_place, load_weights, read_run, resume_folder, run_task, write_run

HISTORY = [
    {"epoch": 1, "loss": 2.0, "rate": 0.1, "seconds": 1.0, "valid_nll": 1.5},
    {"epoch": 2, "loss": 1.0, "rate": 0.1, "seconds": 1.0, "valid_nll": 1.2},
]


def write(out: Path, value: float = 1.0) -> nn.Module:
    model = nn.Linear(2, 2)
    nn.init.constant_(model.weight, value)
    write_run(out, model=model, description={"task": "classify", "value": value}, metrics={"test": {}}, history=HISTORY)
    return model


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    model = write(tmp_path / "run")
    description, weights = read_run(tmp_path / "run", "classify")
    assert description["value"] == 1.0
    assert run_task(tmp_path / "run") == "classify"
    other = nn.Linear(2, 2)
    load_weights(other, weights, tmp_path)
    assert torch.equal(other.weight, model.weight)
    lines = (tmp_path / "run" / "history.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == HISTORY
    assert not (tmp_path / "run" / "report.html").exists()  # what is empty is left out
    mode = (tmp_path / "run" / "model.safetensors").stat().st_mode
    assert mode & stat.S_IRUSR
    assert mode == (tmp_path / "run" / "model.json").stat().st_mode  # a copied RUN is readable by whoever may


def test_tied_weights_are_written(tmp_path: Path) -> None:
    model = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])
    model[1].weight = model[0].weight
    write_run(tmp_path / "run", model=model, description={"task": "classify"})
    _, weights = read_run(tmp_path / "run")
    assert torch.equal(weights["0.weight"], weights["1.weight"])


def test_tensorboard_events_hold_the_history(tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    write(tmp_path / "run")
    events = accumulator.EventAccumulator(str(tmp_path / "run")).Reload()
    assert [(e.step, e.value) for e in events.Scalars("training/loss")] == [(1, 2.0), (2, 1.0)]
    assert [e.step for e in events.Scalars("valid/nll")] == [1, 2]


def test_no_pickle(tmp_path: Path) -> None:
    """Neither the RUN nor the package that reads it can run somebody's code through pickle."""
    write(tmp_path / "run")
    for file in (tmp_path / "run").iterdir():
        assert not file.read_bytes().startswith((b"\x80", b"PK"))
    import elman

    source = Path(str(elman.__file__)).parent
    for file in source.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        assert "torch.load" not in text, file
        assert "import pickle" not in text, file


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter1.tex").write_text("x")
    with pytest.raises(InputError, match="no RUN, and would be replaced; choose another --out"):
        write(tmp_path / "thesis")
    assert os.listdir(tmp_path / "thesis") == ["chapter1.tex"]


def test_places(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "empty").mkdir()
    check_place(tmp_path / "new" / "run")
    check_place(tmp_path / "empty")
    with pytest.raises(InputError, match="is a file"):
        check_place(tmp_path / "file")
    with pytest.raises(InputError, match=r"cannot be written .Not a directory.; choose another --out"):
        check_place(tmp_path / "file" / "run")
    for name in (".", "..", "a/.."):
        with pytest.raises(InputError, match="is no name for a folder"):
            check_place(Path(name))
    assert resume_folder(tmp_path / "run") == tmp_path / "run.training"


def test_runs_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such RUN; give the folder that elman train wrote"):
        read_run(tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="this is no RUN"):
        read_run(tmp_path / "other")
    write(tmp_path / "run")
    with pytest.raises(InputError, match="a RUN of the task classify, not tag"):
        read_run(tmp_path / "run", "tag")
    with pytest.raises(InputError, match="the RUN is damaged"):
        load_weights(nn.Linear(3, 2), read_run(tmp_path / "run")[1], tmp_path / "run")
    with pytest.raises(InputError, match="weight holds NaN"):
        load_weights(nn.Linear(1, 1), {"weight": torch.full((1, 1), torch.nan), "bias": torch.zeros(1)}, tmp_path)
    (tmp_path / "run" / "model.safetensors").write_bytes(b"garbage")
    with pytest.raises(InputError, match="the RUN is damaged"):
        read_run(tmp_path / "run")
    (tmp_path / "run" / "model.json").write_text("[" * 100_000)
    with pytest.raises(InputError, match="the RUN is damaged"):
        read_run(tmp_path / "run")
    (tmp_path / "run" / "model.json").write_text("{")
    with pytest.raises(InputError, match="the RUN is damaged"):
        read_run(tmp_path / "run")
    (tmp_path / "run" / "model.json").write_text('{"format": 99}')
    with pytest.raises(InputError, match="written by another version"):
        read_run(tmp_path / "run")


WRITER = """
import os, signal, sys, time, itertools, torch
from pathlib import Path
from torch import nn
from elman.training import checkpoint

torch.set_num_threads(1)
checkpoint.write_events = lambda folder, rows: None
run = Path(sys.argv[1])

def write_for_ever():
    model = nn.Linear(300, 300)
    for i in itertools.count(1):
        nn.init.constant_(model.weight, i)
        checkpoint.write_run(
            run, model=model, description={"task": "classify", "value": i},
            metrics={"test": {"value": i}}, history=[{"epoch": i}], card=str(i), report=str(i) * 100000,
        )

child = os.fork()
if child == 0:
    write_for_ever()
while not run.exists():
    time.sleep(0.0001)
for line in sys.stdin:  # how long the next writer lives, in seconds
    time.sleep(float(line))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("killed", flush=True)
    sys.stdin.readline()  # until it has been looked at
    child = os.fork()
    if child == 0:
        write_for_ever()
os.kill(child, signal.SIGKILL)
os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_while_saving(tmp_path: Path) -> None:
    """kill -9 at thirty moments: what is there is one whole RUN, all of whose files belong together."""
    run = tmp_path / "run"
    seen = set()
    command = [sys.executable, "-c", WRITER, str(run)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        for kill in range(30):
            writer.stdin.write(f"{0.01 * kill}\n")
            assert writer.stdout.readline() == "killed\n"
            description, weights = read_run(run, "classify")
            value = description["value"]
            seen.add(value)
            assert torch.equal(weights["weight"], torch.full((300, 300), float(value)))
            assert json.loads((run / "metrics.json").read_text()) == {"test": {"value": value}}
            assert json.loads((run / "history.jsonl").read_text()) == {"epoch": value}
            assert (run / "report.html").read_text() == str(value) * 100000
            writer.stdin.write("go on\n")
        writer.stdin.close()
    assert len(seen) > 1

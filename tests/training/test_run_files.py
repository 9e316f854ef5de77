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
from safetensors.torch import save_file
from torch import nn

from elman.errors import InputError
from elman.training.destination import open_checkpoints
from elman.training.progress import Silent
from elman.training.run_reader import Room, open_weights, read_description, run_task
from elman.training.run_writer import check_place, resume_folder, write_run

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
    assert read_description(tmp_path / "run", "classify")["value"] == 1.0
    assert run_task(tmp_path / "run") == "classify"
    other = nn.Linear(2, 2)
    open_weights(tmp_path / "run").fill(other)
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
    other = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])
    open_weights(tmp_path / "run").fill(other)
    assert torch.equal(other[0].weight, model[0].weight)
    assert torch.equal(other[1].weight, model[0].weight)


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
    with pytest.raises(InputError, match="not a RUN, and would be replaced; choose another --out"):
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
        with pytest.raises(InputError, match="cannot be the name of a folder"):
            check_place(Path(name))
    assert resume_folder(tmp_path / "run") == tmp_path / "run.training"


def test_a_recipe_is_its_settings_not_its_layout(tmp_path: Path) -> None:
    """A training that another version began, whose lists stood on one line, goes on."""
    begun = 'name = "a"\n\n[data]\nsplit = [0.7, 0.1, 0.2]\n\n[training]\nrate = 1e-3\n'
    folder = open_checkpoints(tmp_path / "run", begun, False, Silent())
    laid_out = 'name = "a"\n[data]\nsplit = [\n    0.7,\n    0.1,\n    0.2,\n]\n[training]\nrate = 0.001\n'
    assert open_checkpoints(tmp_path / "run", laid_out, True, Silent()) == folder
    with pytest.raises(InputError, match=r"\(split = \[0.7, 0.1, 0.2\] then, split = \[0.7, 0.2, 0.1\] now\)"):
        open_checkpoints(tmp_path / "run", laid_out.replace("0.1,\n    0.2", "0.2,\n    0.1"), True, Silent())
    (folder / "recipe.toml").write_text("[" * 100_000)
    with pytest.raises(InputError, match="the checkpoint is damaged"):
        open_checkpoints(tmp_path / "run", begun, True, Silent())


def test_runs_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such RUN; give the folder that elman train wrote"):
        read_description(tmp_path / "nowhere")
    (tmp_path / "other").mkdir()
    with pytest.raises(InputError, match="this is not a RUN"):
        read_description(tmp_path / "other")
    run = tmp_path / "run"
    write(run)
    with pytest.raises(InputError, match="a RUN of the task classify, not tag"):
        read_description(run, "tag")
    for text in ("[" * 100_000, "{", '{"format": NaN}', "\xff", '{"format": %s}' % ("9" * 5000)):
        (run / "model.json").write_text(text, encoding="latin-1")
        with pytest.raises(InputError, match="the RUN is damaged"):
            read_description(run)
    os.truncate(run / "model.json", 1 << 36)  # takes no space on the disk, and would take 64 GB of memory
    with pytest.raises(InputError, match="has 68,719,476,736 bytes, more than"):
        read_description(run)
    (run / "model.json").write_text('{"format": 99}')
    with pytest.raises(InputError, match="written by another version"):
        read_description(run)


def test_weights_that_are_not_the_models(tmp_path: Path) -> None:
    def fill(model: nn.Module, **tensors: torch.Tensor) -> None:
        save_file(tensors, tmp_path / "model.safetensors")
        open_weights(tmp_path).fill(model)

    whole = {"weight": torch.ones(2, 2), "bias": torch.zeros(2)}
    model = nn.Linear(2, 2)
    with pytest.raises(InputError, match=r"weight has shape \(2, 2\), not \(2, 3\)"):
        fill(nn.Linear(3, 2), **whole)
    with pytest.raises(InputError, match="there is no bias"):
        fill(model, weight=whole["weight"])
    with pytest.raises(InputError, match="there is a more too many"):
        fill(model, **whole, more=torch.zeros(1))
    for bad in (torch.nan, torch.inf, -torch.inf):
        with pytest.raises(InputError, match="weight holds NaN or infinity"):
            fill(model, **whole | {"weight": torch.full((2, 2), bad)})
    with pytest.raises(InputError, match="weight holds NaN or infinity"):  # as single precision, which is computed in
        fill(model, **whole | {"weight": torch.full((2, 2), 1e39, dtype=torch.float64)})
    for dtype in (torch.int64, torch.float8_e4m3fn, torch.bool):
        with pytest.raises(InputError, match="weight is stored as"):
            fill(model, **whole | {"weight": torch.ones(2, 2).to(dtype)})
    fill(model, **{k: v.double() for k, v in whole.items()})
    assert torch.equal(model.weight, whole["weight"])


def test_files_that_are_no_weights(tmp_path: Path) -> None:
    file = tmp_path / "model.safetensors"
    whole = b"\x02\0\0\0\0\0\0\0{}"
    for content in (b"", b"garbage", whole[:5], b"\xff" * 8 + whole[8:], whole + b"more"):
        file.write_bytes(content)
        with pytest.raises(InputError, match="the RUN is damaged"):
            open_weights(tmp_path)
    file.unlink()
    with pytest.raises(InputError, match=r"the RUN is damaged \(model\.safetensors is missing\); train it again"):
        open_weights(tmp_path)
    os.mkfifo(file)  # to open it would wait for somebody who writes
    with pytest.raises(InputError, match="is not a file"):
        open_weights(tmp_path)


def test_memory_is_taken_only_for_what_the_weights_hold(tmp_path: Path) -> None:
    write_run(tmp_path / "run", model=nn.Linear(300, 300), description={"task": "classify"})
    weights = open_weights(tmp_path / "run")
    with Room(weights):
        nn.Linear(300, 300)
    for make in (
        lambda: nn.Embedding(300_000_000, 300),
        lambda: torch.zeros(1 << 40),
        lambda: [nn.Linear(300, 300) for _ in range(10)],
        lambda: [nn.Linear(1, 1) for _ in range(1_000_000)],
    ):
        with pytest.raises(InputError, match="sizes larger than its weights"), Room(weights):
            make()


WRITER = """
import os, signal, sys, time, itertools, torch
from pathlib import Path
from torch import nn
from elman.training import run_writer as checkpoint

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
            value = read_description(run, "classify")["value"]
            seen.add(value)
            model = nn.Linear(300, 300)
            open_weights(run).fill(model)
            assert torch.equal(model.weight, torch.full((300, 300), float(value)))
            assert json.loads((run / "metrics.json").read_text()) == {"test": {"value": value}}
            assert json.loads((run / "history.jsonl").read_text()) == {"epoch": value}
            assert (run / "report.html").read_text() == str(value) * 100000
            writer.stdin.write("go on\n")
        writer.stdin.close()
    assert len(seen) > 1

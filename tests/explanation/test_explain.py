"""elman.explain says what is true: the engine that runs, the reasons, counts that can be checked by hand."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import torch
from torch import nn

import elman
from elman import Cell, InputError, cells, tanh
from elman.cli.app import main
from elman.engines.choose import choose
from elman.engines.compiled import compiled
from elman.explanation.cost import Size, compare, cost, formula, measure
from elman.explanation.layer import Explanation

SMALL = Size(I=3, H=4, T=2, B=2)


def explained(thing) -> Explanation:
    return elman.explain(thing, size=SMALL, time=False)


def test_is_text_that_shows_itself():
    said = explained(cells.GRU)
    assert isinstance(said, str)
    assert repr(said) == str(said)
    with pytest.raises(AttributeError, match="it has graph"):
        said.nonsense  # noqa: B018
    json.dumps(said.to_dict())


def test_the_engine_is_the_one_that_runs():
    layer = elman.nn.LSTM(3, 4)
    said = elman.explain(layer)
    choice = choose(layer.graph, torch.device("cpu"), torch.float32)
    assert said.engine == choice.name
    assert said.reasons == choice.passed_over
    for name, why in choice.passed_over.items():
        assert f"not {name}" in said
        assert why in said


def test_why_not_a_faster_one():
    class Own(Cell):
        def step(self, x, h):
            return tanh(self.W @ h + self.U @ x) * 0.5

    said = elman.explain(elman.nn.Recurrent(Own, 3, 4).half())  # a dtype that only the reference has
    assert said.engine == "reference"
    assert "float32" in said.reasons["native"] or "native" in said.reasons["native"]
    assert "torch has no kernel for Own" in said


def test_an_engine_that_was_asked_for():
    said = elman.explain(elman.nn.GRU(3, 4, engine="reference"))
    assert said.engine == "reference"
    assert "asked for by engine='reference'" in said


def test_masks_and_truncation_are_told():
    layer = elman.nn.LSTM(3, 4, recurrent_dropout=0.2, zoneout=0.1, weight_drop=0.3)
    layer.bptt = 35
    said = elman.explain(layer)
    for fact in ("recurrent dropout 0.2", "zoneout 0.1", "weight drop 0.3 on W_i, W_f, W_g, W_o", "cut every 35 steps"):
        assert fact in said
    assert "full BPTT" in elman.explain(elman.nn.LSTM(3, 4))


def test_masks_can_change_the_engine():
    layer = elman.nn.LSTM(3, 4, recurrent_dropout=0.2, engine="torch")
    layer.eval()
    said = elman.explain(layer)
    assert said.engine == "torch"
    assert "in the other mode it fails" in said


def test_second_derivatives_work_as_said():
    layer = elman.nn.LSTM(2, 3, dtype=torch.float64)
    assert "derivative of a derivative" in elman.explain(layer)
    x = torch.randn(2, 1, 2, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad(layer(x)[0].sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), x)
    assert second.abs().sum() > 0


def test_what_training_keeps():
    """An RNN keeps its input and its states: h before and after, 4 bytes each."""
    said = elman.explain(elman.nn.RNN(3, 4))
    assert said.memory == 4 * (3 + 4 + 4)
    deep = elman.explain(elman.nn.RNN(3, 4, num_layers=2, bidirectional=True))
    assert deep.memory == 2 * 4 * (3 + 4 + 4) + 2 * 4 * (8 + 4 + 4)


def test_a_model_lists_its_layers():
    model = nn.ModuleDict({"encoder": elman.nn.GRU(3, 4), "decoder": elman.nn.LSTM(3, 4), "old": nn.LSTM(3, 4)})
    said = elman.explain(model)
    assert list(said.layers) == ["encoder", "decoder"]
    assert "elman.convert" in said
    assert said.layers["decoder"].parameters == sum(p.numel() for p in model["decoder"].parameters())


@pytest.mark.parametrize("thing", [nn.Linear(2, 2), 3, object])
def test_nothing_recurrent(thing):
    with pytest.raises(InputError):
        elman.explain(thing)


def test_a_cell_is_counted_by_hand():
    """RNN: W 4 x 4, U 4 x 3, b 4; two products, two sums, one tanh of 4."""
    counted = cost(cells.RNN().graph, SMALL)
    assert counted.parameters == 16 + 12 + 4
    assert counted.forward == 2 * 16 + 2 * 12 + 3 * 4
    # h' = 1 - h^2 times d, after d_y + d_next; W.T and U.T; the outer products
    assert counted.backward == 4 * (1 + 1 + 1 + 1) + 2 * (2 * 16 + 2 * 12)
    assert formula(cells.RNN().graph) == "H*H + H*I + H"
    assert formula(cells.GRU().graph) == "3 H*H + 3 H*I + 3 H"


def test_the_schedule_is_what_the_native_engine_runs():
    said = elman.explain(cells.LSTM, size=SMALL, time=False)
    step = compiled(cells.LSTM().graph, (("H", 4), ("I", 3)), torch.float32)
    assert said.schedule == (*str(step.programs.training).splitlines(), "", *str(step.programs.back).splitlines())
    for line in said.schedule:
        assert line in said


def test_parameters_with_shapes_and_starts():
    class Mine(Cell):
        init = {"b": 1.0, "W": nn.init.orthogonal_}
        initial = {"h": "learned"}

        def step(self, x, h):
            return tanh(self.W @ h + self.U @ x + self.b)

    said = explained(Mine)
    lines = [line.split() for line in said.splitlines()]
    assert ["W", "H", "x", "H", "16", "started", "by", "the", "cell's", "init"] in lines
    assert "starts at 1" in said
    assert any(line[:2] == ["h_0", "H"] for line in lines)
    assert said.parameters["U"].dims == ("H", "I")


def test_beside_the_packaged_cells():
    rows = compare(cells.GRU().graph, SMALL)
    assert [row.name for row in rows if row.ours] == ["GRU"]
    assert {row.name for row in rows} == set(cells.__all__)
    for row in rows:
        for low, middle, high in (row.timing.forward, row.timing.training):
            assert 0 < low <= middle <= high


def test_a_cell_of_the_users_that_is_called_like_ours():
    class GRU(Cell):
        def step(self, x, h):
            return tanh(self.W @ h + self.U @ x)

    assert {"GRU", "GRU (packaged)"} <= {row.name for row in compare(GRU().graph, SMALL)}


def test_timing_does_not_touch_the_random_state():
    torch.manual_seed(1)
    wanted = torch.rand(1)
    torch.manual_seed(1)
    measure(cells.RNN().graph, SMALL)
    assert torch.equal(torch.rand(1), wanted)


# -- the command ------------------------------------------------------------------------------------------------------

MINE = """
from elman import Cell, tanh

class Mine(Cell):
    def step(self, x, h):
        return tanh(self.W @ h + self.U @ x + self.b)

NUMBER = 3
"""


@pytest.fixture
def elman_explain(tmp_path, monkeypatch, capsys):
    """The command in a folder of its own: (exit code, stdout, stderr)."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as ended:
            main(["explain", *arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out, err

    return run


def test_command_with_a_file_and_a_picture(tmp_path):
    (tmp_path / "my.py").write_text(MINE)
    command = [sys.executable, "-m", "elman.cli", "explain", "my.py:Mine", "--picture", "out.svg"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for part in (
        "h = tanh(W @ h + U @ x + b)",
        "d_W = outer(delta_h, h)",
        "multiply    d(h[t-1]) = W.T @ c6",
        "> Mine",
        "─▶ [W]",
    ):
        assert part in done.stdout
    assert (tmp_path / "out.svg").read_text(encoding="utf-8").startswith("<svg")


def test_command_with_a_recipe_and_json(elman_explain):
    code, out, _ = elman_explain("sentiment", "--json")
    assert code == 0
    said = json.loads(out)
    assert 'task = "classify"' in said["recipe"]
    assert "equations" in said


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("none.py:Mine", "none.py: no such file"),
        ("my.py:Mien", "my.py: unknown cell 'Mien'; did you mean 'Mine'?"),
        ("my.py:NUMBER", "my.py: unknown cell 'NUMBER'"),
        ("grv", "unknown cell 'grv'; did you mean 'gru'?"),
        ("bad.py:Bad", "bad.py:6: a step cannot branch on a value"),
        ("broken.py:Bad", "broken.py: fails when it runs (ZeroDivisionError"),
    ],
)
def test_command_with_what_is_no_cell(tmp_path, elman_explain, spec, message):
    (tmp_path / "my.py").write_text(MINE)
    (tmp_path / "bad.py").write_text(
        MINE.replace("Mine", "Bad").replace("return", "if h > 0: return h\n        return")
    )
    (tmp_path / "broken.py").write_text("1 / 0")
    code, out, err = elman_explain(spec)
    assert code == 2
    assert message in err
    assert len(err.splitlines()) == 1
    assert not out

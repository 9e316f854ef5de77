"""The contestants. One step of each cell is written once, as somebody who knows their library would write it: gates
stacked, the input product taken out of the loop; torch, torch.compile and JAX all run this same step."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Step = Callable[..., tuple[Any, ...]]


def gru_before(op, W, b, u, s):
    """W: (H, 2H) of r and z, and (H, H); u: the input product (B, 3H), biases included."""
    H = s.shape[-1]
    r, z = (op.sigmoid(v) for v in op.split(u[:, : 2 * H] + s @ W[0], H))
    n = op.tanh(u[:, 2 * H :] + (r * s) @ W[1])
    s = z * s + (1 - z) * n
    return (s,)


def mgu(op, W, b, u, h):
    H = h.shape[-1]
    f = op.sigmoid(u[:, :H] + h @ W[0])
    n = op.tanh(u[:, H:] + (f * h) @ W[1])
    return ((1 - f) * h + f * n,)


def lem(op, W, b, u, y, z):
    H = y.shape[-1]
    a, c, d = op.split(u[:, : 3 * H] + y @ W[0], H)
    slow, fast = op.sigmoid(a), op.sigmoid(c)
    z = (1 - slow) * z + slow * op.tanh(d)
    y = (1 - fast) * y + fast * op.tanh(u[:, 3 * H :] + z @ W[1])
    return y, z


def lstm(op, W, b, u, h, c):
    H = h.shape[-1]
    i, f, g, o = op.split(u + h @ W[0], H)
    c = op.sigmoid(f) * c + op.sigmoid(i) * op.tanh(g)
    return op.sigmoid(o) * op.tanh(c), c


def peephole(op, W, b, u, h, c):
    H = h.shape[-1]
    i, f, g, o = op.split(u + h @ W[0], H)
    i, f = op.sigmoid(i + b[0] * c), op.sigmoid(f + b[1] * c)
    c = f * c + i * op.tanh(g)
    return op.sigmoid(o + b[2] * c) * op.tanh(c), c


# cell of elman.cells -> step, widths of the stacked state products in H, width of the input product in H, states,
# per-unit vectors
CELLS: dict[str, tuple[Step, tuple[int, ...], int, int, int]] = {
    "LSTM": (lstm, (4,), 4, 2, 0),
    "GRU": (gru_before, (2, 1), 3, 1, 0),
    "MGU": (mgu, (1, 1), 2, 1, 0),
    "LEM": (lem, (3, 1), 4, 2, 0),
    "PeepholeLSTM": (peephole, (4,), 4, 2, 3),
}

TORCH = SimpleNamespace(sigmoid=torch.sigmoid, tanh=torch.tanh, split=lambda v, n: v.split(n, -1))


class Loop(nn.Module):
    """The cell as a Python loop over torch operations."""

    def __init__(self, cell: str, I: int, H: int) -> None:
        super().__init__()
        self.step, products, gates, self.states, vectors = CELLS[cell]
        self.H = H
        self.input = nn.Linear(I, gates * H)
        self.W = nn.ParameterList(nn.Parameter(torch.randn(H, k * H) / H**0.5) for k in products)
        self.b = nn.ParameterList(nn.Parameter(torch.randn(H) / H**0.5) for _ in range(vectors))

    def forward(self, x: Tensor) -> tuple[Tensor, None]:
        u = self.input(x)
        state = tuple(x.new_zeros(x.shape[1], self.H) for _ in range(self.states))
        W, b = list(self.W), list(self.b)
        ys = []
        for t in range(x.shape[0]):
            state = self.step(TORCH, W, b, u[t], *state)
            ys.append(state[0])
        return torch.stack(ys), None


def compiled(cell: str, I: int, H: int) -> Loop:
    """The loop with its step through torch.compile. (The whole loop unrolls: minutes for a hundred steps.)"""
    loop = Loop(cell, I, H)
    step = loop.step
    loop.step = torch.compile(lambda op, W, b, u, *s: step(TORCH, W, b, u, *s), dynamic=False)
    return loop


def jax_contestants(cell: str, T: int, B: int, H: int) -> dict[str, Callable[[], object]]:
    """``forward`` and ``training`` through jax.lax.scan, jitted."""
    import jax
    import jax.numpy as jnp

    op = SimpleNamespace(sigmoid=jax.nn.sigmoid, tanh=jnp.tanh, split=lambda v, n: jnp.split(v, v.shape[-1] // n, -1))
    step, products, gates, states, vectors = CELLS[cell]
    rng = np.random.default_rng(0)
    draw = lambda *shape: jnp.asarray(rng.standard_normal(shape, dtype=np.float32) / H**0.5)  # noqa: E731
    params = (
        draw(H, gates * H),
        draw(gates * H),
        [draw(H, k * H) for k in products],
        [draw(H) for _ in range(vectors)],
    )
    x = jnp.asarray(rng.standard_normal((T, B, H), dtype=np.float32))
    g = jnp.asarray(rng.standard_normal((T, B, H), dtype=np.float32))

    def run(params, x):
        U, c, W, b = params
        u = x @ U + c

        def one(state, u_t):
            state = step(op, W, b, u_t, *state)
            return state, state[0]

        return jax.lax.scan(one, tuple(jnp.zeros((B, H)) for _ in range(states)), u)[1]

    forward = jax.jit(run)
    training = jax.jit(lambda params, x, g: jax.grad(lambda p, v: (run(p, v) * g).sum(), (0, 1))(params, x))
    return {
        "forward": lambda: jax.block_until_ready(forward(params, x)),
        "training": lambda: jax.block_until_ready(training(params, x, g)),
    }


def onnx_contestant(kind: str, T: int, B: int, H: int, threads: int, states: bool = False) -> Callable[[], object]:
    """ONNX Runtime's LSTM, GRU (reset before the product, its default) or RNN on one input; with `states` it takes the
    state and gives it back, as a step of a stream has to."""
    import onnxruntime
    from onnx import TensorProto, helper, numpy_helper

    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[kind]
    rng = np.random.default_rng(0)
    shapes = {"W": (1, gates * H, H), "R": (1, gates * H, H), "B": (1, 2 * gates * H)}
    weights = [
        numpy_helper.from_array(rng.standard_normal(s, dtype=np.float32) / H**0.5, name) for name, s in shapes.items()
    ]
    carried = ["h", "c"][: 1 + (kind == "LSTM")] if states else []
    after = [f"{name} after" for name in carried]
    node = helper.make_node(kind, ["x", "W", "R", "B", *[""][: len(carried)], *carried], ["y", *after], hidden_size=H)

    def told(name: str, *shape: int) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        [node], kind, [told("x", T, B, H), *(told(name, 1, B, H) for name in carried)],
        [told("y", T, 1, B, H), *(told(name, 1, B, H) for name in after)], weights,
    )  # fmt: skip
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    # between its calls its threads would spin on, and whoever's turn is next would find a core less
    options.add_session_config_entry("session.force_spinning_stop", "1")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed = {"x": rng.standard_normal((T, B, H), dtype=np.float32)}
    feed |= {name: np.zeros((1, B, H), np.float32) for name in carried}
    return lambda: session.run(None, feed)

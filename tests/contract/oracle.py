"""The independent oracle: every cell's step written out by hand in torch, and time as a plain loop over one sequence.

Nothing here uses the package's tracer, graph or engines: it reads the layer's parameters by name and the papers'
equations as they stand.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, logsigmoid, softplus

P = SimpleNamespace
Step = Callable[..., tuple[Tensor, ...]]  # (parameters, x, *states) -> (output, *states)


def ln(v: Tensor, g: Tensor, b: Tensor) -> Tensor:
    return layer_norm(v, v.shape[-1:], g, b, 1e-5)


def lin(W: Tensor, v: Tensor) -> Tensor:
    return W @ v


def gate(p: P, n: str, x: Tensor, h: Tensor) -> Tensor:
    return getattr(p, f"W_{n}") @ h + getattr(p, f"U_{n}") @ x + getattr(p, f"b_{n}")


def rnn(p, x, h):
    h = torch.tanh(p.W @ h + p.U @ x + p.b)
    return h, h


def elman(p, x, a):
    a = torch.tanh(p.W_aa @ a + p.W_ax @ x + p.b_a)
    return torch.sigmoid(p.W_ya @ a + p.b_y), a


def jordan(p, x, y):
    y = torch.sigmoid(p.W_y @ torch.tanh(p.W_h @ y + p.U_h @ x + p.b_h) + p.b_y)
    return y, y


def lstm(p, x, h, c):
    i, f, o = (torch.sigmoid(gate(p, n, x, h)) for n in "ifo")
    c = f * c + i * torch.tanh(gate(p, "g", x, h))
    h = o * torch.tanh(c)
    return h, h, c


def projected(p, x, h, c):
    h, _, c = lstm(p, x, h, c)
    return p.P @ h, p.P @ h, c


def peephole(p, x, h, c):
    i = torch.sigmoid(gate(p, "i", x, h) + p.p_i * c)
    f = torch.sigmoid(gate(p, "f", x, h) + p.p_f * c)
    c = f * c + i * torch.tanh(gate(p, "g", x, h))
    h = torch.sigmoid(gate(p, "o", x, h) + p.p_o * c) * torch.tanh(c)
    return h, h, c


def coupled(p, x, h, c):
    f = torch.sigmoid(gate(p, "f", x, h))
    c = f * c + (1 - f) * torch.tanh(gate(p, "g", x, h))
    h = torch.sigmoid(gate(p, "o", x, h)) * torch.tanh(c)
    return h, h, c


def layer_norm_lstm(p, x, h, c):
    def both(n):
        return ln(p[f"W_{n}"] @ h, p[f"g_{n}"], p[f"b_{n}"]) + ln(p[f"U_{n}"] @ x, p[f"k_{n}"], p[f"d_{n}"])

    p = vars(p)
    c = torch.sigmoid(both("f")) * c + torch.sigmoid(both("i")) * torch.tanh(both("g"))
    h = torch.sigmoid(both("o")) * torch.tanh(ln(c, p["g_c"], p["b_c"]))
    return h, h, c


def slstm(p, x, h, c, n, m):
    i, f = gate(p, "i", x, h), -softplus(-gate(p, "f", x, h))
    m = f + torch.where(n == 0, i, m)  # the authors: at the first step m is i
    top = torch.maximum(m, i)
    c = torch.exp(m - top) * c + torch.exp(i - top) * torch.tanh(gate(p, "z", x, h))
    n = torch.exp(m - top) * n + torch.exp(i - top)
    h = torch.sigmoid(gate(p, "o", x, h)) * c / n
    return h, h, c, n, top


def gru(p, x, s):
    r, z = torch.sigmoid(gate(p, "r", x, s)), torch.sigmoid(gate(p, "z", x, s))
    n = torch.tanh(p.W @ (r * s) + p.U @ x + p.b)
    s = z * s + (1 - z) * n
    return s, s


def gru_after(p, x, s):
    r, z = torch.sigmoid(gate(p, "r", x, s)), torch.sigmoid(gate(p, "z", x, s))
    n = torch.tanh(p.U @ x + p.b + r * (p.W @ s + p.c))
    s = z * s + (1 - z) * n
    return s, s


def layer_norm_gru(p, x, s):
    r = torch.sigmoid(ln(p.W_r @ s, p.g_r, p.b_r) + ln(p.U_r @ x, p.k_r, p.d_r))
    z = torch.sigmoid(ln(p.W_z @ s, p.g_z, p.b_z) + ln(p.U_z @ x, p.k_z, p.d_z))
    n = torch.tanh(ln(p.U @ x, p.k, p.d) + r * ln(p.W @ s, p.g, p.b))
    s = z * s + (1 - z) * n
    return s, s


def mgu(p, x, h):
    f = torch.sigmoid(gate(p, "f", x, h))
    h = (1 - f) * h + f * torch.tanh(p.W @ (f * h) + p.U @ x + p.b)
    return h, h


def minimal_rnn(p, x, h):
    z = torch.tanh(p.U_z @ x + p.b_z)
    u = torch.sigmoid(p.W_u @ h + p.V_u @ z + p.b_u)
    h = u * h + (1 - u) * z
    return h, h


def ugrnn(p, x, h):
    g = torch.sigmoid(gate(p, "g", x, h))
    h = g * h + (1 - g) * torch.tanh(p.W @ h + p.U @ x + p.b)
    return h, h


def cfn(p, x, h):
    h = torch.sigmoid(gate(p, "f", x, h)) * torch.tanh(h) + torch.sigmoid(gate(p, "i", x, h)) * torch.tanh(p.U @ x)
    return h, h


def lem(p, x, y, z):
    slow, fast = torch.sigmoid(gate(p, "1", x, y)), torch.sigmoid(gate(p, "2", x, y))
    z = (1 - slow) * z + slow * torch.tanh(gate(p, "z", x, y))
    y = (1 - fast) * y + fast * torch.tanh(gate(p, "y", x, z))
    return y, y, z


def indrnn(p, x, h):
    h = torch.relu(p.U @ x + p.w * h + p.b)
    return h, h


def sru(p, x, c):
    f = torch.sigmoid(p.U_f @ x + p.v_f * c + p.b_f)
    r = torch.sigmoid(p.U_r @ x + p.v_r * c + p.b_r)
    c = f * c + (1 - f) * (p.U @ x)
    return r * c + (1 - r) * (p.U_h @ x), c


def min_gru(p, x, h):
    z = torch.sigmoid(p.U_z @ x + p.b_z)
    h = (1 - z) * h + z * (p.U @ x + p.b)
    return h, h


def min_lstm(p, x, h):
    f, i = logsigmoid(p.U_f @ x + p.b_f), logsigmoid(p.U_i @ x + p.b_i)
    both = torch.logaddexp(f, i)
    h = torch.exp(f - both) * h + torch.exp(i - both) * (p.U @ x + p.b)
    return h, h


STEPS: dict[str, Step] = {
    "RNN": rnn, "Elman": elman, "Jordan": jordan, "LSTM": lstm, "ProjectedLSTM": projected, "PeepholeLSTM": peephole,
    "CoupledLSTM": coupled, "LayerNormLSTM": layer_norm_lstm, "SLSTM": slstm, "GRU": gru, "GRUAfter": gru_after,
    "LayerNormGRU": layer_norm_gru, "MGU": mgu, "MinimalRNN": minimal_rnn, "UGRNN": ugrnn, "CFN": cfn, "LEM": lem,
    "IndRNN": indrnn, "SRU": sru, "MinGRU": min_gru, "MinLSTM": min_lstm,
}  # fmt: skip


def run(layer, step: Step, x: Tensor, state: list[Tensor], lengths: list[int], bptt: int | None = None):
    """What `layer(x, state, lengths)` must return: one sequence at a time, one step at a time.

    x (T, B, I); state: one (L*D, B, width) for each state. Returns y (T, B, D*H) and the states, (L*D, B, width) each.
    """
    T, B, _ = x.shape
    D = 2 if layer.bidirectional else 1
    ys, finals = [], []
    for b in range(B):
        seq = [x[t, b] for t in range(lengths[b])]
        rows = []
        for k in range(layer.num_layers):
            columns = []
            for d in range(D):
                p = P(**layer.cell_parameters(k, d))
                s = tuple(part[k * D + d, b] for part in state)
                out: list[Tensor] = [torch.empty(0)] * len(seq)
                times = range(len(seq)) if d == 0 else range(len(seq) - 1, -1, -1)
                last = None
                for t in times:
                    if bptt and last is not None and t // bptt != last // bptt:
                        s = tuple(v.detach() for v in s)
                    out[t], *s = step(p, seq[t], *s)
                    last = t
                columns.append(out)
                rows.append(tuple(s))
            seq = [torch.cat(parts) for parts in zip(*columns, strict=True)]
        y = torch.stack(seq)
        ys.append(torch.cat([y, y.new_zeros(T - lengths[b], y.shape[1])]))
        finals.append(rows)
    after = [torch.stack([torch.stack([finals[b][r][i] for b in range(B)]) for r in range(layer.num_layers * D)])
             for i in range(len(state))]  # fmt: skip
    return torch.stack(ys, 1), after

"""torch's own kernels (cuDNN on a GPU, oneDNN and ATen on a processor) for the cells it has: LSTM, GRU with the reset
gate after the product, RNN with tanh or relu."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from elman import cells
from elman.engines.choose import Faster
from elman.engines.scan import WHOLE, Outcome, Way
from elman.engines.weights import Plan, Weights
from elman.equations.graph import Graph

__all__ = ["faster", "layers", "scan", "unavailable"]

# per kind: the cell's parameters in the order of torch's stacked gates; "" is a bias that torch has and the cell not
_GATES = {
    "lstm": (
        ("W_i", "W_f", "W_g", "W_o"),
        ("U_i", "U_f", "U_g", "U_o"),
        ("b_i", "b_f", "b_g", "b_o"),
        ("", "", "", ""),
    ),
    "gru": (("W_r", "W_z", "W"), ("U_r", "U_z", "U"), ("b_r", "b_z", "b"), ("", "", "c")),
    "rnn_tanh": (("W",), ("U",), ("b",), ("",)),
    "rnn_relu": (("W",), ("U",), ("b",), ("",)),
}


_OWN = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")  # as torch.nn stores them


@lru_cache(maxsize=256)
def _in_order(plan: Plan, kind: str) -> bool:
    """Whether the parameters are stored as torch stores them, the gates in its order."""
    if plan.stored not in (_OWN, _OWN[:2]):
        return False
    first = {name: place.first for name, place in zip(plan.graph.parameters, plan.places, strict=True)}
    return all([first[n] for n in names] == sorted(first[n] for n in names) for names in _GATES[kind][:2])


@cache
def _known() -> dict[str, tuple[str, bool]]:
    """Signature -> (torch's name of the cell, whether it has biases)."""
    found = {}
    for kind, graph in (
        ("lstm", cells.LSTM().graph),
        ("gru", cells.GRUAfter().graph),
        ("rnn_tanh", cells.RNN("tanh").graph),
        ("rnn_relu", cells.RNN("relu").graph),
    ):
        found[graph.signature] = (kind, True)
        biases = [p.name for p in graph.parameters.values() if not p.is_matrix]
        found[graph.without(biases).signature] = (kind, False)
    return found


def unavailable(graph: Graph, device: torch.device, dtype: torch.dtype) -> str | None:
    """Why this engine cannot run the step; None if it can."""
    if graph.signature not in _known():
        return f"torch has no kernel for {graph.name}" + (" with masks inside the loop" if graph.given else "")
    return None


def faster(graph: Graph, dtype: torch.dtype) -> Faster | None:
    """Where these kernels train faster than the native engine; None for nowhere.

    Measured, on a processor in float32: see benchmarks/speed, part `short`.
    """
    if dtype != torch.float32:
        return None
    if _known()[graph.signature][0] == "lstm":
        return Faster("torch", layers, _large_lstm, "more than 512 units and T * B > 512")
    return Faster("torch", layers, _one_step_or_wide, "T = 1, or 8,192 inputs and more with T * B > 64")


def _large_lstm(T: int, B: int, I: int, H: int) -> bool:
    return H > 512 and T * B > 512


def _one_step_or_wide(T: int, B: int, I: int, H: int) -> bool:
    return T == 1 or (I >= 8192 and T * B > 64)


def scan(graph: Graph, params: Mapping[str, Tensor], x: Tensor, states: Sequence[Tensor], way: Way = WHOLE) -> Outcome:
    """See `elman.engines.scan.Scan`."""
    T, lengths, reverse = x.shape[0], way.lengths, way.reverse
    if way.bptt and way.bptt < T:
        return _in_blocks(graph, params, x, states, lengths, reverse, way.bptt)
    kind, biased = _known()[graph.signature]
    weights = _stacked(params, kind, biased)
    if reverse:
        x = _flipped(x, lengths)
    hx = [s.unsqueeze(0).contiguous() for s in states]
    function = getattr(torch, kind)
    carried = tuple(hx) if kind == "lstm" else hx[0]
    # what is traced may be trained later, and is checked under no_grad: it has to read the same
    training = torch.is_grad_enabled() or torch._C._get_tracing_state() is not None
    if lengths is None:
        y, *after = function(x, carried, weights, biased, 1, 0.0, training, False, False)
    else:
        packed = pack_padded_sequence(x, lengths, enforce_sorted=False)
        order, back = packed.sorted_indices, packed.unsorted_indices
        assert order is not None, "enforce_sorted=False sorts"
        assert back is not None
        sorted_hx = [h.index_select(1, order) for h in hx]
        carried = tuple(sorted_hx) if kind == "lstm" else sorted_hx[0]
        data, *after = function(packed.data, packed.batch_sizes, carried, weights, biased, 1, 0.0, training, False)
        y, _ = pad_packed_sequence(PackedSequence(data, packed.batch_sizes, order, back), total_length=T)
        after = [a.index_select(1, back) for a in after]
    return (_flipped(y, lengths) if reverse else y), tuple(a.squeeze(0) for a in after)


def layers(
    graph: Graph, weights: Sequence[Mapping[str, Tensor]], x: Tensor, states: Sequence[Tensor], directions: int
) -> Outcome:
    """All layers and directions in one call, for sequences of one length.

    Args:
        weights: of each layer's directions in turn.
        x: (T, B, I).
        states: before the first step, (L*D, B, width) each.

    Returns:
        y (T, B, D*width) and the states after the last step, as they came.
    """
    kind, biased = _known()[graph.signature]
    flat = [t for w in weights for t in _stacked(w, kind, biased)]
    carried = tuple(states) if kind == "lstm" else states[0]
    depth, training = len(weights) // directions, torch.is_grad_enabled()
    y, *after = getattr(torch, kind)(x, carried, flat, biased, depth, 0.0, training, directions == 2, False)
    return y, tuple(after)


def _stacked(params: Mapping[str, Tensor], kind: str, biased: bool) -> list[Tensor]:
    """[w_ih, w_hh, b_ih, b_hh] as views of one buffer, which cuDNN wants."""
    w_hh, w_ih, b_ih, b_hh = _GATES[kind]
    if isinstance(params, Weights) and _in_order(params.plan, kind):
        return list(params.tensors)
    H = params[w_hh[0]].shape[0]
    parts = [[params[n] for n in w_ih], [params[n] for n in w_hh]]
    if biased:
        zero = params[b_ih[0]].new_zeros(H)
        parts += [[params[n] for n in b_ih], [params[n] if n else zero for n in b_hh]]
    flat = torch.cat([p.reshape(-1) for part in parts for p in part])
    sizes = [sum(p.numel() for p in part) for part in parts]
    shapes = [(len(part) * H, *part[0].shape[1:]) for part in parts]
    return [v.view(shape) for v, shape in zip(torch.split(flat, sizes), shapes, strict=True)]


def _flipped(x: Tensor, lengths: Tensor | None) -> Tensor:
    """Each sequence backwards inside its own length; its padding stays where it is."""
    if lengths is None:
        return x.flip(0)
    t = torch.arange(x.shape[0], device="cpu")[:, None]  # (T, 1)
    index = torch.where(t < lengths[None, :], lengths[None, :] - 1 - t, t).to(x.device)
    return x.gather(0, index[:, :, None].expand_as(x))


def _in_blocks(
    graph: Graph, params: Mapping[str, Tensor], x: Tensor, states: Sequence[Tensor],
    lengths: Tensor | None, reverse: bool, k: int,
) -> Outcome:  # fmt: skip
    """Truncated BPTT: blocks of k steps, the state handed on without its gradient."""
    T, B, _ = x.shape
    ends = lengths if lengths is not None else torch.full((B,), T, device="cpu")
    state = tuple(states)
    ys: list[Tensor] = []
    starts = range(0, T, k)
    for start in reversed(starts) if reverse else starts:
        rows = torch.nonzero(ends > start).squeeze(1)
        block = x[start : start + k]
        here = rows.to(x.device)
        carried = [s.index_select(0, here) for s in state]
        if not reverse and start:
            carried = [s.detach() for s in carried]
        elif reverse:
            goes_on = (ends[rows] > start + k).to(x.device)[:, None]
            carried = [torch.where(goes_on, s.detach(), s) for s in carried]
        y, after = scan(
            graph, params, block.index_select(1, here), carried,
            Way((ends[rows] - start).clamp(max=block.shape[0]), reverse),
        )  # fmt: skip
        ys.append(block.new_zeros(block.shape[0], B, y.shape[2]).index_copy(1, here, y))
        state = tuple(s.index_copy(0, here, a) for s, a in zip(state, after, strict=True))
    return torch.cat(ys[::-1] if reverse else ys), state

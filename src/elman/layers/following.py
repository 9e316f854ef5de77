"""A layer whose steps others take, all of them in one call, for as long as its weights stay as they are."""

from __future__ import annotations

from torch import Tensor

from elman.engines.choose import choose
from elman.engines.next_units import Followed
from elman.layers import arguments
from elman.layers.arguments import State
from elman.layers.hooks import hooked
from elman.layers.recurrent import Recurrent
from elman.layers.running import in_memory, looked_on, streams

__all__ = ["followed"]


def followed(layer: Recurrent, x: Tensor, state: State | None = None) -> Followed | None:
    """What a step of it is made of; None where there is more to it than the native engine's step: another engine,
    gradients, masks, a hook, or somebody who looks on.

    Args:
        x: (N, I) as a step would read it; its numbers are not looked at.
        state: as `Recurrent.step` takes it.
    """
    graph = layer.running_graph()
    if hooked(layer) or looked_on() or not isinstance(layer.engine, str) or not streams(layer, graph):
        return None
    start = layer._initial(arguments.state_of(state, graph.state_names), len(x), x)
    if choose(graph, x.device, x.dtype, layer.engine).name != "native" or not in_memory((x, *start)):
        return None
    stored = [layer._stored(graph, k, 0) for k in range(layer.num_layers)]
    for weights in stored:
        weights.check(x)
    return None if any(weights.disguise for weights in stored) else Followed(graph, stored, start)

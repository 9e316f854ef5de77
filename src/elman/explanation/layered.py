"""Places boxes and the lines between them in layers from left to right (after Sugiyama, Tagawa & Toda 1981).

Four steps: a layer for each box; a track for each line through the layers it passes, shared by all lines from one box;
an order inside each layer with few crossings; heights that keep lines straight.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

__all__ = ["Box", "Placed", "place"]

ROW_GAP, TRACK_GAP, LAYER_GAP = 20.0, 12.0, 30.0


@dataclass(frozen=True)
class Box:
    """Something to place.

    Attributes:
        key: its name.
        width, height: in pixels.
        side: "left" for the first layer, "right" for the last, "" for any between.
        opposite: the box of the other side that it should be level with.
    """

    key: str
    width: float
    height: float
    side: str = ""
    opposite: str = ""


@dataclass
class Placed:
    """Where everything is.

    Attributes:
        centre: box -> (x, y).
        lines: for each line, the points it goes through: right edge of its source, tracks, left edge of its target.
        width, height: of the whole.
    """

    centre: dict[str, tuple[float, float]]
    lines: dict[tuple[str, str], list[tuple[float, float]]]
    width: float
    height: float


@dataclass
class _Grid:
    """Boxes and tracks by layer. A track is called (source, layer)."""

    boxes: dict[str, Box]
    layers: list[list[object]]
    layer: dict[object, int]
    links: list[tuple[object, object]]  # between neighbouring layers
    before: dict[object, list[object]] = field(default_factory=dict)
    after: dict[object, list[object]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for a, b in self.links:
            self.after.setdefault(a, []).append(b)
            self.before.setdefault(b, []).append(a)

    def size(self, item: object) -> tuple[float, float]:
        return (self.boxes[item].width, self.boxes[item].height) if isinstance(item, str) else (0.0, 0.0)


def place(boxes: Sequence[Box], lines: Iterable[tuple[str, str]]) -> Placed:
    """Place `boxes` so that every line goes from left to right."""
    lines = list(dict.fromkeys(lines))
    by_key = {b.key: b for b in boxes}
    level = _levels(by_key, lines)
    grid = _tracks(by_key, lines, level)
    _order(grid)
    x = _columns(grid)
    y = _heights(grid)
    top = min(y[i] - grid.size(i)[1] / 2 for i in y)
    y = {i: v - top for i, v in y.items()}
    centre = {k: (x[level[k]], y[k]) for k in by_key}
    ports = _ports(grid, lines, y)
    routes = {}
    for a, b in lines:
        points = [(x[level[a]] + by_key[a].width / 2, y[a])]
        for k in range(level[a] + 1, level[b]):
            half = max((grid.size(i)[0] for i in grid.layers[k]), default=0.0) / 2
            points += [(x[k] - half, y[(a, k)]), (x[k] + half, y[(a, k)])]  # level past whatever stands in the layer
        points.append((x[level[b]] - by_key[b].width / 2, y[b] + ports[a, b]))
        routes[a, b] = points
    last = len(grid.layers) - 1
    width = x[last] + max(grid.size(i)[0] for i in grid.layers[last]) / 2
    return Placed(centre, routes, width, max(y[i] + grid.size(i)[1] / 2 for i in y))


def _ports(grid: _Grid, lines: Sequence[tuple[str, str]], y: dict[object, float]) -> dict[tuple[str, str], float]:
    """How far from the middle of its target each line arrives: side by side, in the order in which they come."""
    arriving: dict[str, list[tuple[float, str]]] = {}
    for a, b in lines:
        last: object = a if grid.layer[a] == grid.layer[b] - 1 else (a, grid.layer[b] - 1)
        arriving.setdefault(b, []).append((y[last], a))
    found = {}
    for b, sources in arriving.items():
        step = min(9.0, grid.boxes[b].height * 0.42 / max(1, len(sources) - 1))
        for k, (_, a) in enumerate(sorted(sources)):
            found[a, b] = (k - (len(sources) - 1) / 2) * step
    return found


def _levels(boxes: dict[str, Box], lines: Sequence[tuple[str, str]]) -> dict[str, int]:
    """The longest way from the left; the last layer for what belongs on the right."""
    level = dict.fromkeys(boxes, 0)
    for _ in boxes:  # as often as the longest path can be
        moved = False
        for a, b in lines:
            if level[b] <= level[a]:
                level[b], moved = level[a] + 1, True
        if not moved:
            break
    else:
        raise ValueError("the lines go round in a circle")
    inner = max((level[k] for k, b in boxes.items() if b.side != "right"), default=0)
    last = max(inner + 1, *level.values())
    return {k: last if b.side == "right" else level[k] for k, b in boxes.items()}


def _tracks(boxes: dict[str, Box], lines: Sequence[tuple[str, str]], level: dict[str, int]) -> _Grid:
    layers: list[list[object]] = [[] for _ in range(max(level.values()) + 1)]
    layer: dict[object, int] = dict(level.items())
    for key in boxes:
        layers[level[key]].append(key)
    links: dict[tuple[object, object], None] = {}
    for a, b in lines:
        here: object = a
        for k in range(level[a] + 1, level[b]):
            track = (a, k)
            if track not in layer:
                layer[track] = k
                layers[k].append(track)
            links[here, track] = None
            here = track
        links[here, b] = None
    return _Grid(boxes, layers, layer, list(links))


# -- order ------------------------------------------------------------------------------------------------------------


def _order(grid: _Grid) -> None:
    """From several orders of what stands left, sweep to few crossings, and keep the best."""
    left, given = grid.layers[0], [list(layer) for layer in grid.layers]
    starts = [left, left[::-1], left[-1:] + left[:-1], left[1:] + left[:1]]
    best: tuple[int, list[list[object]]] | None = None
    for start in starts:
        grid.layers = [list(start), *(list(layer) for layer in given[1:])]
        found = _sweep(grid)
        if best is None or found[0] < best[0]:
            best = found
    assert best is not None
    grid.layers = best[1]


def _level_right(grid: _Grid) -> None:
    """Right boxes in the order of their opposites."""
    rank = {item: r for r, item in enumerate(grid.layers[0])}
    place_of = {item: rank.get(grid.boxes[item].opposite, -1) for item in grid.layers[-1] if isinstance(item, str)}
    grid.layers[-1].sort(key=lambda item: place_of[str(item)])


def _sweep(grid: _Grid, rounds: int = 10) -> tuple[int, list[list[object]]]:
    """Back and forth: each layer in the order of its neighbours' middles, then neighbours swapped where that helps."""
    _level_right(grid)
    best = (_crossings(grid), [list(layer) for layer in grid.layers])
    inner = range(len(grid.layers) - 1)
    for k in range(rounds):
        for i in inner[1:] if k % 2 == 0 else reversed(inner):
            near, side = (grid.layers[i - 1], grid.before) if k % 2 == 0 else (grid.layers[i + 1], grid.after)
            rank = {item: r for r, item in enumerate(near)}
            middle = {}
            for r, item in enumerate(grid.layers[i]):
                at = [rank[n] for n in side.get(item, ())]
                middle[item] = sum(at) / len(at) if at else float(r)
            grid.layers[i].sort(key=middle.__getitem__)
            _swap_neighbours(grid, i)
        _level_right(grid)
        count = _crossings(grid)
        if count < best[0]:
            best = (count, [list(layer) for layer in grid.layers])
    return best


def _swap_neighbours(grid: _Grid, i: int) -> None:
    """Two neighbours change places where the lines between their own neighbours cross less."""
    layer = grid.layers[i]
    ranks = {item: r for k in (i - 1, i + 1) if k >= 0 for r, item in enumerate(grid.layers[k])}
    for j in range(len(layer) - 1):
        a, b = layer[j], layer[j + 1]
        cross = uncross = 0
        for side in (grid.before, grid.after):
            for p in side.get(a, ()):
                for q in side.get(b, ()):
                    cross += ranks[p] > ranks[q]
                    uncross += ranks[p] < ranks[q]
        if uncross < cross:
            layer[j], layer[j + 1] = b, a


def _crossings(grid: _Grid) -> int:
    """How many pairs of links cross."""
    total = 0
    for layer, following in pairwise(grid.layers):
        further = {item: r for r, item in enumerate(following)}
        ends = [(r, further[b]) for r, a in enumerate(layer) for b in grid.after.get(a, ())]
        total += sum((a - c) * (b - d) < 0 for n, (a, b) in enumerate(ends) for c, d in ends[n + 1 :])
    return total


# -- coordinates ------------------------------------------------------------------------------------------------------


def _columns(grid: _Grid) -> list[float]:
    """The middle of each layer."""
    x, edge = [], 0.0
    for layer in grid.layers:
        wide = max((grid.size(i)[0] for i in layer), default=0.0)
        x.append(edge + wide / 2)
        edge += wide + LAYER_GAP
    return x


def _heights(grid: _Grid, rounds: int = 160) -> dict[object, float]:
    """Each box is drawn to the mean height of its neighbours, long tracks hardest; nothing overlaps."""
    y: dict[object, float] = {}
    for layer in grid.layers:
        at = 0.0
        for item in layer:
            y[item] = at
            at += 40
        for item in layer:
            y[item] -= at / 2
    level = {key: box.opposite for key, box in grid.boxes.items() if box.opposite in grid.boxes}
    level |= {b: a for a, b in level.items()}
    for k in range(rounds):
        sides = range(len(grid.layers))
        for i in sides if k % 2 == 0 else reversed(sides):
            layer = grid.layers[i]
            wanted, weights = [], []
            for item in layer:
                near = [(y[n], _weight(grid, n, item)) for n in grid.before.get(item, ())]
                near += [(y[n], _weight(grid, item, n)) for n in grid.after.get(item, ())]
                if item in level:
                    near.append((y[level[item]], 3.0))
                total = sum(w for _, w in near)
                wanted.append(sum(v * w for v, w in near) / total if total else y[item])
                weights.append(total or 1.0)
            for item, v in zip(layer, _apart(wanted, weights, _gaps(grid, layer)), strict=True):
                y[item] = v
    for _ in range(4):
        _straighten(grid, y)
    return y


def _straighten(grid: _Grid, y: dict[object, float]) -> None:
    """The tracks of one box become one level line where their neighbours leave room."""
    chains: dict[object, list[object]] = {}
    for layer in grid.layers:
        for item in layer:
            if isinstance(item, tuple):
                chains.setdefault(item[0], []).append(item)
    for source, chain in chains.items():
        low, high = float("-inf"), float("inf")
        for item in chain:
            layer = grid.layers[grid.layer[item]]
            k = layer.index(item)
            gaps = _gaps(grid, layer)
            if k:
                low = max(low, y[layer[k - 1]] + gaps[k - 1] * 0.9)
            if k + 1 < len(layer):
                high = min(high, y[layer[k + 1]] - gaps[k] * 0.9)
        if low <= high:
            middle = sum(y[item] for item in chain) / len(chain)
            ends = [y[n] for item in (source, chain[-1]) for n in (item, *grid.after.get(chain[-1], ()))]
            near = min(ends, key=lambda v: abs(v - middle))  # level with one of its ends, if that is close
            level = near if abs(near - middle) < 14 and low <= near <= high else middle
            for item in chain:
                y[item] = min(max(level, low), high)


def _weight(grid: _Grid, a: object, b: object) -> float:
    """How hard a link pulls: what only follow each other stay level, and tracks stay straight."""
    if len(grid.after[a]) == len(grid.before[b]) == 1:
        return 6.0
    return (1.0, 2.5, 12.0)[isinstance(a, tuple) + isinstance(b, tuple)]


def _gaps(grid: _Grid, layer: Sequence[object]) -> list[float]:
    """The least distance between the middles of neighbours."""
    found = []
    for a, b in pairwise(layer):
        both = isinstance(a, str) and isinstance(b, str)
        found.append((grid.size(a)[1] + grid.size(b)[1]) / 2 + (ROW_GAP if both else TRACK_GAP))
    return found


def _apart(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The positions nearest to those wanted (least squares) that keep the order and the gaps: pooled neighbours."""
    offset, offsets = 0.0, [0.0]
    for gap in gaps:
        offset += gap
        offsets.append(offset)
    pools: list[tuple[float, float, int]] = []  # (mean, weight, how many)
    for v, w, o in zip(wanted, weights, offsets, strict=True):
        mean, weight, count = v - o, w, 1
        while pools and pools[-1][0] > mean:
            m, u, n = pools.pop()
            mean, weight, count = (mean * weight + m * u) / (weight + u), weight + u, count + n
        pools.append((mean, weight, count))
    flat = [mean for mean, _, count in pools for _ in range(count)]
    return [v + o for v, o in zip(flat, offsets, strict=True)]

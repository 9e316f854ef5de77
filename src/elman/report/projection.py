"""Word vectors on paper: the plane that keeps neighbours together, and who is whose neighbour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from elman.pages.drawing import PAINT, canvas, drawing, svg
from elman.pages.markup import Html, tag
from elman.pages.numbers import count, fraction
from elman.pages.page import Section, section

__all__ = ["neighbour_table", "projection", "to_plane"]


def to_plane(matrix: np.ndarray, seed: int = 0) -> np.ndarray:
    """Vectors (V, D) to points (V, 2): neighbours stay neighbours, distances mean little.

    By t-SNE (van der Maaten and Hinton 2008); fewer than six, by the two directions of most variance.

    Args:
        matrix: one vector a row; directions count, lengths do not.
        seed: of t-SNE.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE

    unit = matrix / np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    flat = PCA(min(50, *unit.shape), random_state=seed).fit_transform(unit)
    if len(unit) < 6:
        return np.asarray(np.pad(flat, ((0, 0), (0, max(0, 2 - flat.shape[1]))))[:, :2])
    perplexity = min(30.0, (len(unit) - 1) / 3)
    return np.asarray(TSNE(2, perplexity=perplexity, init="pca", random_state=seed).fit_transform(flat))


def projection(
    words: Sequence[str],
    matrix: np.ndarray,
    *,
    neighbours: Mapping[str, Sequence[tuple[str, float]]] | None = None,
    most: int = 600,
    title: str = "The words in the plane",
) -> Section:
    """A map of the first `most` words, and the nearest neighbours of some.

    Args:
        words: V of them, the most frequent first.
        matrix: (V, D).
        neighbours: word -> its nearest with their cosines, for a table.
    """
    V = min(most, len(words))
    points = to_plane(np.asarray(matrix[:V], dtype=float))
    lead = (
        f"The {count(V)} most frequent words (t-SNE: near words are alike, far distances mean nothing). Where words "
        "would overlap only a dot is drawn."
    )
    figure = tag("figure", tag("div", _map(list(words[:V]), points), class_="scroll"), class_="wide")
    near = neighbour_table(neighbours) if neighbours else None
    return section(title, figure, tag("h3", "Nearest neighbours") if near else None, near, lead=lead)


def neighbour_table(neighbours: Mapping[str, Sequence[tuple[str, float]]]) -> Html:
    """Some words and those nearest to them, with the cosine of the angle between."""
    rows = []
    for word, near in neighbours.items():
        said = [
            (
                tag("bdi", other),
                tag("span", f"\u2009{fraction(cosine, 2)}", class_="muted"),
                "\u2002 " if i + 1 < len(near) else None,
            )
            for i, (other, cosine) in enumerate(near)
        ]
        rows.append(tag("tr", tag("th", tag("bdi", word), scope="row"), tag("td", said)))
    return tag("div", tag("table", tag("tbody", rows)), class_="scroll")


@drawing
def _map(words: list[str], points: np.ndarray) -> Html:
    width, height = 8.8, 6.6
    figure, ax = canvas(width, height)
    low, high = points.min(0), points.max(0)
    ax.set_xlim(low[0], high[0] + 0.06 * (high[0] - low[0]) + 1e-9)
    ax.set_ylim(low[1], high[1] + 1e-9)
    ax.axis("off")
    unit = np.array([width, height]) * 72 / np.maximum(high - low, 1e-9)
    size, ink = 7.5, PAINT["ink"]
    boxes: list[tuple[float, float, float, float]] = []
    for word, point in zip(words, points):  # the most frequent first; one that would cover another stays a dot
        x, y = (point - low) * unit
        shown = word if len(word) <= 24 else word[:23] + "\u2026"
        box = (x, y - size * 0.6, x + size * 0.62 * len(shown) + 3, y + size * 0.6)
        if all(box[2] < b[0] or b[2] < box[0] or box[3] < b[1] or b[3] < box[1] for b in boxes):
            boxes.append(box)
            ax.text(float(point[0]), float(point[1]), shown, color=ink, fontsize=size, va="center", clip_on=False)
        else:
            ax.plot(*point[:, None], marker="o", markersize=1.6, color=ink, alpha=0.45, linestyle="")
    return svg(figure, f"Map of {len(words)} words")

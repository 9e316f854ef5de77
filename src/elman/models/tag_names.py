"""Between the tags a user writes and the numbers a network gives, and what a scheme lets follow what."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from elman.data.schemes import convert, detect_scheme, spans, to_tags
from elman.errors import InputError

__all__ = ["TagNames", "transition_rules"]


class TagNames:
    """Between the tags a user writes and the numbers the model gives.

    Entities are IOBES (or IOB2) inside the model, whatever the user's files are in: the scheme with more kinds of tag
    tells the network more about borders.

    Args:
        names: the K tags inside the model.
        scheme: the user's scheme, or "none" for plain labels. inner: the model's.
    """

    def __init__(self, names: Sequence[str], scheme: str, inner: str) -> None:
        self.names, self.scheme, self.inner = list(names), scheme, inner
        self._numbers = {name: k for k, name in enumerate(self.names)}
        # outwards, probabilities are of IOB2 tags unless the user writes the model's own scheme
        self.outer = inner if scheme == inner else "IOB2"
        self.classes = self.names if self.plain else sorted({self._outwards(name) for name in self.names})
        self._places = {name: c for c, name in enumerate(self.classes)}
        self._column = [self._places[name if self.plain else self._outwards(name)] for name in self.names]

    @classmethod
    def of(cls, tags: Sequence[Sequence[str]], scheme: str, inner: str) -> TagNames:
        """The tags that training sentences show; of entities, every tag that their types can have."""
        if scheme == "none":
            return cls(sorted({tag for row in tags for tag in row}), scheme, inner)
        types = sorted({span.type for row in tags for span in spans(row, scheme)})
        return cls(
            ["O", *(f"{letter}-{t}" for t in types for letter in ("BIES" if inner == "IOBES" else "BI"))], scheme, inner
        )

    @property
    def plain(self) -> bool:
        return self.scheme == "none"

    def inwards(self, tags: Sequence[str]) -> list[int]:
        """The numbers of a sentence's tags; -1 for a tag that training never showed."""
        if not self.plain:
            tags = to_tags(spans(tags, self.scheme), len(tags), self.inner)
        return [self._numbers.get(tag, -1) for tag in tags]

    def outwards(self, numbers: Sequence[int]) -> list[str]:
        """The user's tags of a sentence."""
        tags = [self.names[k] for k in numbers]
        return tags if self.plain else to_tags(spans(tags), len(tags), self.scheme)

    def as_classes(self, tags: Sequence[str]) -> list[str]:
        """The user's tags of a sentence as members of `classes`."""
        return list(tags) if self.plain else to_tags(spans(tags, self.scheme), len(tags), self.outer)

    def given(self, tags: Sequence[Sequence[str]], scheme: str) -> list[Sequence[str]]:
        """Tags of `scheme` ("auto": found out) as those of the user's own.

        Raises:
            InputError: tags that do not say where an entity begins, of a tagger of entities.
        """
        if self.plain:
            return list(tags)
        scheme = detect_scheme(tags) if scheme == "auto" else scheme
        plain = (tag for row in tags for tag in row if tag != "O" and tag[1:2] != "-")
        if scheme == "none" and (strange := next(plain, None)) is not None:
            raise InputError(
                f"tag {strange!r} does not say where an entity begins, as those of the training data do",
                where="y",
                remedy=f"write B-{strange} and I-{strange}",
            )
        return [convert(row, self.scheme if scheme == "none" else scheme, self.scheme) for row in tags]

    def favour(self, threshold: float) -> Tensor | None:
        """(K,) for `TaggerModel.decode`: an entity is worth so many nats, wherever it begins; None where nothing is.

        Not each of its words: that would make long entities of short ones.
        """
        if self.plain or not threshold:
            return None
        return torch.tensor([threshold if name[:2] in ("B-", "S-") else 0.0 for name in self.names])

    def columns(self, p: np.ndarray) -> np.ndarray:
        """Probabilities of the model's tags (T, K) as those of `classes` (T, C): a word that is E is I to IOB2."""
        out = np.zeros((len(p), len(self.classes)), p.dtype)
        for k, column in enumerate(self._column):
            out[:, column] += p[:, k]
        return out

    def chosen(self, tags: Sequence[str], p: np.ndarray) -> np.ndarray:
        """Of the probabilities of `classes` (T, C) those of the user's tags, (T,); 0 for a tag that there is not."""
        places = [self._places.get(tag, -1) for tag in self.as_classes(tags)]
        return np.where(np.array(places) < 0, 0, p[np.arange(len(p)), places])

    def _outwards(self, name: str) -> str:
        if self.outer == "IOB2" and name[:1] in "ES" and name != "O":
            return ("I" if name[0] == "E" else "B") + name[1:]
        return name


def transition_rules(names: Sequence[str]) -> tuple[Tensor, Tensor, Tensor]:
    """What IOB2 or IOBES allows, for a CRF over the tags `names` (K of them).

    Returns:
        `allowed` (K, K), from row to column, `allowed_start` (K,) and `allowed_end` (K,), all bool.
    """
    closes = any(n[:1] in "ES" for n in names)  # IOBES: an entity must also be closed
    K = len(names)
    allowed = torch.zeros(K, K, dtype=torch.bool)
    parts = [(n[:1], n[2:]) for n in names]
    for i, (before, type_before) in enumerate(parts):
        for j, (position, type_) in enumerate(parts):
            inside = before in "BI" and type_ == type_before
            must_go_on = closes and before in "BI"
            allowed[i, j] = inside if position in "IE" else not must_go_on
    start = torch.tensor([position not in "IE" for position, _ in parts])
    end = torch.tensor([not (closes and position in "BI") for position, _ in parts])
    return allowed, start, end

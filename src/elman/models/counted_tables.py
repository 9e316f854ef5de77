"""Counted n-grams beside a network: what is said of a word is then

    p = (1 - share) p_network + share p_counted

(as Mikolov et al. 2010 mix both, sec. 4). A network says better what kind of thing comes; counts have by heart how the
frequent words and turns go on. The share is that with which validation texts are likeliest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from elman.models.kneser_ney import KneserNey, Tables

__all__ = ["CountedTables"]

_PARTS = ("contexts", "entries", "gains", "shares")
_ROUNDED = 0.01  # by which the chances of a context may miss 1, stored in 16 bits at worst


class CountedTables(nn.Module):
    """A `KneserNey` as a part of a model, which is saved with it: whole numbers, and probabilities in float32.

    Args:
        sizes: of each order, how many contexts and how many entries there are.
        size: V.

    Attributes:
        share: () of the probability.
    """

    share: Tensor

    def __init__(self, sizes: Sequence[Sequence[int]], size: int) -> None:
        super().__init__()
        self.sizes, self.size = [tuple(pair) for pair in sizes], size
        self.register_buffer("share", torch.zeros(()))
        for j, (contexts, entries) in enumerate(self.sizes, 1):
            for name, many in zip(_PARTS, (contexts, entries, entries, contexts)):
                dtype = torch.int64 if name in ("contexts", "entries") else torch.float32
                self.register_buffer(f"{name}_{j}", torch.zeros(many, dtype=dtype))

    @classmethod
    def of(cls, model: KneserNey, share: float) -> CountedTables:
        """The tables of a model that is fitted."""
        tables = model.tables()
        new = cls([(len(contexts), len(entries)) for contexts, entries, *_ in tables], model.size)
        new.share.fill_(share)
        for mine, table in zip(new._tables(), tables, strict=True):
            for one, values in zip(mine, table, strict=True):
                one.copy_(torch.from_numpy(values))
        return new

    def model(self) -> KneserNey:
        """What they were made of; probabilities are those that float32 holds."""
        tables = [[one.cpu().numpy() for one in parts] for parts in self._tables()]
        return KneserNey.of_tables([Tables(c, e, g.astype(float), s.astype(float)) for c, e, g, s in tables], self.size)

    def wrong(self) -> str:
        """What in them cannot be; nothing of tables that were counted."""
        if not 0 <= float(self.share) <= 1:
            return f"a share of {float(self.share)}"
        for j, (contexts, entries, gains, shares) in enumerate(self._tables(), 1):
            for keys in (contexts, entries):
                if len(keys) and (int(keys[0]) < 0 or bool((keys[1:] <= keys[:-1]).any())):
                    return f"{j}-grams out of order"
            if not len(contexts) or (len(entries) and int(entries[-1]) >= len(contexts) * self.size):
                return f"{j}-grams of contexts that are none"
            for chances in (gains, shares):
                if len(chances) and not 0 <= float(chances.min()) <= float(chances.max()) <= 1:
                    return f"{j}-grams with chances that are none"
            sums = shares.double().index_add(0, entries // self.size, gains.double())
            if float((sums - 1).abs().max()) > _ROUNDED:
                return f"{j}-grams whose chances do not add up to 1"
        return ""

    def _tables(self) -> Iterator[list[Tensor]]:
        for j in range(1, len(self.sizes) + 1):
            yield [self.get_buffer(f"{name}_{j}") for name in _PARTS]

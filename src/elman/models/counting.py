"""Count what is to suggest words beside a network, and find how much it may say."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from elman.models.counted_tables import CountedTables
from elman.models.kneser_ney import KneserNey
from elman.models.language_network import LanguageNetwork
from elman.models.reading import CountedReader, MixedReader, Reader, network_reader
from elman.models.text_stream import StreamedTexts, foretold, surprises

__all__ = ["COUNTED", "best_share", "counted_beside", "suggesting_reader"]

COUNTED = 2_000_000  # units that are counted, the last of a text
_SHARES = np.arange(0, 20) / 20
_USUAL = 0.4  # where nothing is held out


def counted_beside(
    network: LanguageNetwork, order: int, train: StreamedTexts, valid: StreamedTexts | None
) -> CountedTables:
    """The n-grams of a training text, with the share that suits a validation text."""
    counted = KneserNey(order, network.size).fit([train.numbers[-COUNTED:]])
    if valid is None:
        return CountedTables.of(counted, _USUAL)
    said = [part.double().numpy() for part in surprises(network, valid.numbers)]
    return CountedTables.of(counted, best_share(np.concatenate(said), np.concatenate(list(foretold(counted, valid)))))


def suggesting_reader(network: LanguageNetwork) -> Reader:
    """What suggests words: the network, with what is counted beside it."""
    reader = network_reader(network)
    if network.counted is None or not float(network.counted.share):
        return reader
    return MixedReader(reader, CountedReader(network.counted.model()), float(network.counted.share))


def best_share(network: NDArray[np.float64], counted: NDArray[np.float64]) -> float:
    """The share of the counts with which the units are likeliest, to a twentieth; (N,) ln p of each by both. Of no unit
    it is 0."""
    nll = [-np.logaddexp(network + math.log(1 - s), counted + math.log(s) if s else -np.inf).sum() for s in _SHARES]
    return float(_SHARES[int(np.argmin(nll))])

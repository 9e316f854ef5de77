"""Layers over time: deep, bidirectional, with dropout that time shares, for any cell."""

from elman.layers.dropin import GRU, LSTM, RNN
from elman.layers.recurrent import Recurrent

__all__ = ["GRU", "LSTM", "RNN", "Recurrent"]

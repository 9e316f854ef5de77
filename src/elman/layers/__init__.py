"""Layers over time: deep, bidirectional, with dropout that time shares, for any cell; and a CRF to decide by."""

from elman.layers.crf import CRF
from elman.layers.dropin import GRU, LSTM, RNN
from elman.layers.recurrent import Recurrent

__all__ = ["CRF", "GRU", "LSTM", "RNN", "Recurrent"]

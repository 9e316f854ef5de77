"""Layers over time, deep and bidirectional, for any cell; attention; and a CRF to decide by."""

from elman.layers.attention import Attention
from elman.layers.chrono import chrono_
from elman.layers.crf import CRF
from elman.layers.dropin import GRU, LSTM, RNN
from elman.layers.recurrent import Recurrent

__all__ = ["CRF", "GRU", "LSTM", "RNN", "Attention", "Recurrent", "chrono_"]

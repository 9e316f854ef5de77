"""The layers under the name that users of `torch.nn` look for."""

from elman.layers import CRF, GRU, LSTM, RNN, Attention, Recurrent, chrono_

__all__ = ["CRF", "GRU", "LSTM", "RNN", "Attention", "Recurrent", "chrono_"]

"""The layers under the name that users of `torch.nn` look for."""

from elman.layers import CRF, GRU, LSTM, RNN, Attention, Recurrent

__all__ = ["CRF", "GRU", "LSTM", "RNN", "Attention", "Recurrent"]

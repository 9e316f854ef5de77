"""The layers under the name that users of `torch.nn` look for."""

from elman.layers import GRU, LSTM, RNN, Recurrent

__all__ = ["GRU", "LSTM", "RNN", "Recurrent"]

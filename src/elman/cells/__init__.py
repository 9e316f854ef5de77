"""The cells of the literature, one equation each."""

from elman.cells.gru import GRU, GRUAfter, LayerNormGRU
from elman.cells.lstm import LSTM, PeepholeLSTM, ProjectedLSTM
from elman.cells.rnn import RNN, Elman, Jordan

__all__ = ["GRU", "LSTM", "RNN", "Elman", "GRUAfter", "Jordan", "LayerNormGRU", "PeepholeLSTM", "ProjectedLSTM"]

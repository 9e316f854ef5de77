"""The cells of the literature, one equation each."""

from elman.cells.elementwise import SRU, IndRNN, MinGRU, MinLSTM
from elman.cells.gated import CFN, LEM, MGU, UGRNN, MinimalRNN
from elman.cells.gru import GRU, GRUAfter, LayerNormGRU
from elman.cells.lstm import LSTM, SLSTM, CoupledLSTM, LayerNormLSTM, PeepholeLSTM, ProjectedLSTM
from elman.cells.rnn import RNN, Elman, Jordan

__all__ = [
    "CFN",
    "GRU",
    "LEM",
    "LSTM",
    "MGU",
    "RNN",
    "SLSTM",
    "SRU",
    "UGRNN",
    "CoupledLSTM",
    "Elman",
    "GRUAfter",
    "IndRNN",
    "Jordan",
    "LayerNormGRU",
    "LayerNormLSTM",
    "MinGRU",
    "MinLSTM",
    "MinimalRNN",
    "PeepholeLSTM",
    "ProjectedLSTM",
]

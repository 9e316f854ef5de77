"""A language model whose matrices are read in 8 bits where units are read one by one: a quarter of the bytes."""

from __future__ import annotations

import copy

import torch

from elman.engines.eight import Kept, rounded
from elman.errors import InputError
from elman.models.language_network import Block, LanguageNetwork

__all__ = ["eight_bits"]


def eight_bits(network: LanguageNetwork) -> LanguageNetwork:
    """A copy that computes with the matrices of its cells and of a full softmax as 8 bits hold them, however it is
    called: what reads unit by unit takes them in 8 bits, everything else the same numbers in its own dtype.

    Raises:
        InputError: residual layers, which are more than cells and are read in float32 alone.
    """
    if not all(isinstance(block, Block) and not block.residual for block in network.blocks):
        raise InputError("only plain layers are read in 8 bits", where="answer.weights", remedy="leave it at float32")
    made = copy.deepcopy(network).eval()
    matrices: list[torch.Tensor] = [w for block in made.blocks for w in block.parameters() if w.dim() == 2]
    if made.adaptive is None:
        matrices.append(made.softmax.weight)  # tied: of the embedding, too
    with torch.no_grad():
        for w in matrices:
            w.copy_(rounded(w))
    made.eight = Kept()
    return made

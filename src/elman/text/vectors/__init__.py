"""Word vectors: trained from text (CBOW, skip-gram), read and written in the usual formats, judged, and used."""

from __future__ import annotations

from elman.text.vectors.embedding import embedding_matrix
from elman.text.vectors.judgement import evaluate
from elman.text.vectors.training import Progress, Settings, train
from elman.text.vectors.words import WordVectors

__all__ = ["Progress", "Settings", "WordVectors", "embedding_matrix", "evaluate", "train"]

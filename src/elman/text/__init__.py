"""Words to features: the stages of the text chain, tokens, vocabulary, n-grams.

Importing this room imports none of the libraries that its stages use; each loads with the first stage that needs it.
"""

from __future__ import annotations

from elman.text.chain import Chain
from elman.text.stages import STAGES
from elman.text.tag import Tagger
from elman.text.vocabulary import Vocabulary

__all__ = ["STAGES", "Chain", "Tagger", "Vocabulary"]

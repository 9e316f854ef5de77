"""What a user should know before a transcriber is trained: what of the data teaches nothing, or cannot be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from elman.data.speech import Utterances
from elman.layers.ctc import frames_needed
from elman.models.frames import steps_of
from elman.models.symbols import Symbols
from elman.signals.signal import few

__all__ = ["short_of", "told_of"]

_NAMED = 5


def told_of(parts: Mapping[str, Utterances], symbols: Symbols, stride: int, words: Sequence[str]) -> list[str]:
    """Which recordings are too short for their transcripts, which transcripts say what was never learned, and which
    words of a lexicon cannot be written.

    Args:
        stride: frames from one step to the next.
    """
    told = []
    for part, some in parts.items():
        short = short_of(some, symbols, stride)
        if short:
            told.append(
                f"{len(short):,} of {len(some):,} {part} recordings have fewer steps than their transcripts need, "
                f"and teach nothing: {_named(some, short)}"
            )
        strange = [(i, unknown) for i, text in enumerate(some.texts or ()) if (unknown := symbols.unknown(text))]
        if strange:
            letters = "".join(dict.fromkeys(letter for _, unknown in strange for letter in unknown))
            named = _named(some, [i for i, _ in strange])
            told.append(f"{len(strange):,} {part} transcripts say what was never learned ({letters!r}): {named}")
    lost = [word for word in words if symbols.unknown(word)]
    if lost:
        what = f"{len(lost):,} of {len(words):,} words of the lexicon have letters that no transcript has"
        told.append(f"{what}, and are never written: {few(lost)}")
    return told


def short_of(examples: Utterances, symbols: Symbols, stride: int) -> list[int]:
    """Recordings whose steps cannot hold their transcripts."""
    sizes = zip(examples.frames, symbols.encode(list(examples.texts or ())))
    return [i for i, (x, target) in enumerate(sizes) if frames_needed(target) > int(steps_of(len(x), stride))]


def _named(some: Utterances, picks: Sequence[int]) -> str:
    return ", ".join(some.names[i] for i in picks[:_NAMED]) + " ..." * (len(picks) > _NAMED)

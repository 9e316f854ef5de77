"""What a transcriber has to beat."""

from __future__ import annotations

from collections import Counter

from elman.data.speech import Utterances
from elman.models.frames import FrameSettings
from elman.models.linear_frames import LinearFrames
from elman.tasks.contract import Baseline, Split
from elman.tasks.transcribe.estimator import Transcriber
from elman.tasks.transcribe.figures import transcript_figures
from elman.tasks.transcribe.search import greedy

__all__ = ["baselines"]


def baselines(estimator: Transcriber, data: Split[Utterances]) -> list[Baseline]:
    """A linear model of a window of frames, and the commonest transcript, whatever was said."""
    frames, symbols = estimator.settings(FrameSettings), estimator.symbols_
    test = estimator.encoded(data.test)
    linear = LinearFrames(frames, estimator.features_, len(symbols), seed=estimator.seed)
    linear.fit(estimator.encoded(data.train))
    answers = [symbols.decode(greedy(one)) for one in linear.log_probs(test.frames)]
    window = (2 * linear.around * frames.stride + frames.stack) / data.test.rate
    counts = Counter(" ".join(text.split()) for text in data.train.texts or ())
    usual = max(counts, key=lambda text: (counts[text], text))
    return [
        Baseline(
            "no memory",
            f"each symbol from {window:.2f} seconds of frames around it, by a linear model learned with CTC",
            transcript_figures(test.texts, answers),
        ),
        Baseline(
            "one answer",
            f"the commonest transcript of the training part, {usual!r}, whatever was said",
            transcript_figures(test.texts, [usual] * len(test.texts)),
        ),
    ]

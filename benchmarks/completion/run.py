"""What completion costs and saves: milliseconds a key on one thread, and keys saved on a larger part of the test text.

    elman train autocomplete --out runs/autocomplete
    python benchmarks/completion/run.py runs/autocomplete

Types the test text of the packaged Shakespeare key by key, asks for three words after each, and prints how long each
answer took, the reading of the key among it, without and with what was typed counted (`answer.learn`). Then it counts
the keys that the suggestions save, beside those of counted n-grams, which learn too, and of the most frequent words.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from elman import LanguageModel
from elman.config.settings import DataSettings
from elman.data.texts import load_texts
from elman.models.completing import Completer
from elman.models.frequent_words import FrequentWords
from elman.models.kneser_ney import KneserNey
from elman.models.reading import CountedReader, network_reader
from elman.tasks.generate.keystrokes import keystrokes
from elman.text.spelling import Spelling

ORDER = 8  # of the counted n-grams: the best on the validation text


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("run", type=Path)
    parser.add_argument("--keys", type=int, default=1000)
    parser.add_argument("--characters", type=int, default=20_000)
    given = parser.parse_args()
    torch.set_num_threads(1)
    texts, _ = load_texts(DataSettings(path="packaged:shakespeare"))
    model = LanguageModel.load(given.run)
    (test,), units = texts["test"].texts, model.units_
    spelling = Spelling(units)

    for learn in (False, True) if given.keys else ():
        completer, took, steps = model.completer(learn), [], []
        completer(test[:2000])
        for i in range(2001, 2001 + given.keys):
            before, start = completer.steps, time.perf_counter()
            completer(test[:i])
            took.append(1000 * (time.perf_counter() - start))
            steps.append(completer.steps - before)
        quartiles = " / ".join(f"{q:.1f}" for q in np.percentile(took, [25, 50, 75, 95]))
        print(
            f"{'learning: ' * learn}{quartiles} ms a key (25, 50, 75, 95 %), "
            f"{np.mean(steps):.1f} steps of the network on average",
            flush=True,
        )

    numbers = np.array([2, *units.encode(texts["train"].texts[0])])
    counted = CountedReader(KneserNey(ORDER, len(units)).fit([numbers]))
    ways = {
        "model": model.completer(),
        "model, learning": model.completer(learn=True),
        "network alone": Completer(network_reader(model.model_), units),
        f"{ORDER}-grams": Completer(counted, units),
        f"{ORDER}-grams, learning": Completer(counted, units, learn=True),
        "most frequent": FrequentWords(texts["train"].texts, spelling),
    }
    for name, complete in ways.items():
        found = keystrokes(complete, [test], spelling, given.characters)
        print(
            f"{name}: {found['keystrokes_saved']:.3f} of {found['keystrokes']:,} keys saved, "
            f"{found['keystrokes_saved_typing_blanks']:.3f} where the blank behind a word is typed",
            flush=True,
        )


if __name__ == "__main__":
    main()

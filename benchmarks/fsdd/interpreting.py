"""Spoken digit strings: written down, and read as numbers in German and French, at once or by way of the transcript.

python benchmarks/fsdd/strings.py FSDD STRINGS --train 3000 --least 1 --most 4
python benchmarks/fsdd/interpreting.py STRINGS OUT.json [--languages german french] [--without cascade] [KEY=VALUE ...]

The transcriber is that of digits.toml. An interpreter hears the strings and writes the numbers, the transcripts of its
training strings telling its encoder what is said; beside it a translator that learned from the true transcripts of the
same strings writes them of what the transcriber heard, and of what was said. All choose their epoch on the validation
part. Figures are per cent of strings that are right to the letter. KEY=VALUE changes the interpreter.
"""

from __future__ import annotations

import argparse
import json
import time
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import elman
from elman.config.settings import DataSettings
from elman.data.parallel import Pairs
from elman.data.speech import Utterances, load_speech
from elman.tasks.interpret.estimator import Heard
from elman.training.progress import Bar
from speakers import parameters

WORDS = {"units": "bpe", "vocabulary": 80, "shared": False}
INTERPRETER: dict[str, Any] = {
    **WORDS, "stack": 3, "embedding": 96, "hidden": 96, "layers": 2, "attention": "inside", "scoring": "additive",
    "hear": 1.0, "dropout": 0.2, "speed": 0.15, "time_masks": 1, "epochs": 16, "batch_size": 16, "rate": 4e-3,
    "clip_norm": 5.0, "beam": 4,
}  # fmt: skip
TRANSLATOR: dict[str, Any] = {
    **WORDS, "embedding": 64, "hidden": 64, "attention": "after", "scoring": "general", "dropout": 0.1, "epochs": 12,
    "rate": 5e-3, "beam": 4,
}  # fmt: skip
TRANSCRIBER: dict[str, Any] = {"stack": 3, "epochs": 10}


LANGUAGES = ("german", "french")


def right(answers: list[str], wanted: Any) -> float:
    """Per cent that are what they should be, to the letter."""
    return round(100 * sum(a == b for a, b in zip(answers, wanted, strict=True)) / len(wanted), 2)


def cascade(parts: dict[str, Utterances], languages: dict[str, dict[str, Utterances]]) -> dict[str, Any]:
    """The transcriber, and by language what a translator makes of what it heard."""
    began = time.process_time()
    transcriber = elman.Transcriber(**{**parameters([]), **TRANSCRIBER}).fit_parts(parts["train"], parts["valid"])
    seconds = round(time.process_time() - began)
    scores = transcriber.judge(parts["test"])
    heard, said = [one.text for one in transcriber.heard(parts["test"])], list(parts["test"].texts or ())
    found: dict[str, Any] = {"transcriber": {k: scores[k] for k in ("wer", "cer", "wer_greedy", "n", "words")}}
    found["transcriber"] |= {"strings right": right(heard, said), "cpu seconds": seconds}
    for language, told in languages.items():
        pairs = {p: Pairs(list(parts[p].texts or ()), list(told[p].texts or ())) for p in ("train", "valid")}
        translator = elman.Translator(**TRANSLATOR).fit_parts(pairs["train"], pairs["valid"])
        wanted = list(told["test"].texts or ())
        found[language] = {
            "transcribed, then translated": right(translator.predict(heard), wanted),
            "translated from what was said": right(translator.predict(said), wanted),
        }
    return found


def main() -> None:
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("strings")
    asked.add_argument("out", type=Path)
    asked.add_argument("changes", nargs="*", metavar="KEY=VALUE")
    asked.add_argument("--languages", nargs="+", default=list(LANGUAGES), choices=LANGUAGES)
    asked.add_argument("--without", nargs="+", default=[], choices=("cascade", "interpreter"))
    given = asked.parse_args()
    told = {name: load_speech(DataSettings(path=given.strings, target=name))[0] for name in given.languages}
    first = told[given.languages[0]]  # whose transcripts are those of the others
    parts = {name: replace(part, texts=part.said, said=()) for name, part in first.items()}
    found = {} if "cascade" in given.without else cascade(parts, told)
    if found:
        print(found, flush=True)
    for language in given.languages if "interpreter" not in given.without else ():
        began, own = time.process_time(), told[language]
        interpreter = elman.Interpreter(**{**INTERPRETER, **tomllib.loads("\n".join(given.changes))})
        interpreter.fit_parts(*(Heard.these(own[part]) for part in ("train", "valid")), progress=Bar(), title=language)
        seconds = round(time.process_time() - began)
        answers = interpreter.predict(own["test"].frames)
        own_figures = {"interpreter": right(answers, own["test"].texts), "cpu seconds": seconds}
        found[language] = {**found.get(language, {}), **own_figures}
        print(language, found[language], flush=True)
        interpreter.save(given.out.with_suffix(f".{language}"))
        given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

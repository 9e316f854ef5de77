"""Spoken digit strings: written down, and read as numbers in German and French, at once or by way of the transcript.

python benchmarks/fsdd/strings.py FSDD STRINGS --train 3000 --least 1 --most 4
python benchmarks/fsdd/interpreting.py STRINGS OUT.json [KEY=VALUE ...]

The transcriber is that of digits.toml. An interpreter hears the strings and writes the numbers; beside it a translator
that learned from the true transcripts of the same strings writes them of what the transcriber heard, and of what was
said. All choose their epoch on the validation part. Figures are per cent of strings that are right to the letter.
"""

from __future__ import annotations

import json
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import elman
from elman.config.settings import DataSettings
from elman.data.parallel import Pairs
from elman.data.speech import load_speech
from elman.tasks.interpret.estimator import Heard
from speakers import parameters

WORDS = {"units": "bpe", "vocabulary": 80, "shared": False}
INTERPRETER: dict[str, Any] = {
    **WORDS, "stack": 3, "embedding": 96, "hidden": 96, "layers": 2, "attention": "after", "scoring": "general",
    "dropout": 0.2, "speed": 0.15, "time_masks": 1, "epochs": 16, "batch_size": 16, "rate": 4e-3, "clip_norm": 5.0,
    "beam": 4,
}  # fmt: skip
TRANSLATOR: dict[str, Any] = {
    **WORDS, "embedding": 64, "hidden": 64, "attention": "after", "scoring": "general", "dropout": 0.1, "epochs": 12,
    "rate": 5e-3, "beam": 4,
}  # fmt: skip
TRANSCRIBER: dict[str, Any] = {"stack": 3, "epochs": 10}


def right(answers: list[str], wanted: Any) -> float:
    """Per cent that are what they should be, to the letter."""
    return round(100 * sum(a == b for a, b in zip(answers, wanted, strict=True)) / len(wanted), 2)


def main() -> None:
    strings, out = sys.argv[1], Path(sys.argv[2])
    changes = tomllib.loads("\n".join(sys.argv[3:]))
    parts, notes = load_speech(DataSettings(path=strings, target="text"))
    print(*notes, sep="\n", flush=True)
    began = time.process_time()
    transcriber = elman.Transcriber(**{**parameters([]), **TRANSCRIBER, **changes})
    transcriber.fit_parts(parts["train"], parts["valid"])
    scores = transcriber.judge(parts["test"])
    found: dict[str, Any] = {"transcriber": {k: scores[k] for k in ("wer", "cer", "wer_greedy", "n", "words")}}
    found["transcriber"]["cpu seconds"] = round(time.process_time() - began)
    print(found, flush=True)
    heard = [one.text for one in transcriber.heard(parts["test"])]
    said = list(parts["test"].texts or ())
    found["transcriber"]["strings right"] = right(heard, said)
    for language in ("german", "french"):
        told, _ = load_speech(DataSettings(path=strings, target=language))
        began = time.process_time()
        interpreter = elman.Interpreter(**INTERPRETER)
        interpreter.fit_parts(Heard.these(told["train"]), Heard.these(told["valid"]))
        seconds = time.process_time() - began
        pairs = {p: Pairs(list(parts[p].texts or ()), list(told[p].texts or ())) for p in ("train", "valid")}
        translator = elman.Translator(**TRANSLATOR).fit_parts(pairs["train"], pairs["valid"])
        wanted = list(told["test"].texts or ())
        found[language] = {
            "interpreter": right(interpreter.predict(told["test"].frames), wanted),
            "transcribed, then translated": right(translator.predict(heard), wanted),
            "translated from what was said": right(translator.predict(said), wanted),
            "cpu seconds": round(seconds),
        }
        print(language, found[language], flush=True)
        interpreter.save(out.with_suffix(f".{language}"))
        out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

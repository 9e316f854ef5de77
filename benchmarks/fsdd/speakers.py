"""Spoken digits of a speaker who was never heard: each of FSDD's six held out in turn, reported one by one.

python benchmarks/fsdd/speakers.py FSDD OUT.json [KEY=VALUE ...]

As digits.toml says, but for what is set behind it. Of those who are left takes 0 to 4 choose the epoch.
"""

from __future__ import annotations

import json
import sys
import time
import tomllib
from pathlib import Path

import elman
from elman.config.settings import DataSettings
from elman.data.speech import Utterances, load_speech

RECIPE = Path(__file__).with_name("digits.toml")


def parameters(changes: list[str]) -> dict[str, object]:
    """Of the recipe, as the estimator has them."""
    sections = tomllib.loads(RECIPE.read_text(encoding="utf-8"))
    found = {k: v for section in sections.values() if isinstance(section, dict) for k, v in section.items()}
    return {**found, **tomllib.loads("\n".join(changes))}


def whole(fsdd: Path) -> Utterances:
    """All recordings, in the order of their names."""
    parts, _ = load_speech(DataSettings(path=str(fsdd)))
    one, *others = parts.values()
    columns = {
        name: [value for part in (one, *others) for value in getattr(part, name)]
        for name in ("frames", "texts", "names", "speakers")
    }
    order = sorted(range(len(columns["names"])), key=columns["names"].__getitem__)
    found = Utterances(**columns, rate=one.rate, samples=one.samples)
    return found.take(order)


def main() -> None:
    some, settings = whole(Path(sys.argv[1])), parameters(sys.argv[3:])
    found: dict[str, dict[str, float]] = {}
    for speaker in sorted({*some.speakers}):
        test = [i for i, s in enumerate(some.speakers) if s == speaker]
        rest = [i for i, s in enumerate(some.speakers) if s != speaker]
        valid = [i for i in rest if int(some.names[i].split("_")[-1]) < 5]
        train = sorted({*rest} - {*valid})
        began = time.process_time()
        model = elman.Transcriber(**settings).fit_parts(some.take(train), some.take(valid))
        scores = model.judge(some.take(test))
        right = {"right": 100 - 100 * scores["wer"], "right, greedy": 100 - 100 * scores["wer_greedy"]}
        found[speaker] = {k: round(v, 2) for k, v in right.items()} | {
            "cpu seconds": round(time.process_time() - began)
        }
        print(speaker, found[speaker], flush=True)
    found["mean"] = {k: round(sum(row[k] for row in found.values()) / len(found), 2) for k in found[speaker]}
    Path(sys.argv[2]).write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print("mean", found["mean"])


if __name__ == "__main__":
    main()

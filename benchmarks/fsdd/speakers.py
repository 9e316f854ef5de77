"""Spoken digits of a speaker who was never heard: each of FSDD's six held out in turn, reported one by one.

python benchmarks/fsdd/speakers.py FSDD OUT [--set KEY=VALUE ...]

Of those who are left takes 0 to 4 choose the epoch. OUT gets a manifest and a RUN for each, and what they came to.
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

from elman.data.spoken_digits import DIGITS, spoken_digits


def listed(fsdd: Path, path: Path, held: str) -> None:
    """A manifest in which one speaker is the test."""
    rows = [["path", "text", "speaker", "part"]]
    for one in spoken_digits(fsdd):
        part = "test" if one.speaker == held else "valid" if one.part == "test" else "train"
        rows.append([str(one.path.resolve()), DIGITS[one.digit], one.speaker, part])
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)


def main() -> None:
    fsdd, out, more = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    out.mkdir(parents=True, exist_ok=True)
    found = {}
    for speaker in sorted({one.speaker for one in spoken_digits(fsdd)}):
        manifest, run = out / f"{speaker}.csv", out / speaker
        listed(fsdd, manifest, speaker)
        command = [sys.executable, "-m", "elman.cli", "train", "transcribe", "--data", str(manifest)]
        subprocess.run([*command, "--out", str(run), "--force", *more], check=True)
        test = json.loads((run / "metrics.json").read_text(encoding="utf-8"))["test"]
        found[speaker] = {"wrong": round(100 * test["wer"], 2), "greedy": round(100 * test["wer_greedy"], 2)}
        print(speaker, found[speaker], flush=True)
    found["mean"] = {k: round(sum(row[k] for row in found.values()) / len(found), 2) for k in ("wrong", "greedy")}
    (out / "speakers.json").write_text(json.dumps(found, indent=1), encoding="utf-8")
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()

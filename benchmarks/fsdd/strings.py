"""Strings of spoken digits, made by joining recordings of the Free Spoken Digit Dataset: WAV files and a manifest.

python benchmarks/fsdd/strings.py FSDD OUT [--train N] [--test N] [--least 3] [--most 7] [--held SPEAKER]

Each is of one speaker, with silences of 20 to 200 ms, the same every time. Takes 0 to 4 stand in test strings alone, 5
to 9 in validation strings, the others in training. With --held nobody but that speaker is in the test, in all takes,
and in nothing else. The manifest has path, text, speaker, part, and the string as a number, in German and in French.
"""

from __future__ import annotations

import argparse
import csv
import wave
from collections import defaultdict
from pathlib import Path

import numpy as np

from elman.data.spoken_digits import DIGITS, SpokenDigit, spoken_digits

RATE = 8000
NOISE = 8.0  # of 32,768: what a silence is, about as loud as those of the recordings
VALID = 10  # takes below this and not of the test choose the epoch


def part_of(one: SpokenDigit, held: str) -> str:
    if held:
        return "test" if one.speaker == held else "valid" if one.part == "test" else "train"
    return "test" if one.part == "test" else "valid" if one.take < VALID else "train"


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (RATE, 2, 1), path
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)


def joined(clips: list[np.ndarray], draw: np.random.Generator) -> np.ndarray:
    """The clips with silences around and between them, as 16-bit numbers."""
    pieces = []
    for clip in clips:
        pieces += [NOISE * draw.standard_normal(int(draw.uniform(0.02, 0.2) * RATE)), clip]
    pieces.append(NOISE * draw.standard_normal(int(draw.uniform(0.02, 0.2) * RATE)))
    return np.clip(np.round(np.concatenate(pieces)), -32768, 32767).astype("<i2")


def make(fsdd: Path, out: Path, counts: dict[str, int], sizes: tuple[int, int], held: str = "") -> None:
    """Write the strings."""
    of: dict[tuple[str, str], dict[int, list[Path]]] = defaultdict(lambda: defaultdict(list))
    for one in spoken_digits(fsdd):
        of[part_of(one, held), one.speaker][one.digit].append(one.path)
    out.mkdir(parents=True)
    rows = []
    for seed, (part, count) in enumerate(counts.items()):
        draw = np.random.default_rng(seed)
        speakers = sorted(speaker for p, speaker in of if p == part)
        for n in range(count):
            speaker = speakers[n % len(speakers)]
            digits = draw.integers(0, 10, draw.integers(sizes[0], sizes[1] + 1)).tolist()
            if len(digits) > 1 and not digits[0]:
                digits[0] = int(draw.integers(1, 10))  # a number has no nought before it
            takes = [of[part, speaker][digit] for digit in digits]
            sound = joined([samples(some[draw.integers(len(some))]) for some in takes], draw)
            name = f"{part}_{n:05}.wav"
            with wave.open(str(out / name), "wb") as file:
                file.setnchannels(1)
                file.setsampwidth(2)
                file.setframerate(RATE)
                file.writeframes(sound.tobytes())
            number = int("".join(map(str, digits)))
            numbers = (german(number), french(number)) if number < 10_000 else ("", "")
            rows.append([name, " ".join(DIGITS[d] for d in digits), speaker, part, *numbers])
    with (out / "manifest.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([["path", "text", "speaker", "part", "german", "french"], *rows])


# -- numbers as they are read -----------------------------------------------------------------------------------------

_GERMAN = (
    "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun", "zehn", "elf", "zwölf",
    "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
)  # fmt: skip
_GERMAN_TENS = ("", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig")
_FRENCH = (
    "zéro", "un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf", "dix", "onze", "douze", "treize",
    "quatorze", "quinze", "seize", "dix-sept", "dix-huit", "dix-neuf",
)  # fmt: skip
_FRENCH_TENS = (
    "", "", "vingt", "trente", "quarante", "cinquante", "soixante", "soixante", "quatre-vingt", "quatre-vingt"
)  # fmt: skip


def german(n: int) -> str:
    """0 to 9999: 4721 is viertausendsiebenhunderteinundzwanzig, the units before the tens."""
    if n < 20:
        return _GERMAN[n]
    if n < 100:
        tens, units = divmod(n, 10)
        return (f"{_units(units)}und" if units else "") + _GERMAN_TENS[tens]
    size, name = (1000, "tausend") if n >= 1000 else (100, "hundert")
    many, rest = divmod(n, size)
    return f"{_units(many)}{name}" + (german(rest) if rest else "")


def _units(n: int) -> str:
    return "ein" if n == 1 else _GERMAN[n]


def french(n: int) -> str:
    """0 to 9999: 4771 is quatre mille sept cent soixante et onze, seventy being sixty and ten."""
    if n < 20:
        return _FRENCH[n]
    if n < 100:
        tens, units = divmod(n, 10)
        if tens in (7, 9):
            units += 10
        if n == 80:
            return "quatre-vingts"
        if units in (1, 11) and tens < 8:
            return f"{_FRENCH_TENS[tens]} et {_FRENCH[units]}"
        return _FRENCH_TENS[tens] + (f"-{_FRENCH[units]}" if units else "")
    size, name = (1000, "mille") if n >= 1000 else (100, "cent")
    many, rest = divmod(n, size)
    head = name if many == 1 else f"{_FRENCH[many]} {name}" + "s" * (size == 100 and not rest)
    return f"{head} {french(rest)}" if rest else head


def main() -> None:
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("fsdd", type=Path)
    asked.add_argument("out", type=Path)
    asked.add_argument("--train", type=int, default=2000)
    asked.add_argument("--test", type=int, default=300)
    asked.add_argument("--least", type=int, default=3)
    asked.add_argument("--most", type=int, default=7)
    asked.add_argument("--held", default="")
    given = asked.parse_args()
    counts = {"train": given.train, "valid": given.test, "test": given.test}
    make(given.fsdd, given.out, counts, (given.least, given.most), given.held)


if __name__ == "__main__":
    main()

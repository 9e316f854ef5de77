"""The command `elman generate`."""

from __future__ import annotations

import json as json_text
import sys
from pathlib import Path
from typing import Any

from elman.console import SET
from elman.files import check_file, write_file

__all__ = ["generate"]


def generate(
    run: Path,
    /,
    *,
    start: str = "",
    length: int | None = None,
    temperature: float | None = None,
    seed: int | None = None,
    tempo: float | None = None,
    out: Path | None = None,
    json: bool = False,
    set: SET = None,
) -> int:
    """Let a trained model go on from a beginning.

    Parameters
    ----------
    run
        The folder that elman train wrote.
    start
        What to begin with; by default at the very beginning.
    length
        Units at most, as the model reads them: characters, words, subwords; of music frames.
    temperature
        Below 1 the likely is drawn more often; 0 takes the likeliest.
    seed
        Of what is drawn: with the same seed the same comes out.
    tempo
        Of music: beats a minute.
    out
        File for all of it; by default stdout. Of music the suffix says what it is: .mid, which a .wav and a .png are
        put beside, .wav, .png, .svg, .npz or .txt.
    json
        Print one JSON object on stdout.
    set
        How else to go on: answer.KEY=VALUE, such as answer.top_p=0.9.
    """
    from elman.tasks.use import Run

    opened = Run(run)
    opened.verb("generate")  # says so of one that cannot, before anything is asked of it
    given: dict[str, Any] = {"length": length, "temperature": temperature, "seed": seed, "tempo": tempo}
    opened.ask(set or [], {key: value for key, value in given.items() if value is not None})
    made = opened.verb("generate")(start, lambda line: print(line, file=sys.stderr))
    whole = made if isinstance(made, str) else made.text
    if out is not None:
        files = {out: whole.encode("utf-8")} if isinstance(made, str) else made.files(out)
        for path in files:
            check_file(path)
        for path, content in files.items():
            write_file(path, content)
        print(f"written to {', '.join(map(str, files))}", file=sys.stderr)
    if json:
        print(json_text.dumps({"start": start, "generated": whole}, ensure_ascii=False))
    elif out is None:
        print(whole)
    return 0

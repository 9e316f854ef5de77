"""The command `elman predict`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from elman.console import FLAG, JSON, SET, asked_and_read, print_json, print_shown
from elman.errors import InputError
from elman.files import check_apart, check_file, write_file

__all__ = ["predict"]


def predict(
    run: Path,
    input: str | None = None,
    /,
    *,
    data: str | None = None,
    column: Annotated[str | None, Parameter(name="--input")] = None,
    out: Path | None = None,
    nbest: int | None = None,
    beam: int | None = None,
    alignment: FLAG = False,
    stream: FLAG = False,
    rate: int = 16_000,
    horizon: str | None = None,
    set: SET = None,
    json: JSON = False,
) -> int:
    """Predict for one text, or for every row of a file, written back as a table; of texts for texts, as lines.

    Parameters
    ----------
    run
        The folder that elman train wrote.
    input
        One text; of a RUN that reads files, such as recordings, a file or folder of them.
    data
        A file of inputs, or - for a pipe.
    column
        Column of the inputs in that file; by default the one trained on.
    out
        File for the predictions; .csv, .tsv, .jsonl, .parquet, or .conll of tagged words. By default CSV on stdout.
        Texts for texts, one a line, stand in a file of any other name, and on stdout.
    nbest
        So many answers to each text, the best first; of RUNs that write texts.
    beam
        So many hypotheses are followed at once; likewise.
    alignment
        Show what was looked at as each unit was written; likewise.
    stream
        Of a RUN that follows a stream: write down sound from stdin (16 bits, one channel) as it comes, a word a line.
    rate
        Of that sound: samples a second.
    horizon
        So many steps ahead, or a time such as "2 weeks"; of RUNs that continue series.
    set
        How to read the file, where it differs from the training data: data.encoding=latin-1, data.format=table ...;
        and how to answer: answer.KEY=VALUE.
    """
    asked, read = asked_and_read(set)
    steps = int(horizon) if horizon is not None and horizon.isdigit() else horizon
    given = {"nbest": nbest, "beam": beam, "alignment": alignment or None, "horizon": steps}
    values = {key: value for key, value in given.items() if value is not None}
    if stream:
        if input is not None or data is not None or out is not None:
            raise InputError("a stream comes from stdin, and its words go to stdout", where="--stream",
                             remedy="leave out what else is named")  # fmt: skip
        from elman.cli.listening import follow
        from elman.tasks.use import Run

        follow(Run(run), rate, json)
        return 0
    if (input is None) == (data is None):
        raise InputError("give either one INPUT or --data PATH", where="elman predict")
    if input == "-":
        raise InputError("- is not text", where="elman predict", remedy="for a pipe write --data -")
    asks = out is not None or column is not None or bool(read)
    file = input is not None and os.path.exists(input) and _reads_files(run)
    if file and input is not None and (asks or os.path.isdir(input)):
        data, input = input, None
    if input is not None and not file and (asks or os.path.isfile(input)):
        raise InputError(
            f"{input} would be read as a text", where="elman predict", remedy=f"for a file write --data {input}"
        )
    if input is not None and not input.strip():
        raise InputError("the text is empty", where="elman predict", remedy="give at least one word")
    from elman.data.textfile import given_data
    from elman.tasks.find import data_of
    from elman.tasks.use import Run

    if out is not None:
        from elman.data.formats import check_writable, is_table_name, write_table

        check_file(out)
        check_apart(out, run, *(data or "").split(","))
        if is_table_name(out):
            check_writable(out)
    from elman.training.progress import Bar

    opened = Run(run, Bar().note)
    opened.ask(asked, values)
    if input is not None:
        found = opened.predict([input])
        if json:
            print_json({"predictions": found})
        else:
            shown = opened.show(found[0])
            print_shown(shown.answer, shown.beside)
        return 0
    with given_data(str(data)) as path:
        settings = data_of(run, path, read, {"input": column})
        if data == "-" and settings.format == "auto":
            settings = opened.piped(settings)
        examples = opened.read(settings)
    if opened.in_lines(examples) and not json and (out is None or not is_table_name(out)):
        lines = opened.lines(examples)
        text = "".join(f"{line}\n" for line in lines)
        if out is None:
            sys.stdout.write(text)
        else:
            write_file(out, text)
            print(f"{len(lines):,} lines written to {out}", file=sys.stderr)
        return 0
    if out is not None:
        check_writable(out)
    table = opened.table(examples)
    if out is not None:
        write_table(table, out)
        print(f"{len(table):,} predictions written to {out}", file=sys.stderr)
    if json:
        rows = [dict(zip(table.names, values)) for values in zip(*(table[name] for name in table.names))]
        print_json({"predictions": rows})
    elif out is None:
        from elman.data.formats.separated import csv_text

        sys.stdout.write(csv_text(table))
    return 0


def _reads_files(run: Path) -> bool:
    """Whether what a RUN is asked about are files; of one that is not there nobody knows."""
    from elman.tasks.find import task_of

    return os.path.isdir(run) and task_of(run).reads_files

"""The command `elman evaluate`."""

from __future__ import annotations

from pathlib import Path

from elman.console import JSON, SET, asked_and_read, print_figures, print_json

__all__ = ["evaluate"]


def evaluate(
    run: Path,
    /,
    *,
    data: str,
    input: str | None = None,
    target: str | None = None,
    set: SET = None,
    json: JSON = False,
) -> int:
    """Judge a trained model on a data file with labels.

    Parameters
    ----------
    run
        The folder that elman train wrote.
    data
        File or folder, or - for a pipe; where the data have parts, the test part.
    input
        Column of the inputs; by default the one trained on.
    target
        Column of the labels; likewise.
    set
        How to read the file, where it differs from the training data: data.encoding=latin-1, data.format=table ...;
        and how to answer: answer.KEY=VALUE.
    """
    asked, read = asked_and_read(set)
    from elman.data.textfile import given_data
    from elman.tasks.find import data_of
    from elman.tasks.use import Run
    from elman.training.progress import Bar

    with given_data(data) as path:
        settings = data_of(run, path, read, {"input": input, "target": target})
        opened = Run(run, Bar().note)
        opened.ask(asked, {})
        figures = opened.evaluate(settings)
    if json:
        print_json(figures)
    else:
        print_figures(figures, data)
    return 0

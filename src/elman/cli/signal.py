"""The command `elman signal`."""

from __future__ import annotations

from pathlib import Path

from elman.console import JSON, print_json, print_table
from elman.errors import InputError

__all__ = ["signal"]


def signal(
    file: Path,
    /,
    *,
    run: Path | None = None,
    stages: str | None = None,
    rate: float = 0.0,
    start: float = 0.0,
    end: float = 0.0,
    out: Path | None = None,
    json: JSON = False,
) -> int:
    """Show a recording after every stage of the signal chain: what each did, and with --out a page of pictures.

    Parameters
    ----------
    file
        WAV, FLAC, EDF, CSV or NPY.
    run
        A RUN, to see the chain that it was trained with; by default a usual one for sound, or for brain waves.
    stages
        Another chain, as a recipe writes it: '["mono", {name = "logmel", bins = 40}]'.
    rate
        Frames a second, of a file that does not say it.
    start
        Seconds from its beginning to the stretch that is shown.
    end
        Where the stretch ends, in seconds; 0 is the end of the file.
    out
        A page (.html) with a picture of every stage.
    """
    from elman.data.signal_files import read_signal
    from elman.files import check_file
    from elman.report.signal_pages import chain_for, signal_page, told

    if run is not None and stages is not None:
        raise InputError("--run and --stages are two ways to say it", remedy="give one of them")
    if out is not None:
        check_file(out)
    remarks: list[str] = []
    found = read_signal(file, rate, start, end, remarks.append)
    chain = chain_for(found, stages)
    if run is not None:
        from elman.tasks.find import task_of

        task = task_of(run)
        trained = getattr(task.kind.load(run), "signal_chain_", None)
        if trained is None:
            raise InputError("this RUN has no signal chain: it does not read recordings", where=str(run))
        chain = trained
    did = list(chain.trace(found))
    if json:
        print_json({"file": str(file), "notes": remarks, "stages": told(found, did)})
    else:
        for line in remarks:
            print(line)
        rows = [[str(value) for value in row.values()] for row in told(found, did)]
        print_table(["stage", "frames", "a second", "channels", "mean", "spread", "what it did"], rows)
    if out is not None:
        signal_page(out, str(file), found, did, remarks)
    return 0

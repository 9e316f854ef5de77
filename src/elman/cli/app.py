"""The command line: thin, one function a command. What is heavy is imported where it is used.

Results go to stdout, everything else to stderr. What a user can mend ends with one line and exit code 2.
"""

from __future__ import annotations

import atexit
import gc
import io
import os
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

from elman import __version__
from elman.cli.vectors import app as vectors_app
from elman.console import JSON, SET, print_figures, print_json, print_metrics, print_prediction, print_table
from elman.errors import InputError
from elman.files import check_apart, check_file, write_file
from elman.training.interrupt import ending_interrupts

app = App(
    name="elman",
    help="Recurrent networks, from a data file to a trained, explained and proven model.",
    version=__version__,
    suppress_keyboard_interrupt=False,
    help_format="plaintext",
)

app.command(vectors_app)


# -- training and use -------------------------------------------------------------------------------------------------


@app.command
def train(
    recipe: str,
    /,
    *,
    data: str | None = None,
    valid: str | None = None,
    test: str | None = None,
    input: str | None = None,
    target: str | None = None,
    out: Path | None = None,
    seed: int | None = None,
    set: SET = None,
    resume: Annotated[bool, Parameter(negative="")] = False,
    force: Annotated[bool, Parameter(negative="")] = False,
    ablate: Annotated[bool, Parameter(negative="")] = False,
    json: JSON = False,
) -> int:
    """Train a recipe, or a task on your own data, and write a RUN folder.

    Parameters
    ----------
    recipe
        A packaged recipe (see: elman recipes), a TOML file, or a task such as classify.
    data
        File or folder to train on.
    valid
        Validation file; without it a seeded split is made and stated.
    test
        Test file; likewise.
    input
        Column of the inputs; guessed and told if not given.
    target
        Column of the labels; likewise.
    out
        Folder to write; by default runs/RECIPE.
    seed
        Of weights, dropout and the order of the data.
    set
        Any setting of the recipe, as section.key=value; may be repeated.
    resume
        Go on where an interrupted training stopped, bit for bit.
    force
        Replace the RUN that is there, or the checkpoints of an interrupted training.
    ablate
        Then train the recipe without each of its text stages and inputs, and with each that it lacks, over several
        seeds, and write what each is worth on validation into the RUN. Takes seventy to eighty trainings.
    """
    started = time.perf_counter()
    from elman.tasks.find import recipe_of
    from elman.training.progress import Bar

    given = {
        "data.path": data,
        "data.valid": valid,
        "data.test": test,
        "data.input": input,
        "data.target": target,
        "training.seed": seed,
    }
    task, loaded = recipe_of(recipe, set or [], {k: v for k, v in given.items() if v is not None})
    run = out or Path("runs") / loaded.name

    outcome = task.train(loaded, run, resume=resume, force=force, ablated=ablate, progress=Bar())
    if json:
        print_json(outcome.metrics)
    else:
        print_metrics(outcome.metrics, run, time.perf_counter() - started)
    return 130 if outcome.interrupted else 0


@app.command
def predict(
    run: Path,
    input: str | None = None,
    /,
    *,
    data: str | None = None,
    column: Annotated[str | None, Parameter(name="--input")] = None,
    out: Path | None = None,
    set: SET = None,
    json: JSON = False,
) -> int:
    """Predict for one text, or for every row of a file, written back as a table.

    Parameters
    ----------
    run
        The folder that elman train wrote.
    input
        One text.
    data
        A file of many, or - for what a pipe brings.
    column
        Column of the inputs in that file; by default the one trained on.
    out
        File for the predictions; .csv, .tsv, .jsonl, .parquet, or .conll of tagged words. By default CSV on stdout.
    set
        How the file is read, where it is not as the training data were: data.encoding=latin-1, data.format=table ...
    """
    if (input is None) == (data is None):
        raise InputError("give either one INPUT or --data PATH", where="elman predict")
    if input == "-":
        raise InputError("- is no text", where="elman predict", remedy="for what a pipe brings write --data -")
    if input is not None and (out is not None or column is not None or set or os.path.isfile(input)):
        raise InputError(
            f"{input} would be read as a text", where="elman predict", remedy=f"for a file write --data {input}"
        )
    if input is not None and not input.strip():
        raise InputError("the text is empty", where="elman predict", remedy="give at least one word")
    from elman.data.textfile import given_data
    from elman.tasks.find import data_of, task_of

    if out is not None:
        from elman.data.writers import check_writable

        check_file(out)
        check_apart(out, run, *(data or "").split(","))
        check_writable(out)
    from elman.training.progress import Bar

    task = task_of(run)
    if input is not None:
        found = task.predict(run, [input], Bar())
        if json:
            print_json({"predictions": found})
        else:
            print_prediction(found[0])
        return 0
    with given_data(str(data)) as path:
        table = task.predict_table(run, data_of(run, path, set or [], {"input": column}), Bar())
    if out is not None:
        from elman.data.writers import write_table

        write_table(table, out)
        print(f"{len(table):,} predictions written to {out}", file=sys.stderr)
    if json:
        rows = [dict(zip(table.names, values)) for values in zip(*(table[name] for name in table.names))]
        print_json({"predictions": rows})
    elif out is None:
        from elman.data.writers import csv_text

        sys.stdout.write(csv_text(table))
    return 0


@app.command
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
        File or folder, or - for what a pipe brings; of data with parts, the test part.
    input
        Column of the inputs; by default the one trained on.
    target
        Column of the labels; likewise.
    set
        How the file is read, where it is not as the training data were: data.encoding=latin-1, data.format=table ...
    """
    from elman.data.textfile import given_data
    from elman.tasks.find import data_of, task_of
    from elman.training.progress import Bar

    task = task_of(run)
    with given_data(data) as path:
        settings = data_of(run, path, set or [], {"input": input, "target": target})
        figures = task.evaluate(run, settings, Bar())
    if json:
        print_json(figures)
    else:
        print_figures(figures, data)
    return 0


# -- looking ----------------------------------------------------------------------------------------------------------


@app.command
def recipes(*, json: JSON = False) -> int:
    """List the packaged recipes."""
    from elman.config.recipe import list_recipes

    rows = list_recipes()
    if json:
        print_json({"recipes": [{"name": n, "task": t, "description": d} for n, t, d in rows]})
    else:
        print_table(["recipe", "task", "what it does"], [list(row) for row in rows])
    return 0


@app.command
def text(sentence: str, /, *, run: Path | None = None, language: str = "en", json: JSON = False) -> int:
    """Show a text after every stage of the text chain.

    Parameters
    ----------
    sentence
        Any text.
    run
        A RUN, to see the chain that it was trained with; by default all stages there are.
    language
        For the stages that ask.
    """
    from elman.tasks.find import task_of
    from elman.text.languages import code
    from elman.text.show import show, shown

    code(language)  # says which there are
    chain = None
    if run is not None:
        chain = getattr(getattr(task_of(run).load(run), "encoding_", None), "chain", None)
        if chain is None:
            raise InputError("this RUN has no text chain: it reads tokens, or numbers", where=str(run))
    tagger = None if chain is not None else _shipped_tagger(language)
    if json:
        print_json(shown(sentence, chain, tagger, language))
    else:
        from rich.console import Console

        Console().print(show(sentence, chain, tagger, language))
    return 0


@app.command
def inspect(run: Path, text: str | None = None, /, *, input: str | None = None, out: Path | None = None) -> int:
    """Look into a trained model: its report, or what it makes of one text, as a page.

    Parameters
    ----------
    run
        The folder that elman train wrote.
    text
        One text: the answer, the words that moved it, and what the layers remembered. Without it, the RUN's report.
    input
        The same, by name.
    out
        The page to write; by default report.html here.
    """
    from elman.tasks.find import task_of

    target = out or Path("report.html")
    check_file(target)
    check_apart(target, run)
    if text is not None and input is not None:
        raise InputError("two texts", where="elman inspect", remedy="give one, as TEXT or as --input TEXT")
    input = text if input is None else input
    task_of(run)  # says what is wrong with the folder
    if input is None:
        from elman.training.run_reader import read_report

        page: str | bytes = read_report(run)
    else:
        from elman.tasks.use import inspect_page

        page = inspect_page(run, input)
    write_file(target, page)
    print(f"written to {target}", file=sys.stderr)
    return 0


@app.command
def explain(thing: str, /, *, picture: Path | None = None, json: JSON = False) -> int:
    """Say what a cell computes and costs, what a recipe trains, or which engine runs a trained model and why.

    Parameters
    ----------
    thing
        FILE:CELL (my_cells.py:Mine), a packaged cell (gru), a recipe, or a RUN.
    picture
        Draw the cell as an SVG file.
    """
    from elman.explanation.cell_svg import svg_of
    from elman.explanation.layer import explain as explained
    from elman.tasks.find import recipe_and_cell, task_of

    if picture is not None:
        check_file(picture)
        check_apart(picture, thing.rpartition(":")[0] or thing)
    recipe = ""
    if (Path(thing) / "model.json").is_file():
        said = explained(task_of(Path(thing)).load(Path(thing)).model_)
        graph = next(iter(said.layers.values())).graph
    else:
        recipe, cell = recipe_and_cell(thing)
        said = explained(cell)
        graph = said.graph
    if picture is not None:
        write_file(picture, svg_of(graph))
        print(f"the picture of {graph.name} is written to {picture}", file=sys.stderr)
    if json:
        print_json({"recipe": recipe, **said.to_dict()} if recipe else said.to_dict())
    else:
        print("\n\n".join(filter(None, [recipe.rstrip(), said])))
    return 0


@app.command
def verify(subject: str, /, *, json: JSON = False) -> int:
    """Prove that a sequence gets the same answer alone, in a batch, padded, in chunks and step by step.

    Exit code 0 if what was tried holds, 1 if something fails.

    Parameters
    ----------
    subject
        A RUN, or PACKAGE.MODULE:FUNCTION (or FILE.py:FUNCTION) that returns a module and its example, a tuple of
        arguments or an elman.Example.
    """
    if Path(subject).exists() and Path(subject).suffix not in (".py", ".onnx"):
        from elman.tasks.verifying import verify_run

        proof = verify_run(Path(subject))
    else:
        from elman.proof.named import verify_named

        proof = verify_named(subject)
    if json:
        print_json(proof.to_dict())
    else:
        print(proof)
    return 0 if proof.ok else 1


@app.command
def bench(*, quick: Annotated[bool, Parameter(negative="")] = False, json: JSON = False) -> int:
    """Measure how fast the layers run here, beside torch's and beside what the processor can do at most.

    Parameters
    ----------
    quick
        Two sizes instead of five, about fifteen seconds.
    """
    from elman.explanation.speed import QUICK, SHORT, short_bench

    found = short_bench(QUICK if quick else SHORT, say=lambda line: print(line, file=sys.stderr))
    if json:
        print_json(found)
        return 0
    peak = found["ceilings"].get("peak")
    rows = []
    for row in found["rows"]:
        ours, theirs = (row["gflops"][name] for name in ("elman", "torch.nn"))
        share = f"{ours / peak:.0%}" if peak else ""
        low, middle, high = row["against torch.nn"]
        ratio = f"{middle:.2f} ({low:.2f}-{high:.2f})"
        rows.append([f"{row['cell']} {row['case']}", row["work"], f"{ours:.1f}", share, f"{theirs:.1f}", ratio])
    print_table(["cell, size", "work", "GF/s", "of peak", "torch.nn GF/s", "times torch.nn (quartiles)"], rows)
    said = f"a peak of {peak:.0f} GF/s, measured" if peak else "no native engine here, and no measured peak"
    print(f"float32, {found['threads']} threads, {said}; benchmarks/speed has more", file=sys.stderr)
    if found["busy"]:
        print(found["busy"], file=sys.stderr)
    return 0


@app.command
def doctor(*, json: JSON = False) -> int:
    """Say what this installation can do, and what is missing."""
    from elman.cli.doctor import examine

    found = examine()
    if json:
        print_json(found)
    else:
        for title, facts in found.items():
            print_table([title, ""], [[str(k), str(v)] for k, v in facts.items()])
    return 0


def _shipped_tagger(language: str) -> Callable[[list[str]], list[str]] | None:
    """Words to parts of speech by the model that ships; None for a language it does not know."""
    if language.lower() not in ("en", "english"):
        return None
    from elman.tasks.packaged import packaged_digest, parts_of_speech

    return parts_of_speech if packaged_digest() else None


def main(tokens: Sequence[str] | None = None) -> None:
    """The entry point: exit code 0, 2 for what the user can mend, 130 after Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a letter shows a question mark
    code: object = 2
    try:
        with ending_interrupts():
            code = app(
                _with_pipes(sys.argv[1:] if tokens is None else tokens),
                exit_on_error=False,
                print_error=False,
                result_action="return_value",
            )
            sys.stdout.flush()
    except InputError as error:
        _say(str(error))
    except CycloptsError as error:
        _say(" ".join(str(error).split()))
    except KeyboardInterrupt:
        _say("interrupted")
        code = 130
    except BrokenPipeError:
        # whoever read our output has seen enough (elman predict ... | head)
        _drop_output()
        code = 0
    except OSError as error:
        _drop_output()
        where = f"{error.filename}: " if error.filename is not None else ""
        _say(f"{where}{error.strerror or error}")
    except (MemoryError, RuntimeError) as error:
        # torch's word for it is a RuntimeError whose text names the allocator
        if isinstance(error, RuntimeError) and "DefaultCPUAllocator" not in str(error):
            raise
        _say("not enough memory; smaller batches, a smaller model or less data at once need less")
    sys.exit(code if isinstance(code, int) else 0)


def _with_pipes(tokens: Sequence[str]) -> list[str]:
    """``--data -`` in one word: alone, the dash would be taken for the beginning of another option."""
    out: list[str] = []
    for token in tokens:
        if token == "-" and out and out[-1] == "--data":
            out[-1] = "--data=-"
        else:
            out.append(token)
    return out


def _say(line: str) -> None:
    with suppress(OSError):  # the terminal may have gone away
        print(f"elman: {line}", file=sys.stderr, flush=True)


def _drop_output() -> None:
    """What stdout still holds goes nowhere: Python would try to write it once more, and complain, as it ends."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def run() -> None:
    """`main` as a program, which leaves out what one short answer would wait for most.

    While torch is imported the garbage collector finds nothing, again and again: a third of a second. Taking every
    module apart at the end is another third, of which the system needs nothing.
    """
    gc.set_threshold(400_000, 20, 20)
    code: object = 0
    try:
        main()
    except SystemExit as end:
        code = end.code
    try:
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
    except (OSError, ValueError):  # `main` has said so
        pass
    os._exit(code if isinstance(code, int) else 0)

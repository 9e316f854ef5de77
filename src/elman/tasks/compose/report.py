"""What a composer shows of its training: what it makes, beside what it learned from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from elman.data.music import Pieces
from elman.equations.printing import equations
from elman.inspect.watching import first_layer, watched_input
from elman.notes.counts import count_music
from elman.notes.roll import PITCH_CLASSES, Roll, tune_of
from elman.pages.markup import Html, tag
from elman.pages.page import Section, section
from elman.report.curves import training
from elman.report.facts import fact_list, length_figure, timing_bars
from elman.report.piano_roll import chord_table, played, roll_figure, shares_figure
from elman.report.sections import cell, inside, proof
from elman.sequences import Sequences
from elman.tasks.compose.estimator import Composer
from elman.tasks.compose.made import frames_named
from elman.tasks.contract import Look, Row, Trained
from elman.tasks.figures import Json

__all__ = ["inspect", "look"]

_SECONDS = 20  # of a piece that the page plays
_MADE, _FRAMES = 12, 128  # pieces to count, and how long each is
_LONGEST = 400  # frames of a piece that the page shows
_DRAWS = 300


def look(trained: Trained[Composer, Pieces]) -> Look:
    """A piece to hear, one of the training's beside it, and both counted."""
    composer, data, fitted = trained.estimator, trained.data, trained.estimator.fitted_
    graph = composer.model_.graph
    lines = [str(line) for line in equations(graph).lines]
    settings: dict[str, Json] = {"cell": graph.name, **composer.described_settings(), "equations": lines}
    test = data.test
    return Look(
        title=trained.recipe.name.capitalize(),
        said=f"{trained.recipe.description or graph.name}; judged on {len(test):,} test pieces it never saw.",
        ours=f"{graph.name} and NADE",
        settings=settings,
        sections=[
            _heard(composer, data.train),
            _counted(composer, data.train, test),
            training(_history(fitted.history), fitted.kept[1] or None, "Notes one after the other, nats"),
            cell(lines),
            proof(trained.proof.to_dict()),
            _data_and_time(trained, {key: value for key, value in settings.items() if key != "equations"}),
        ],
        show=("nll", "nll_independent"),
        errors=_errors(composer, test),
        notes=[
            "Nats a frame, summed over the 88 keys: the mean of all frames of all test pieces but the first of each, "
            "which the published figures leave out. The first figure takes the notes of a frame one after the other, "
            "the second independent of each other given the frames before."
        ],
    )


def _history(rows: Sequence[Mapping[str, float]]) -> list[dict[str, float]]:
    """What is learned is the sum of both heads, of all members: it goes on no scale with the figures."""
    return [{"sum of both heads, nats" if key == "loss" else key: value for key, value in row.items()} for row in rows]


def inspect(composer: Composer, pieces: Pieces, row: Row) -> tuple[str, list[Section | None]]:
    """What follows one beginning, what it is worth, and what the first layer remembered of it."""
    layer = first_layer(composer.model_)
    x, (told,) = watched_input(layer, lambda: composer.told(pieces))
    names = frames_named(pieces.rolls[0])
    head = tag("tr", tag("th", "frame"), tag("th", "nats", class_="n"), tag("th", "notes independent", class_="n"))
    cells = [
        tag("tr", tag("th", name, scope="row"), [tag("td", f"{-value:.2f}", class_="n") for value in one[::-1]])
        for name, one in zip(names, told.tolist())
    ]
    table = tag("div", tag("table", tag("thead", head), tag("tbody", cells)), class_="scroll")
    answer = section("What follows", fact_list(row), table, lead="What each frame costs, given all before it.")
    before = ["(nothing)", *names[:-1]]  # what each step reads
    return str(row["next"]), [answer, *inside(layer, Sequences.pack([x[: len(names), 0]]), before)]


def _heard(composer: Composer, train: Pieces) -> Section:
    """One that was made, from the first notes of a training piece, and that piece."""
    frames = min(_LONGEST, max(8, round(_SECONDS / 60 * composer.per_minute_ / composer.step_)))
    model = train.rolls[len(train) // 2][:frames]
    made = composer.compose(model[:1], length=frames, seed=composer.seed)
    lead = (
        "One frame in, a piece out: the network was given the first frame of a training piece and went on by itself. "
        "Below it is that piece. The highest notes are coloured."
    )
    return section("A piece to hear", _heard_of(composer, made, "what it made"),
                   _heard_of(composer, model, "the training piece"), lead=lead)  # fmt: skip


def _heard_of(composer: Composer, roll: Roll, name: str) -> Html:
    tune = tune_of(roll, composer.step_, composer.per_minute_)
    title = name[:1].upper() + name[1:]
    return tag("figure", played(tune, name), roll_figure(roll, composer.step_, title), class_="wide scroll")


def _counted(composer: Composer, train: Pieces, test: Pieces) -> Section:
    """Pieces that were made from the first frames of test pieces, beside the training pieces."""
    begins = [roll[:1] for roll in test.rolls[:_MADE]]
    length = int(min(_FRAMES, np.median([len(roll) for roll in train.rolls])))
    made = [composer.compose(first, length=max(2, length), seed=seed) for seed, first in enumerate(begins)]
    kinds = {"training pieces": count_music(train.rolls), "made": count_music(made)}
    steps = [f"{step:+d}" if step else "0" for step in range(-12, 13)]
    figures = [
        shares_figure("Pitch classes", PITCH_CLASSES, {kind: c.classes for kind, c in kinds.items()}),
        shares_figure("Notes at once", [*map(str, range(8)), "8+"], {kind: c.at_once for kind, c in kinds.items()}),
        shares_figure("Steps of the upper voice", steps, {kind: c.steps for kind, c in kinds.items()}, "semitones"),
    ]
    facts = {f"notes that sound on, share, {kind}": c.held for kind, c in kinds.items()}
    lead = (
        f"{len(made)} pieces of {length} frames, each made from the first frame of a test piece, beside the training "
        "pieces. What is learned well is as common in both."
    )
    grid = tag("div", [tag("figure", figure) for figure in figures], class_="grid")
    chords = tag("div", tag("h3", "The commonest chords"), chord_table(kinds))
    return section("What it makes, counted", grid, chords, fact_list(facts), lead=lead)


def _errors(composer: Composer, test: Pieces) -> dict[str, float]:
    """How far the figures would move on other test pieces: bootstrap over pieces."""
    told = composer.told(test)
    sums = np.stack([one[1:].sum(0) for one in told])
    frames = np.array([len(one) - 1 for one in told])
    draw = np.random.default_rng(0)
    drawn = [draw.integers(len(told), size=len(told)) for _ in range(_DRAWS)]
    found = np.stack([sums[some].sum(0) / max(1, frames[some].sum()) for some in drawn]).std(0)
    return {"nll_independent": float(found[0]), "nll": float(found[1])}


def _data_and_time(trained: Trained[Composer, Pieces], settings: dict[str, Json]) -> Section:
    data = trained.data
    parts = {"training": data.train, "validation": data.valid, "test": data.test}
    facts: dict[str, object] = {f"{name} pieces": len(part) for name, part in parts.items()}
    facts |= {"beats a frame": data.train.step, "beats a minute": round(data.train.per_minute, 1)}
    lengths = {name: [len(roll) for roll in part.rolls] for name, part in parts.items()}
    blocks = [
        ("Pieces", fact_list(facts)), ("Lengths", length_figure(lengths, unit="frames")),
        ("Settings", fact_list(settings)), ("Time", timing_bars(trained.seconds)),
    ]  # fmt: skip
    grid = tag("div", [tag("div", tag("h3", title), block) for title, block in blocks if block], class_="grid")
    return section("Data, settings, time", grid)

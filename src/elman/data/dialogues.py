"""Conversations: what was said, turn by turn -> pairs of what came before and what was answered; train, valid, test.

A text file has a turn a line and an empty line between conversations. A table has a turn a row, in their order, and a
column that says which conversation it is of (`data.group`). What is a pair already, a context and its answer, is read
as any pair of texts is (`elman.data.parallel`). A conversation lies on one side of every split.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from elman.config.settings import DataSettings
from elman.data.columns import guess_input
from elman.data.formats import FORMATS, read_table
from elman.data.pair_files import is_pair
from elman.data.parallel import Pairs, ParallelTexts, load_pairs, load_sources
from elman.data.parts import PARTS, find_parts, same_files
from elman.data.split import divide, equal_texts
from elman.data.table import Table
from elman.data.textfile import bare_suffix, open_text, shown
from elman.errors import InputError

__all__ = ["TURN", "context", "load_contexts", "load_dialogues", "pairs_of", "turns_of"]

Note = Callable[[str], object]
Conversation = Sequence[str]

TURN = "\u241e"  # between the turns of a context: the sign for a record separator, which nobody types
_CALLED = {"conversation", "conv", "dialogue", "dialog", "thread", "session", "chat"}  # or so, with _id behind
_MOST = 10  # turns of a context that are kept; an estimator reads the last of them
_TABLES = {suffix for format in FORMATS if format.is_table for suffix in format.suffixes}


def context(turns: Sequence[str]) -> str:
    """What was said so far, as one text."""
    return f" {TURN} ".join(" ".join(turn.split()) for turn in turns)


def turns_of(text: str) -> list[str]:
    """The turns of a context; the lines of a text are turns, too."""
    return [turn.strip() for line in text.splitlines() for turn in line.split(TURN) if turn.strip()]


def pairs_of(conversations: Sequence[Conversation], source: str = "conversations") -> Pairs:
    """Every turn but the first of each conversation, with what came before it."""
    contexts = [context(c[max(0, i - _MOST) : i]) for c in conversations for i in range(1, len(c))]
    answers = [turn for c in conversations for turn in c[1:]]
    return Pairs.of(Table({"text": contexts, "target": answers}, source))


def load_dialogues(settings: DataSettings) -> ParallelTexts:
    """Read, check and where needed split conversations.

    Raises:
        InputError: no path, no conversation of two turns, too few conversations, anything wrong with a file.
    """
    notes: list[str] = []
    settings = _grouped(settings, notes.append)
    if _are_pairs(settings):
        return load_pairs(settings)
    files = find_parts(settings)
    notes += same_files(files)
    found = {part: _read(path, settings, notes.append) for part, path in files.items()}
    parts = {part: list(map(tuple, conversations)) for part, conversations in found.items()}
    missing = [part for part in PARTS if part not in parts]
    if missing:
        dealt, note = _dealt(parts["train"], missing, settings, shown(files["train"]))
        parts |= dealt
        notes.append(note)
    known = set(parts["train"])
    for part in PARTS[1:]:
        if same := sum(conversation in known for conversation in parts[part]):
            notes.append(f"{same:,} of {len(parts[part]):,} {part} conversations stand in the training part, too")
    sizes = ", ".join(f"{len(parts[part]):,} {part}" for part in PARTS)
    train, valid, test = (pairs_of(parts[part], str(files.get(part, files["train"]))) for part in PARTS)
    return ParallelTexts(train, valid, test, {}, (f"conversations: {sizes}", *notes))


def load_contexts(settings: DataSettings, answered: bool, note: Note) -> Pairs:
    """A file to answer, or, `answered`, to be judged by; of data with parts the test part.

    Contexts stand one a line, or in the first of two columns. To be judged by it may hold conversations.

    Raises:
        InputError: answers that are not there, anything wrong with the file.
    """
    if answered:
        settings = _grouped(settings, note)
    if answered and not _are_pairs(settings):
        files = find_parts(settings)
        part = "test" if "test" in files else "train"
        return pairs_of(_read(files[part], settings, note), shown(files[part]))
    return load_sources(settings, {}, answered, note)


def _dealt(
    conversations: Sequence[Conversation], missing: Sequence[str], settings: DataSettings, source: str
) -> tuple[dict[str, list[tuple[str, ...]]], str]:
    """The conversations of each part, "train" first, and the line that states the split; equal ones stay together."""
    first: dict[tuple[object, ...], int] = {}
    kinds = [first.setdefault(tuple(equal_texts(turns)), number) for number, turns in enumerate(conversations)]
    if len(first) <= len(missing):
        n = len(first)
        raise InputError(
            f"{n} conversation{'s that differ' * (n > 1)}, and {len(missing) + 1} parts to be cut from it",
            where=source,
            remedy="put an empty line between conversations",
        )
    kinds_of_turns = [kind for kind, turns in zip(kinds, conversations) for _ in turns[1:]]
    rows, note = divide([0] * len(kinds_of_turns), kinds_of_turns, missing, settings, source, "conversation")
    deal = {part: {kinds_of_turns[row] for row in picks} for part, picks in rows.items()}
    return {
        part: [tuple(c) for c, kind in zip(conversations, kinds) if kind in some] for part, some in deal.items()
    }, note


def _grouped(settings: DataSettings, note: Note) -> DataSettings:
    """With the column that says which conversation a row is of, where nobody named it and a table has one so called."""
    if settings.group or not settings.path or settings.path.startswith("hf:") or is_pair(settings.path):
        return settings
    path = find_parts(settings)["train"]
    if bare_suffix(path) not in _TABLES:
        return settings
    table = read_table(path, settings.encoding, settings, lambda line: None)
    for name in table.names:
        called = name.strip().casefold().replace(" ", "_").removesuffix("_id")
        if called in _CALLED and 1.5 * len(set(map(str, table[name]))) < len(table):
            note(
                f"column guessed: rows of the same {name!r} are one conversation; if that is wrong, say --group COLUMN"
            )
            return msgspec.structs.replace(settings, group=name)
    return settings


def _are_pairs(settings: DataSettings) -> bool:
    """Whether the data are pairs already: two files, or a table of which no column says what a conversation is."""
    if settings.path.startswith("hf:") or is_pair(settings.path):
        return True
    if settings.group or not settings.path:
        return False
    return all(bare_suffix(path) in _TABLES for path in find_parts(settings).values())


def _read(path: Path, settings: DataSettings, note: Note) -> list[list[str]]:
    """The conversations of a file that have an answer in them."""
    if bare_suffix(path) in _TABLES:
        table = read_table(path, settings.encoding, settings, note)
        name = settings.input or guess_input(table.take(range(min(1000, len(table)))))
        if not settings.input:
            note(f"column guessed: {name!r} holds the turns; if that is wrong, say --input COLUMN")
        rows = zip(table[settings.group], table.texts(name))
        read: dict[object, list[str]] = {}
        for group, turn in rows:
            read.setdefault(group, []).append(" ".join(turn.split()))
        found = [[turn for turn in turns if turn] for turns in read.values()]
    else:
        with open_text(path, settings.encoding) as text:
            lines = [" ".join(line.split()) for line in text]
        found = [list(turns) for said, turns in groupby(lines, bool) if said]
    kept = [turns for turns in found if len(turns) > 1]
    if not kept:
        raise InputError(
            "no conversation of two turns or more",
            where=shown(path),
            remedy="write a turn a line, and an empty line between conversations",
        )
    if len(kept) < len(found):
        note(f"{len(found) - len(kept):,} of {len(found):,} conversations left out: nobody answers ({shown(path)})")
    lengths = Counter(len(turns) for turns in kept)
    if len(kept) == 1 and lengths.most_common(1)[0][0] > 50:
        note(f"one conversation of {len(kept[0]):,} turns: an empty line between two ends the first ({shown(path)})")
    return kept

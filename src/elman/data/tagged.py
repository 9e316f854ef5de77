"""Tagged sentences: whatever [data] names -> train, valid and test sentences, their tags checked and in one scheme.

Entity tags of any scheme come out as IOB2; plain labels (parts of speech) stay as they are. Everything that was
guessed, mended or split is said in `notes`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from elman.config.settings import DataSettings
from elman.data.formats import CONLL, Format, find_format, named_format, read_table
from elman.data.hub import hub_parts
from elman.data.parts import PARTS, find_parts, same_files
from elman.data.schemes import convert, detect_scheme, scheme_letters
from elman.data.sentence import Sentence
from elman.data.split import divide
from elman.data.table import Table
from elman.data.textfile import shown
from elman.errors import InputError

__all__ = ["TaggedSentences", "TaggedTexts", "check_tags_known", "load_sentences", "load_tagged", "read_sentences"]

_LONG = 1000  # words; one sentence of a whole file beyond this is worth a note
_WORDS = ("tokens", "words", "text", "form")
_TAGS = ("tags", "ner_tags", "pos_tags", "labels", "upos")


@dataclass(frozen=True)
class TaggedSentences:
    """N sentences, none empty, and where they are known their tags.

    Attributes:
        words: N token lists.
        tags: N tag lists; empty where none are known.
        scheme: that the tags are written in; "none" for plain labels, "auto": to be found out.
        written: that the user's file is written in, and answers are to be; empty: as `scheme`.
        tag_type: that the tags, which are texts here, are given back as: "str", "int" or "bool".
    """

    words: Sequence[Sequence[str]]
    tags: Sequence[Sequence[str]] = ()
    scheme: str = "auto"
    written: str = ""
    tag_type: str = "str"

    @classmethod
    def of(cls, sentences: Sequence[Sentence], scheme: str = "auto", written: str = "") -> TaggedSentences:
        """What a file says, or one of its parts."""
        return cls([s.words for s in sentences], [s.tags for s in sentences], scheme, written)

    def __len__(self) -> int:
        return len(self.words)

    def take(self, indices: Sequence[int]) -> TaggedSentences:
        """Those at `indices`, in that order."""
        tags = [self.tags[i] for i in indices] if len(self.tags) else ()
        return replace(self, words=[self.words[i] for i in indices], tags=tags)


@dataclass(frozen=True)
class TaggedTexts:
    """Three lists of sentences, and what a user should know about them.

    Attributes:
        train, valid, test: sentences with tags; entity tags in IOB2.
        scheme: what the training file was written in: one of `elman.data.schemes.SCHEMES`, or "none" (plain labels).
        notes: what was guessed, mended and split.
    """

    train: list[Sentence]
    valid: list[Sentence]
    test: list[Sentence]
    scheme: str
    notes: tuple[str, ...]

    @property
    def tags(self) -> list[str]:
        """Every tag of the training part, in order."""
        return sorted({tag for sentence in self.train for tag in sentence.tags})

    @property
    def is_entities(self) -> bool:
        return self.scheme != "none"


def load_tagged(settings: DataSettings) -> TaggedTexts:
    """Read, check and where needed split the data of a tagger.

    Raises:
        InputError: anything wrong with file, line, column or tag; one tag only; a tag never seen in training.
    """
    notes: list[str] = []
    parts = _read_parts(settings, notes)
    train = parts["train"]
    scheme: str = settings.scheme
    if scheme == "auto":
        scheme = _detect(train)
        if scheme != "none":
            notes.append(f"tags are written in {scheme}")
    parts = {name: canonical(sentences, scheme, notes) for name, sentences in parts.items()}
    missing = [part for part in PARTS if part not in parts]
    if missing:
        parts |= _split(parts["train"], missing, settings, notes)
    out = TaggedTexts(parts["train"], parts["valid"], parts["test"], scheme, tuple(notes))
    if len(out.tags) < 2:
        raise InputError(
            f"only one tag, {out.tags[0]!r}, in the training data",
            where=train[0].source,
            remedy="a tagger needs at least two; or name another column: --target COLUMN",
        )
    known = set(out.tags)
    for sentences in (out.valid, out.test):
        check_tags_known(sentences, known, out.is_entities)
    return out


def load_sentences(
    settings: DataSettings,
    tagged: bool = True,
    scheme: str = "auto",
    note: Callable[[str], object] = lambda line: None,
) -> list[Sentence]:
    """One file, for prediction (tagged=False) or evaluation; of a folder or data set with parts, the test part.

    Args:
        settings: its path names the file, and its scheme, unless "auto", how that file is written.
        tagged: tags are wanted; then entity tags come out as IOB2.
        scheme: of the training data; "none" says that tags are plain labels. "auto": found out.
        note: is told what was guessed.
    """
    notes: list[str] = []
    parts = _read_parts(settings, notes, tagged)
    for line in notes:
        note(line)
    sentences = parts.get("test", parts["train"])
    if not tagged or scheme == "none":
        return sentences
    found = _detect(sentences) if settings.scheme == "auto" else settings.scheme
    for sentence in sentences if found == "none" else ():
        for i, tag in enumerate(sentence.tags):
            if tag != "O" and tag[1:2] != "-":
                raise InputError(
                    f"tag {tag!r} does not say where an entity begins, as those of the training data do",
                    where=sentence.where(i),
                    remedy=f"write B-{tag} and I-{tag}, or train on tags like these",
                )
    return canonical(sentences, found, [])


def canonical(sentences: Sequence[Sentence], scheme: str, notes: list[str]) -> list[Sentence]:
    """The same sentences with entity tags in IOB2; sequences that the scheme does not allow are mended and counted.

    Raises:
        InputError: a tag that is not of the scheme.
    """
    if scheme == "none":
        return list(sentences)
    letters = scheme_letters(scheme)
    mended = 0
    out = []
    for sentence in sentences:
        for i, tag in enumerate(sentence.tags):
            if tag != "O" and (tag[:1] not in letters or tag[1:2] != "-" or len(tag) < 3):
                allowed = ", ".join(f"{letter}-TYPE" for letter in letters)
                raise InputError(
                    f"tag {tag!r} is not of the scheme {scheme}",
                    where=sentence.where(i),
                    remedy=f"{scheme} has O, {allowed}; mend it or --set data.scheme=...",
                )
        if set(sentence.tags) == {"O"}:
            out.append(sentence)
            continue
        tags = convert(sentence.tags, scheme, "IOB2")
        mended += convert(tags, "IOB2", scheme) != list(sentence.tags)
        out.append(sentence.with_tags(tags))
    if mended:
        notes.append(
            f"{out[0].source}: {mended} sentences with tags that {scheme} does not allow, read as conlleval does"
        )
    return out


def check_tags_known(sentences: Iterable[Sentence], known: set[str], entities: bool) -> None:
    """Every tag was seen in training; an entity may begin (B-) where training only knew it inside (I-) or the reverse.

    Args:
        entities: that the tags are of entities; a plain label is known as it is spelt, or not at all.

    Raises:
        InputError: naming the first line whose tag was not.
    """
    types = {tag[2:] for tag in known if tag[1:2] == "-"} if entities else set()
    for sentence in sentences:
        for i, tag in enumerate(sentence.tags):
            if tag not in known and not (tag[1:2] == "-" and tag[2:] in types):
                raise InputError(
                    f"tag {tag!r} never occurs in the training data",
                    where=sentence.where(i),
                    remedy="mend the tag, or train with examples of it",
                )


# -- reading ----------------------------------------------------------------------------------------------------------


def read_sentences(
    path: Path, settings: DataSettings, tagged: bool = True, note: Callable[[str], object] = lambda line: None
) -> list[Sentence]:
    """All sentences of one file, in the format that settings name or the file shows."""

    def gives(format: Format) -> bool:
        return (format.sentences is not None or format.is_table) and (format.answers or not tagged)

    if settings.format == "auto":
        format = find_format(path, settings.encoding, gives)[0] or CONLL
        if not format.answers:
            note(f"{shown(path)}: read as one text per line; for columns say --set data.format=conll")
    else:
        named = named_format(settings.format, gives)
        if named is None:
            what = f"format {settings.format!r} has no tagged words"
            raise InputError(what, where=shown(path), remedy="use CoNLL columns, CoNLL-U or JSON lines")
        format = named
    if format.is_table:
        return _from_table(read_table(path, settings.encoding), settings, tagged)
    assert format.sentences is not None
    return list(format.sentences(path, settings, tagged))


def _read_parts(settings: DataSettings, notes: list[str], tagged: bool = True) -> dict[str, list[Sentence]]:
    if settings.path.startswith("hf:"):
        return {part: _from_table(table, settings, tagged) for part, table in hub_parts(settings.path).items()}
    paths = find_parts(settings)
    notes += same_files(paths)
    parts = {part: read_sentences(path, settings, tagged, notes.append) for part, path in paths.items()}
    for sentences in parts.values():
        if len(sentences) == 1 and len(sentences[0]) > _LONG:
            notes.append(
                f"{sentences[0].source} has no blank line: read as one sentence of {len(sentences[0]):,} words"
            )
    return parts


def _from_table(table: Table, settings: DataSettings, tagged: bool) -> list[Sentence]:
    """Rows that hold a list of words and a list of tags."""
    words = settings.input or next((name for name in _WORDS if name in table.columns), "tokens")
    tags = settings.target or next((name for name in _TAGS if name in table.columns), "tags")
    out = []
    for i, row in enumerate(table[words]):
        row_tags = table[tags][i] if tagged else []
        if not (isinstance(row, list) and row and isinstance(row_tags, list)):
            raise InputError(
                f"column {words!r} or {tags!r} holds no list",
                where=table.where(i),
                remedy="give lists of words and tags",
            )
        if tagged and len(row) != len(row_tags):
            raise InputError(
                f"{len(row)} words but {len(row_tags)} tags", where=table.where(i), remedy="give every word one tag"
            )
        for what, values in (("word", row), ("tag", row_tags)):
            for n, value in enumerate(values, 1):
                if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                    raise InputError(
                        f"{what} {n} is {json.dumps(value, default=str):.40}, not text",
                        where=table.where(i),
                        remedy="give lists of words and tags, without gaps",
                    )
        line = [table.rows[i]] * len(row)
        out.append(Sentence([str(w) for w in row], [str(t) for t in row_tags], [], line, 0, table.source))
    return out


# -- schemes and splits -----------------------------------------------------------------------------------------------


def _detect(sentences: Sequence[Sentence]) -> str:
    try:
        return detect_scheme(sentence.tags for sentence in sentences)
    except InputError as error:
        raise InputError(error.what, where=sentences[0].source, remedy=error.remedy) from error


def _split(
    sentences: list[Sentence], missing: Sequence[str], settings: DataSettings, notes: list[str]
) -> dict[str, list[Sentence]]:
    """By document where the file marks enough of them, else by sentence; those with entities in proportion."""
    if len(sentences) == 1:
        raise InputError(
            f"one sentence of {len(sentences[0]):,} words cannot be split",
            where=sentences[0].source,
            remedy="put a blank line between sentences, or give more of them",
        )
    labels = [any(tag != "O" for tag in sentence.tags) for sentence in sentences]
    documents = [sentence.document for sentence in sentences]
    parts, note = divide(
        labels, documents if len(set(documents)) >= 20 else None, missing, settings, sentences[0].source
    )
    notes.append(note.replace("label", "kind (with entities, without)") if len(set(labels)) > 1 else note)
    return {part: [sentences[i] for i in rows] for part, rows in parts.items()}

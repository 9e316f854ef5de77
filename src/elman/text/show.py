"""A sentence after every stage: what `elman text "..."` prints."""

from __future__ import annotations

from typing import TYPE_CHECKING

from elman.errors import InputError
from elman.text.chain import Chain
from elman.text.ngrams import character_ngrams, word_ngrams
from elman.text.tag import Tagger

if TYPE_CHECKING:
    from rich.console import Group

__all__ = ["show", "shown", "shown_stages", "shown_words"]

# each shown on top of those before it, in the order in which they help one another
_TEXT_STAGES = (
    "unicode", "markup", "urls", "emoji", "contractions", "abbreviations", "numbers", "repeats", "lower", "accents",
    "punctuation",
)  # fmt: skip
# before the text is split for show, case and all: what no tagger was trained on
_TIDY = ("unicode", "markup", "urls")
# each shown on the words as they are written
_WORD_STAGES = {
    "stop, short": {"name": "stop_words"},
    "stop, long": {"name": "stop_words", "size": "long"},
    "snowball": {"name": "stem", "algorithm": "snowball"},
    "porter": {"name": "stem", "algorithm": "porter"},
    "lancaster": {"name": "stem", "algorithm": "lancaster"},
    "lemma": {"name": "lemma"},
}


def shown_stages(text: str, chain: Chain | None = None, language: str = "en") -> list[tuple[str, str | list[str]]]:
    """(stage, value) pairs.

    Args:
        chain: whose stages; None shows every text stage there is, each after the ones before, then every way to
            split, then n-grams. `sparse` and `subwords` learn from training texts, so only a chain shows them.
        language: for the stages that ask; those that have nothing for it are left out.
    """
    if chain is not None:
        return chain.trace(text)
    seen: list[tuple[str, str | list[str]]] = [("input", text)]
    value = text
    for name in _TEXT_STAGES:
        try:
            asks = name in ("contractions", "abbreviations")
            stage = Chain([{"name": name, "language": language} if asks else name])
        except InputError:
            continue
        value = str(stage.trace(value)[1][1])
        seen.append((name, value))
    for style in ("plain", "treebank"):
        seen.append((f"words style={style}", Chain([*_TIDY, {"name": "words", "style": style}])(text)))
    seen.append(("characters", Chain([*_TIDY, "characters"])(text)))
    tokens = Chain([*_TIDY, "lower"])(text)
    seen += [(f"word {n}-grams", word_ngrams(tokens, n)) for n in (2, 3)]
    seen.append(("character 3-grams", [gram for token in tokens for gram in character_ngrams(token, 3)]))
    return seen


def shown_words(text: str, tagger: Tagger | None = None, language: str = "en") -> dict[str, list[str]]:
    """Columns of a table with a row a word: the word, its part of speech, stop words ("" where one), stems, lemma.

    Args:
        tagger: words to parts of speech; None leaves that column out.
        language: algorithms that do not know it are left out.
    """
    words = Chain([*_TIDY, {"name": "words", "style": "treebank"}])(text)
    columns = {"word": words}
    if tagger is not None:
        columns["part of speech"] = [tag for _, tag in Chain(["whitespace", "tags"], tagger=tagger).tagged(words)]
    for label, stage in _WORD_STAGES.items():
        try:
            chain = Chain(["whitespace", stage | {"language": language}])
        except InputError:
            continue
        columns[label] = [" ".join(chain([word])) for word in words]
    return columns


def shown(
    text: str, chain: Chain | None = None, tagger: Tagger | None = None, language: str = "en"
) -> dict[str, object]:
    """All that `show` prints, for `--json`: the stages in order and, without a chain, the table of words by column."""
    stages: list[object] = [{"stage": label, "value": value} for label, value in shown_stages(text, chain, language)]
    if chain is not None:
        return {"stages": stages}
    return {"stages": stages, "words": shown_words(text, tagger, language)}


def show(text: str, chain: Chain | None = None, tagger: Tagger | None = None, language: str = "en") -> Group:
    """The stages as a table for the terminal, what a stage left alone in grey; without a chain the words as another."""
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    stages = Table(box=box.SIMPLE_HEAD, title="stage by stage", title_justify="left", title_style="bold")
    if chain is None:
        stages.caption = "sparse and subwords learn from texts: only a trained chain shows them"
    stages.add_column("stage", style="cyan", no_wrap=True)
    stages.add_column("the text after it", overflow="fold")
    before: str | list[str] | None = None
    for label, value in shown_stages(text, chain, language):
        line = value if isinstance(value, str) else " · ".join(value)
        stages.add_row(Text(label), Text(line, style="dim" if value == before else ""))
        before = value
    if chain is not None:
        return Group(stages)
    columns = shown_words(text, tagger, language)
    words = Table(box=box.SIMPLE_HEAD, title="word by word", title_justify="left", title_style="bold", padding=0)
    for label in columns:
        wide = max(map(len, label.split()))  # a heading breaks between its words only
        words.add_column(label, style="cyan" if label == "word" else None, overflow="fold", min_width=wide)
    for row in zip(*columns.values()):
        # what a stage left alone is grey, and what it took out is the empty set
        words.add_row(
            *(Text(cell or "∅", style="dim" if i and cell in ("", row[0]) else "") for i, cell in enumerate(row))
        )
    return Group(stages, words)

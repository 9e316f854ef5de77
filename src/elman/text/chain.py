"""The text chain: stages in the order a recipe gives them, from a string to tokens.

Text stages come first; then one stage splits the text (`words` where the recipe names none); from there on every
stage works word by word, text stages too, and what it returns is split at blanks: a word can change, go, or become
two. So tags stay beside their words through everything that follows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from typing import Any

from elman.errors import InputError
from elman.text.stages import STAGES, check_options
from elman.text.subwords import join_subwords
from elman.text.tag import Tagger
from elman.text.tokenize import join_words

__all__ = ["Chain"]

Config = str | Mapping[str, Any]
Tokens = list[str]
Pairs = list[tuple[str, str]]  # a token and its part of speech ("" where no tagger has been)

# what of a run of word stages is remembered: so many words, none longer than
_MEMORY, _LONGEST = 200_000, 40


class Chain:
    """Stages in order, ready to be called.

    Args:
        stages: names, or mappings of a name and options: `["unicode", "lower", {"name": "stem", "algorithm":
            "porter"}]`.
        tagger: words of a sentence to their parts of speech; needed where a `tags` stage is. If it has a method
            `many`, from sentences to the tags of each, that is asked where many texts are read.
        where: the file that the stages stand in, for errors.

    Raises:
        InputError: an unknown stage or option, two stages that split, a stage out of place, a missing tagger.

    Attributes:
        stages: each stage as a mapping of its name and all its options.
    """

    def __init__(self, stages: Iterable[Config] = (), tagger: Tagger | None = None, where: str = "") -> None:
        if isinstance(stages, str | Mapping):
            raise InputError(
                f"stages = {stages!r} is not a list", where=where, remedy='write stages = ["lower", "words"]'
            )
        self.stages: list[dict[str, Any]] = _in_order([_read(s, where) for s in stages], where)
        self.tagger = tagger
        if tagger is None and self.asks_tagger:
            raise InputError(
                "the stage 'tags' needs a part-of-speech tagger",
                where=where,
                remedy="give it one: Chain(stages, tagger=elman.parts_of_speech)",
            )
        self._states: list[Any] = [None] * len(self.stages)  # as JSON knows them
        self._bind()

    # -- what is learned from the training texts

    @property
    def fitted(self) -> bool:
        """Whether every stage that learns has learned."""
        return all(state is not None or not _learns(s) for s, state in zip(self.stages, self._states))

    @property
    def asks_tagger(self) -> bool:
        """Whether a stage asks for parts of speech."""
        return any(STAGES[s["name"]].kind == "tags" for s in self.stages)

    @property
    def tags_beside(self) -> bool:
        """Whether parts of speech reach the end of the chain beside their words."""
        return any(STAGES[s["name"]].kind == "tags" and s["use"] == "beside" for s in self.stages)

    def fit(self, texts: Iterable[str | Sequence[str]]) -> Chain:
        """Let the stages that learn (`subwords`, `sparse`) learn, each from what the stages before it make.

        Args:
            texts: the training texts, and no others.

        Returns:
            The chain itself. Without such stages the texts are not even read.
        """
        if any(map(_learns, self.stages)):
            kept = list(texts)
            for i, stage in enumerate(self.stages):
                fit = STAGES[stage["name"]].fit
                if fit is not None:
                    # a splitter learns from strings, a word stage from the tokens of each text
                    made: Iterable[str | Tokens] = (
                        (self._normalized(t, i) for t in kept)
                        if i == self._split
                        else ([token for token, _ in pairs] for pairs in self._run_all(kept, i))
                    )
                    self._states[i] = fit(made, **_options(stage))
                    self._bind()
        return self

    # -- use

    def __call__(self, text: str | Sequence[str]) -> Tokens:
        """Tokens of a text; of a list of words, which is not split again except into characters or subwords."""
        if isinstance(text, str) and self._to == len(self.stages):
            return self._pieces(text)
        return [token for token, _ in self._run(text)]

    def tagged(self, text: str | Sequence[str]) -> Pairs:
        """Tokens with their parts of speech beside them, as the `tags` stage found them; "" without such a stage."""
        return self._run(text)

    def tagged_all(self, texts: Sequence[str | Sequence[str]]) -> list[Pairs]:
        """`tagged` of each text; a tagger that takes many sentences at once (`many`) gets them so, and is faster."""
        return self._run_all(texts, len(self.stages))

    def each(self, texts: Iterable[str | Sequence[str]]) -> Iterator[Tokens]:
        """Tokens of each text, one after the other; where a stage asks for parts of speech, as `tagged_all`."""
        if self.asks_tagger:
            return ([token for token, _ in pairs] for pairs in self.tagged_all(list(texts)))
        return map(self, texts)

    def trace(self, text: str) -> list[tuple[str, str | Tokens]]:
        """What each stage makes of the text: (stage with its options, value), the text itself first."""
        seen: list[tuple[str, str | Tokens]] = [("input", text)]
        for i, stage in enumerate(self.stages):
            label = " ".join([stage["name"], *(f"{k}={v}" for k, v in _told(stage).items())])
            if i < self._split:
                seen.append((label, self._normalized(text, i + 1)))
            else:
                seen.append((label, [f"{w}/{t}" if t else w for w, t in self._run(text, upto=i + 1)]))
        return seen

    def join(self, tokens: Sequence[str]) -> str:
        """Tokens to a readable line again, as far as the unit allows; stems stay stems."""
        unit = self.stages[self._split]["name"]
        if unit == "subwords":
            return join_subwords(list(tokens))
        return "".join(tokens) if unit == "characters" else join_words(list(tokens))

    # -- saving

    def to_dict(self) -> dict[str, Any]:
        """Stages, options and what was learned, as JSON knows it."""
        return {
            "stages": [
                stage | ({"state": state} if state is not None else {})
                for stage, state in zip(self.stages, self._states)
            ]
        }

    @classmethod
    def from_dict(cls, saved: Mapping[str, Any], tagger: Tagger | None = None) -> Chain:
        """The chain that `to_dict` described; it equals the one saved."""
        stages = [{k: v for k, v in stage.items() if k != "state"} for stage in saved["stages"]]
        chain = cls(stages, tagger=tagger)
        chain._states = [stage.get("state") for stage in saved["stages"]]
        chain._bind()
        return chain

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Chain) and self.to_dict() == other.to_dict()

    __hash__ = None  # type: ignore[assignment]

    def __reduce__(self) -> tuple[Callable[..., Chain], tuple[dict[str, Any], Tagger | None]]:
        return type(self).from_dict, (self.to_dict(), self.tagger)

    def __repr__(self) -> str:
        return f"Chain({[s['name'] for s in self.stages]})"

    # -- how it runs

    def _bind(self) -> None:
        """Each stage as a function of one argument; what is remembered of words is forgotten."""
        self._functions = [self._bound(i) for i in range(len(self.stages))]
        kinds = [STAGES[s["name"]].kind for s in self.stages]
        self._split = kinds.index("split")
        # stages `_from` to `_to` make of a text what they make of its pieces between blanks; of stages that do not
        # reach as far as the split, none
        apart = [STAGES[s["name"]].apart(**_options(s)) for s in self.stages[: self._split + 1]]
        self._from = next((i + 1 for i in range(self._split, -1, -1) if not apart[i]), 0)
        self._to = 0 if self._from > self._split else kinds.index("tags") if "tags" in kinds else len(kinds)
        self._memory: dict[tuple[int, int], dict[str, Tokens]] = {}
        self._known = _Known(self._piece)

    def _bound(self, i: int) -> Callable[[Any], Any]:
        stage, state = STAGES[self.stages[i]["name"]], self._states[i]
        options = _options(self.stages[i])
        if stage.kind == "tags":
            return partial(stage.function, tagger=self.tagger, **options)
        if stage.fit is None:
            return partial(stage.function, **options)
        if state is None:
            return partial(_unfitted, self.stages[i]["name"])
        return partial(stage.function, state=stage.revive(state) if stage.revive else state, **options)

    def _normalized(self, text: str | Sequence[str], upto: int) -> str:
        """The text after its first `upto` stages, all before the split."""
        value = text if isinstance(text, str) else " ".join(text)
        for function in self._functions[:upto]:
            value = function(value)
        return value

    def _run_all(self, texts: Sequence[str | Sequence[str]], end: int) -> list[Pairs]:
        """Every text through the first `end` stages."""
        at = next((i for i, s in enumerate(self.stages[:end]) if STAGES[s["name"]].kind == "tags"), end)
        many = getattr(self.tagger, "many", None)
        if at == end or many is None:
            return [self._run(text, end) for text in texts]
        sentences = [[token for token, _ in self._run(text, at)] for text in texts]
        found = dict(zip(map(tuple, sentences), many(sentences)))

        def known(words: list[str]) -> list[str]:
            return found[tuple(words)] if tuple(words) in found else self.tagger(words)  # type: ignore[misc]

        return [self._run(text, end, known) for text in texts]

    def _run(self, text: str | Sequence[str], upto: int | None = None, tagger: Tagger | None = None) -> Pairs:
        """The tokens after the first `upto` stages, the one that splits among them; `tagger` in place of our own."""
        end = len(self.stages) if upto is None else upto
        split = self._split
        start = split + 1
        if isinstance(text, str) and 0 < self._to <= end:
            tokens, start = self._pieces(text), self._to
        elif isinstance(text, str):
            tokens = self._functions[split](self._normalized(text, split))
        else:
            tokens = [piece for word in text for piece in self._word(word, 0, split)]
            if self.stages[split]["name"] in ("characters", "subwords"):
                tokens = [piece for word in tokens for piece in self._functions[split](word)]
        pairs = [(token, "") for token in tokens]
        for i in range(start, end):
            if self.stages[i]["name"] == "tags":
                pairs = self._through(pairs, start, i)
                other = {} if tagger is None else {"tagger": tagger}
                pairs = self._functions[i]([token for token, _ in pairs], **other)
                start = i + 1
        return self._through(pairs, start, end)

    def _pieces(self, text: str) -> Tokens:
        """The tokens of a text after the stages up to `_to`; what stands between blanks comes again and again."""
        return list(chain.from_iterable(map(self._known.__getitem__, self._normalized(text, self._from).split(" "))))

    def _piece(self, piece: str) -> Tokens:
        value: Any = piece
        for function in self._functions[self._from : self._split + 1]:
            value = function(value)
        return [token for token, _ in self._through([(t, "") for t in value], self._split + 1, self._to)]

    def _through(self, pairs: Pairs, start: int, end: int) -> Pairs:
        if start >= end:
            return pairs
        return [(piece, tag) for token, tag in pairs for piece in self._word(token, start, end)]

    def _word(self, word: str, start: int, end: int) -> Tokens:
        """One word through stages start..end, remembered: a few thousand words make up most of any text."""
        memory = self._memory.setdefault((start, end), {})
        known = memory.get(word)
        if known is None:
            known = [word]
            for function in self._functions[start:end]:
                # a token that the stage leaves alone may itself be a blank (a character)
                changed = ((token, function(token)) for token in known)
                known = [piece for token, new in changed for piece in ([token] if new == token else new.split())]
            if len(memory) < _MEMORY and len(word) <= _LONGEST:
                memory[word] = known
        return known


class _Known(dict[str, Tokens]):
    """What pieces of text become, each made when it is first asked for, and the short ones kept."""

    def __init__(self, make: Callable[[str], Tokens]) -> None:
        self._make = make

    def __missing__(self, piece: str) -> Tokens:
        made = self._make(piece)
        if len(self) < _MEMORY and len(piece) <= _LONGEST:
            self[piece] = made
        return made


def _read(stage: Config, where: str) -> dict[str, Any]:
    """One stage of a recipe as a mapping of its name and all its options."""
    if isinstance(stage, str):
        return {"name": stage} | check_options(stage, {}, where)
    if not isinstance(stage, Mapping) or not isinstance(stage.get("name"), str):
        raise InputError(
            f"{stage!r} is not a text stage",
            where=where,
            remedy='write "lower" or {name = "stem", algorithm = "porter"}',
        )
    given = {k: v for k, v in stage.items() if k != "name"}
    return {"name": stage["name"]} | check_options(stage["name"], given, where)


def _in_order(stages: list[dict[str, Any]], where: str) -> list[dict[str, Any]]:
    """The stages with one that splits: `words`, behind the leading text stages, where none is named."""
    kinds = [STAGES[s["name"]].kind for s in stages]
    splits = [i for i, kind in enumerate(kinds) if kind == "split"]
    if len(splits) > 1:
        names = " and ".join(repr(stages[i]["name"]) for i in splits)
        raise InputError(f"{names} both split the text", where=where, remedy="keep one of them")
    first = next((i for i, kind in enumerate(kinds) if kind in ("word", "tags")), len(stages))
    if not splits:
        return [*stages[:first], _read("words", where), *stages[first:]]
    if first < splits[0]:
        word, split = stages[first]["name"], stages[splits[0]]["name"]
        raise InputError(
            f"stage {word!r} works on words, but stands before {split!r}, which makes them",
            where=where,
            remedy=f"move {word!r} after {split!r}",
        )
    return stages


def _options(stage: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in stage.items() if k != "name"}


def _told(stage: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are not at their defaults."""
    usual = check_options(stage["name"], {})
    return {k: v for k, v in _options(stage).items() if v != usual[k]}


def _learns(stage: Mapping[str, Any]) -> bool:
    return STAGES[stage["name"]].fit is not None


def _unfitted(name: str, value: object) -> str:
    del value
    raise InputError(f"stage {name!r} has learned nothing yet", remedy="fit the chain on the training texts first")

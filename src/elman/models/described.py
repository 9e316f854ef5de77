"""What model.json may say: the schema of a RUN's description, model by model, with bounds.

Whoever hands us a RUN may have written anything there. Types and bounds are checked by msgspec, what must fit together
by `check`; the cell's graph checks itself as it is read. Keys that are not named here are left alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from torch import nn

from elman.config.training import TrainingSettings
from elman.data.sentences import tag_of
from elman.models.classifier import ClassifierSettings
from elman.models.tagger import TaggerModel, TaggerSettings
from elman.training.run_reader import StoredWeights, damaged

__all__ = ["ClassifierDescription", "Description", "TaggerDescription", "check_layers", "converted", "described"]

Size = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Some = Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
Order = Annotated[int, msgspec.Meta(ge=1, le=100)]
Number = Annotated[float, msgspec.Meta(ge=-1e30, le=1e30)]
Label = str | int | float | bool


class Description(msgspec.Struct, kw_only=True):
    """What every RUN says, whatever its model."""

    parameters: dict[str, Any]
    name: str = ""
    pos_model: str = ""
    columns: dict[str, str] = {}

    def check(self, weights: StoredWeights) -> None:
        """Raises InputError if parts do not fit each other, or the weights that the RUN holds."""

    def check_filled(self, model: nn.Module, where: Path) -> None:
        """Raises InputError if the weights, now read, are none for this model."""


D = TypeVar("D", bound=Description)


class NgramPart(msgspec.Struct):
    kind: Literal["word", "character"]
    ngrams: list[str]
    idf: list[Number]


class Ngrams(msgspec.Struct):
    """See `elman.text.ngrams.NgramFeatures.to_dict`."""

    words: tuple[Order, Order] | None
    characters: tuple[Order, Order] | None
    most: Size
    parts: list[NgramPart]


class Stages(msgspec.Struct):
    """See `elman.text.chain.Chain.to_dict`; a stage checks its own options."""

    stages: Annotated[list[dict[str, Any]], msgspec.Meta(max_length=1000)]


class TextEncoding(msgspec.Struct, tag_field="kind", tag="text"):
    """See `elman.models.encoding.Encoding.to_dict`."""

    chain: Stages
    vocabulary: list[str]
    max_length: Size = 0
    tail: Size = 0
    tags: list[str] | None = None
    ngrams: Ngrams | None = None


class NumberEncoding(msgspec.Struct, tag_field="kind", tag="numbers"):
    features: Some
    stride: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1
    level: list[float] = []


class Network(msgspec.Struct):
    """See `elman.models.classifier.SequenceClassifier.to_dict`."""

    settings: ClassifierSettings
    classes: Some
    words: Size
    features: Size
    ngrams: Size
    width: Some
    frozen: bool
    cell: dict[str, Any]
    tags: Size = 0
    further: Size = 0
    wide: Size = 0
    head: Literal["softmax", "sigmoid"] = "softmax"


class ClassifierDescription(Description, kw_only=True):
    """See `elman.tasks.classify.estimator.Classifier.describe`."""

    labels: Annotated[list[Label], msgspec.Meta(min_length=1)]
    encoding: TextEncoding | NumberEncoding
    model: Network
    temperature: Annotated[float, msgspec.Meta(ge=0.01, le=100)] = 1.0
    offset: list[Number] = []
    threshold: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.5
    indicator: bool = False

    def check(self, weights: StoredWeights) -> None:
        net, read, where = self.model, self.encoding, weights.path
        _differ(self.labels, "label", where)
        if len({type(label) for label in self.labels}) > 1:
            raise damaged("labels of several types", where)
        if net.head == "softmax" and len(self.labels) < 2:
            raise damaged("one class alone", where)
        _agree(len(self.labels), net.classes, "labels", "classes", where)
        _agree(len(self.offset) or net.classes, net.classes, "offsets", "classes", where)
        several = net.settings.members > 1 or net.wide > 0
        _fits(len(self.labels), "members.0.out.bias" if several else "out.bias", weights)
        if several:
            _fits(len(self.labels), f"members.{net.settings.members - 1}.out.bias", weights)
        check_layers(net.settings.layers, weights)
        if isinstance(read, NumberEncoding):
            _agree(net.features, read.features * read.stride, "features of the network", "of the data", where)
            _agree(len(read.level) or read.features, read.features, "levels", "channels", where)
            _agree(
                0, net.words + net.tags + net.ngrams + net.wide + net.further, "words beside numbers", "allowed", where
            )
            return
        _agree(0, net.features, "features of numbers beside words", "allowed", where)
        _agree(len(read.vocabulary), net.words + net.further, "words in the vocabulary", "in the network", where)
        _agree(len(read.tags or ()), net.tags, "parts of speech", "in the network", where)
        parts = read.ngrams.parts if read.ngrams is not None else []
        _agree(sum(len(part.ngrams) for part in parts), net.ngrams + net.wide, "n-grams", "in the network", where)
        if read.ngrams is not None:
            ranges = {"word": read.ngrams.words, "character": read.ngrams.characters}
            if [kind for kind, found in ranges.items() if found] != [part.kind for part in parts]:
                raise damaged("n-grams of unknown kinds", where)
            for part in parts:
                _differ(part.ngrams, "n-gram", where)
                _agree(len(part.ngrams), len(part.idf), "n-grams", "of their weights", where)
            if any(found is not None and found[0] > found[1] for found in ranges.values()):
                raise damaged("n-grams whose shortest are longer than their longest", where)
        for stage in read.chain.stages:
            state = {"sparse": list[str], "subwords": str}.get(str(stage.get("name")))
            converted(stage.get("state"), state or None, f"encoding.chain, stage {stage.get('name')!r:.40}", where)


class TagSet(msgspec.Struct):
    """See `elman.models.tag_names.TagNames`."""

    names: Annotated[list[str], msgspec.Meta(min_length=2)]
    scheme: Literal["none", "IOB1", "IOB2", "IOBES", "BILOU"]
    inner: Literal["IOB2", "IOBES"]


class Lexicon(msgspec.Struct):
    """See `elman.models.lexicon.Lexicon.to_dict`."""

    words: list[str]
    chars: list[str]
    affixes: list[str]
    known: list[str]
    longest_affix: Some
    longest_word: Annotated[int, msgspec.Meta(ge=2, le=2**31 - 1)]


class TaggerDescription(Description, kw_only=True):
    """See `elman.tasks.tag.estimator.Tagger.describe`."""

    names: TagSet
    lexicon: Lexicon
    vectors: tuple[Some, Size]
    cell: dict[str, Any]
    temperature: Annotated[float, msgspec.Meta(ge=1e-3, le=1e3)]
    threshold: Annotated[float, msgspec.Meta(ge=-100, le=100)] = 0.0
    moved: Size = 0
    tag_type: Literal["str", "int", "bool"] = "str"

    def check(self, weights: StoredWeights) -> None:
        where, names = weights.path, self.names.names
        _differ(names, "tag", where)
        try:
            [tag_of(self.tag_type, name) for name in names]
        except ValueError as error:
            raise damaged(f"a tag that is none of the type {self.tag_type}", where) from error
        _fits(len(names), "emit.bias", weights)
        if self.names.scheme != "none":
            letters = "BIES" if self.names.inner == "IOBES" else "BI"
            for name in names:
                if name != "O" and not (name[:1] in letters and name[1:2] == "-" and name[2:]):
                    raise damaged(f"{name!r:.80} is not a tag of {self.names.inner}", where)
            if "O" not in names:
                raise damaged("entities without the tag O", where)
        _differ(self.lexicon.known, "word with a vector", where)
        _agree(len(self.lexicon.known) + 1, self.vectors[0], "rows for words with a vector", "vectors", where)
        for struct in (TaggerSettings, TrainingSettings):
            converted({k: v for k, v in self.parameters.items() if k in struct.__struct_fields__}, struct,
                     "parameters", where)  # fmt: skip
        check_layers(self.parameters.get("layers", 1), weights)

    def check_filled(self, model: nn.Module, where: Path) -> None:
        assert isinstance(model, TaggerModel)
        rows = model.corrections
        if rows is not None and not 0 <= int(model.moved.min()) <= int(model.moved.max()) < rows.num_embeddings:
            raise damaged("moved names corrections that do not exist", where)


def described(description: Mapping[str, Any], kind: type[D], where: Path) -> D:
    """A RUN's description, its types and bounds checked.

    Raises:
        InputError: naming the first value that is none.
    """
    found: D = converted(description, kind, "", where)
    return found


def converted(value: Any, kind: Any, what: str, where: Path) -> Any:
    """A part of a RUN's description, called `what`, as `kind`. Raises InputError for a value that is none of it."""
    try:
        return msgspec.convert(value, kind)
    except (msgspec.ValidationError, UnicodeEncodeError, OverflowError, RecursionError) as error:
        said = str(error).replace("`$.", f"`{what}.") if what else str(error).replace("`$.", "`")
        raise damaged(f"model.json: {said}", where) from error


def _differ(values: Sequence[Any], what: str, where: Path) -> None:
    seen = set()
    for value in values:
        if value in seen:
            raise damaged(f"the {what} {value!r:.80} is listed twice", where)
        seen.add(value)


def _agree(a: int, b: int, what: str, other: str, where: Path) -> None:
    if a != b:
        raise damaged(f"{a} {what}, {b} {other}", where)


def _fits(count: int, name: str, weights: StoredWeights) -> None:
    """Raises InputError unless so many classes or tags are what the last layer gives."""
    if weights.shapes.get(name) != (count,):
        raise damaged(f"{count} classes, and {name} of shape {weights.shapes.get(name)}", weights.path)


def check_layers(layers: int, weights: StoredWeights) -> None:
    """Raises InputError for more layers than there are tensors: each has one at least."""
    if layers > len(weights.shapes):
        raise damaged(f"{layers} layers, {len(weights.shapes)} tensors", weights.path)

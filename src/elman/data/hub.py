"""Data sets of the Hugging Face hub, ``hf:NAME``: the one source that uses the network, by the library `datasets`."""

from __future__ import annotations

from typing import Any

from elman.data.table import Table
from elman.errors import InputError
from elman.optional import optional

__all__ = ["hub_parts", "read_hub"]


def hub_parts(name: str) -> dict[str, Table]:
    """The tables of train, valid and test, as far as a data set has them; its first split is train where none is."""
    hub = read_hub(name)
    splits = {"train": "train" if "train" in hub else next(iter(hub)), "valid": "validation", "test": "test"}
    # what is trained on is no other part, too
    return {
        part: hub[split]
        for part, split in splits.items()
        if split in hub and (part == "train" or split != splits["train"])
    }


def read_hub(name: str) -> dict[str, Table]:
    """``hf:NAME`` or ``hf:NAME/CONFIGURATION@REVISION`` -> its splits by name, through the `datasets` library.

    NAME is ``owner/set`` or ``set``; a third part is the configuration.
    """
    source = name
    name, _, revision = name.removeprefix("hf:").partition("@")
    parts = name.split("/")
    datasets = optional("datasets", "elman[hub]", f"reading {source}")
    try:
        loaded = datasets.load_dataset("/".join(parts[:2]), *parts[2:3], revision=revision or None)
    except Exception as error:  # the library raises its own, the network's and Python's errors alike
        raise InputError(
            f"could not be loaded ({str(error).splitlines()[0] if str(error) else type(error).__name__})",
            where=source,
            remedy="check the name and the network, or download it and give the file",
        ) from error
    return {split: _from_hub(data, f"{source} [{split}]") for split, data in loaded.items()}


def _from_hub(data: Any, source: str) -> Table:
    """Columns as lists; class numbers (or lists of them, a tag a word) by the names that the data set gives them."""
    columns: dict[str, list[Any]] = {}
    for name in data.column_names:
        values = list(data[name][:])
        feature = data.features[name]
        named = getattr(feature, "names", None)
        inner = getattr(getattr(feature, "feature", None), "names", None)
        if named:
            values = [None if v is None or v < 0 else named[v] for v in values]  # -1: the label is withheld
        elif inner:
            values = [[inner[v] for v in row] for row in values]
        columns[name] = values
    return Table(columns, source)

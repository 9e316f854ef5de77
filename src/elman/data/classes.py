"""Whether labels are those of a classifier: several, not too many, and known where rows are to be judged by."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

from elman.data.label_sets import LabelSets, each_label
from elman.data.table import Table
from elman.errors import InputError

__all__ = ["as_known", "check_classes", "unseen_labels"]


def check_classes(train: Table, named: bool) -> None:
    """Raises InputError for one class alone, the same labels in every row, or labels that are hardly ever the same.

    Args:
        named: the user said which column holds the labels, and may well have many and rare ones.
    """
    counts = Counter(each_label(train["label"]))
    if isinstance(train["label"], LabelSets):
        if len(set(train["label"])) < 2:
            what = f"every row of the training data has the same labels, {', '.join(map(repr, counts)) or 'none'}"
            remedy = "a classifier needs examples that differ; or name another column: --target COLUMN"
            raise InputError(what, where=train.source, remedy=remedy)
    elif len(counts) < 2:
        raise InputError(
            f"only one class, {next(iter(counts))!r}, in the training data",
            where=train.source,
            remedy="a classifier needs examples of at least two; or name another column: --target COLUMN",
        )
    if len(counts) > max(20, len(train) * (9 if named else 5) // 10):
        raise InputError(
            f"{len(counts)} different labels in {len(train)} rows: this column holds no classes",
            where=train.source,
            remedy="a label needs several rows; name another column"
            if named
            else "name the label column: --target COLUMN",
        )


def as_known(labels: Sequence[str] | LabelSets, known: Collection[str]) -> Sequence[str] | LabelSets:
    """Labels as training spelled them: 1.0 and 1 are one number, True, TRUE and true one truth value.

    pandas writes whole numbers with a point as soon as one is missing, and every language truth values in its own way.
    """
    usual: dict[float | str, set[str]] = {}
    for label in known:
        usual.setdefault(_value(label), set()).add(label)
    spelled = {label: usual.get(_value(label), set()) for label in set(each_label(labels)).difference(known)}
    names = {label: next(iter(found)) for label, found in spelled.items() if len(found) == 1}
    return labels.renamed(names) if isinstance(labels, LabelSets) else [names.get(label, label) for label in labels]


def _value(label: str) -> float | str:
    """What a label says, if it is a decimal number or a truth value; else the label itself."""
    if re.fullmatch(r"-?\d{1,15}(\.\d{1,15})?", label, re.ASCII):
        return float(label)
    return label.lower() if label.lower() in ("true", "false") else label


def unseen_labels(table: Table, known: Collection[str], rows: str) -> list[str]:
    """What is said of rows whose label was not seen in training: no answer to them is right, and they count as errors;
    of several labels a row, such a label is a miss.

    Args:
        rows: what they are called there, for the line.

    Raises:
        InputError: every label is of this kind: these are the labels of something else.
    """
    labels = each_label(table["label"])
    strange = Counter(label for label in labels if label not in known)
    count = strange.total()
    if count == len(labels) > 0:
        raise InputError(
            f"none of its labels ({_some(strange)}) occurs in the training data",
            where=table.source,
            remedy=f"known are {_some(sorted(known))}; mend them, or name another column: --target COLUMN",
        )
    if not count:
        return []
    if isinstance(table["label"], LabelSets):
        miss = "it counts as a miss" if count == 1 else "each counts as a miss"
        of = f"{count:,} of the {len(labels):,} labels of its {rows}"
        return [f"{of} {'is' if count == 1 else 'are'} none of the training data ({_some(strange)}): {miss}"]
    have = "has a label" if count == 1 else "have labels"
    return [
        f"{count:,} of {len(table):,} {rows} {have} that the training data lack ({_some(strange)}): "
        f"{'it counts as an error' if count == 1 else 'they count as errors'}"
    ]


def _some(labels: Iterable[str]) -> str:
    """The first of them, quoted; the most frequent of a count, with how often each occurs if that is more than once."""
    counts = labels.most_common() if isinstance(labels, Counter) else [(label, 1) for label in labels]
    said = [f"{label!r:.60}{f' {n:,} times' * (n > 1)}" for label, n in counts[:8]]
    return ", ".join(said) + (f" and {len(counts) - 8:,} more" if len(counts) > 8 else "")

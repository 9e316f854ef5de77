"""Cutting one table into train, valid and test: seeded, in proportion for every label, groups kept whole.

Rows that belong together (sentences of one review, windows of one person) must not sit on both sides of a split: a
model would be praised for recognising the review. Name their column as the group, and the split is made by group.

scikit-learn's splits promise less: `train_test_split` refuses a label of one row and cuts a third part from what the
first cut left, `GroupShuffleSplit` does not look at labels, `StratifiedGroupKFold` knows equal folds alone.
"""

from __future__ import annotations

import hashlib
import random
from array import array
from collections import Counter, defaultdict
from collections.abc import Hashable, Sequence
from functools import partial

import numpy as np

from elman.config.settings import DataSettings
from elman.data.strings import Strings
from elman.errors import InputError

__all__ = ["divide", "equal_texts", "hold_out", "hold_out_classes", "split_groups", "split_rows", "state_split"]

_SHORT = 0.5  # of its share of all rows: a part that has less takes rows from the others
_GIANT = 0.02  # share of all rows from which a group is placed before the others, while there is room


def split_rows(labels: Sequence[Hashable], fractions: Sequence[float], seed: int) -> list[list[int]]:
    """Deal rows into parts so that every label is divided as `fractions` say, to within one row.

    Where labels are many and each has few rows, no part is left far behind its share of all rows either.

    Args:
        labels: one a row.
        fractions: share of each part; they sum to 1. Ten of a tenth give the folds of a cross-validation.
        seed: of the shuffle; the same rows and seed give the same parts on every machine.

    Returns:
        One ascending list of row indices a part.

    Raises:
        InputError: fewer rows than parts.
    """
    _check_fractions(fractions)
    shuffle = random.Random(seed).shuffle
    by_label: dict[Hashable, list[int]] = defaultdict(list)
    for i, label in enumerate(labels):
        by_label[label].append(i)
    parts: list[list[int]] = [[] for _ in fractions]
    for rows in by_label.values():
        shuffle(rows)
        dealt = [0] * len(parts)
        for n, i in enumerate(rows, 1):
            # the part that is furthest behind its share of n rows; a label's only row goes to the largest part
            k = max(range(len(parts)), key=lambda k: (round(n * fractions[k] - dealt[k], 9), -k))
            dealt[k] += 1
            parts[k].append(i)
    _fill(parts, labels, fractions)
    return _without_gaps(parts, labels)


def split_groups(
    labels: Sequence[Hashable], groups: Sequence[Hashable], fractions: Sequence[float], seed: int
) -> list[list[int]]:
    """The same, but rows of one group stay in one part; labels are divided as evenly as whole groups allow.

    Each group, in random order, goes where it leaves the label counts nearest to their shares.

    Raises:
        InputError: fewer groups than parts.
    """
    _check_fractions(fractions)
    members: dict[Hashable, list[int]] = defaultdict(list)
    for i, group in enumerate(groups):
        members[group].append(i)
    order = list(members.values())
    if len(order) < len(fractions):
        raise InputError(
            f"{len(order)} groups cannot be split into {len(fractions)} parts", remedy="name another group"
        )
    random.Random(seed).shuffle(order)
    # only giants first: sorting all by size would leave the small groups for the small parts
    order.sort(key=lambda rows: len(rows) if len(rows) > _GIANT * len(labels) else 0, reverse=True)
    total = Counter(labels)
    have: list[Counter[Hashable]] = [Counter() for _ in fractions]
    parts: list[list[list[int]]] = [[] for _ in fractions]  # groups of rows
    for rows in order:
        added = Counter(labels[i] for i in rows)

        def growth(k: int, added: Counter[Hashable] = added) -> float:
            """How much the squared distance from part k's share grows (mostly: shrinks), label by label."""
            error = 0.0
            for label, n in added.items():
                before, after = have[k][label] / total[label] - fractions[k], n / total[label]
                error += after * (2 * before + after)
            return error

        k = min(range(len(parts)), key=growth)
        have[k] += added
        parts[k].append(rows)
    for part in parts:
        if not part:  # few groups: take the smallest of the part that has most
            largest = max(parts, key=len)
            part.append(largest.pop(min(range(len(largest)), key=lambda i: len(largest[i]))))
    return [sorted(i for rows in part for i in rows) for part in parts]


def divide(
    labels: Sequence[Hashable],
    groups: Sequence[Hashable] | None,
    missing: Sequence[str],
    settings: DataSettings,
    source: str,
    by: str = "document",
) -> tuple[dict[str, list[int]], str]:
    """Cut the parts that have no file of their own out of the training rows, as [data] says.

    Args:
        labels, groups: one a row; groups None: every row for itself.
        missing: which of valid and test to cut out.
        settings: its split (shares of the parts that have files are left to the others), seed, fold and group.
        source: the file, for error messages.
        by: what the groups are, where settings name no column; empty: nothing to be told of.

    Returns:
        Rows of each part, "train" first, and the line that states the split.
    """

    def cut(fractions: Sequence[float]) -> list[list[int]]:
        try:
            if groups is None:
                return split_rows(labels, fractions, settings.seed)
            return split_groups(labels, groups, fractions, settings.seed)
        except InputError as error:
            raise InputError(error.what, where=error.where or source, remedy=error.remedy) from error

    names = ["train", *missing]
    if settings.fold < 0:
        shares = dict(zip(("train", "valid", "test"), settings.split))
        _check_fractions(settings.split)
        total = sum(shares[name] for name in names)
        parts = cut([shares[name] / total for name in names])
        prefix = ""
    elif settings.fold < 10:
        # fold k is the test part, the next one valid, the others train
        folds = cut([0.1] * 10)
        held = {"test": folds[settings.fold], "valid": folds[(settings.fold + 1) % 10]}
        out = {i for name in missing for i in held[name]}
        parts = [[i for i in range(len(labels)) if i not in out], *(held[name] for name in missing)]
        prefix = f"fold {settings.fold} of 10: "
    else:
        raise InputError(f"there is no fold {settings.fold}", where="data.fold", remedy="folds are 0 to 9")
    by = "" if groups is None else settings.group or by
    return dict(zip(names, parts)), prefix + state_split(names, parts, settings.seed, by, len(set(labels)) > 1)


def equal_texts(texts: Sequence[str]) -> Sequence[Hashable]:
    """Each text without its differences of case and white space: equal ones are one text to a model, or nearly.

    Of texts that lie on disk, because they are many, only a mark of 8 bytes each (BLAKE2b).
    """
    bare = (" ".join(text.casefold().split()) for text in texts)
    if not isinstance(texts, Strings):
        return list(bare)
    marks = (hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest() for text in bare)
    return array("q", map(partial(int.from_bytes, byteorder="big", signed=True), marks))


def _fill(parts: list[list[int]], labels: Sequence[Hashable], fractions: Sequence[float]) -> None:
    """Give rows to a part that each label's rounding left short: of 500 labels of 4 rows, a tenth would be none.

    A label gives a row where it was rounded up and takes it where it was rounded down, so that it stays within a row of
    its shares; none leaves the largest part.
    """
    rows, largest = len(labels), max(range(len(parts)), key=lambda k: fractions[k])
    for short, part in enumerate(parts):
        due = int(fractions[short] * rows)
        if short == largest or due < 2 or len(part) >= _SHORT * due:
            continue
        total = Counter(labels)
        held = [Counter(labels[i] for i in some) for some in parts]
        for label, n in total.items():
            if len(part) >= due:
                break
            if held[short][label] >= n * fractions[short]:
                continue
            over = [
                k
                for k, some in enumerate(parts)
                if held[k][label] > max(n * fractions[k], k == largest) and len(some) > fractions[k] * rows
            ]
            if over:
                k = max(over, key=lambda k: len(parts[k]) - fractions[k] * rows)
                part.append(parts[k].pop(next(at for at, i in enumerate(parts[k]) if labels[i] == label)))


def _without_gaps(parts: list[list[int]], labels: Sequence[Hashable]) -> list[list[int]]:
    """A part that rounding left without a row takes one from the largest: of a label that keeps another there."""
    for part in parts:
        if not part:
            largest = max(parts, key=len)
            if len(largest) < 2:
                n = sum(map(len, parts))
                raise InputError(
                    f"{n} row{'s' * (n != 1)} cannot be split into {len(parts)} parts", remedy="give more data"
                )
            held = Counter(labels[i] for i in largest)
            spare = [at for at, i in enumerate(largest) if held[labels[i]] > 1]
            part.append(largest.pop(spare[-1] if spare else -1))
    return [sorted(part) for part in parts]


def _check_fractions(fractions: Sequence[float]) -> None:
    if not fractions or not min(fractions) > 0 or not abs(sum(fractions) - 1) < 1e-6:
        raise InputError(
            f"the shares {list(fractions)} must all be above 0 and add up to 1",
            where="data.split",
            remedy="for example [0.7, 0.1, 0.2]",
        )


def state_split(
    names: Sequence[str], parts: Sequence[Sequence[int]], seed: int, group: str = "", labelled: bool = True
) -> str:
    """One line that says what was split, for the screen, the report and the card."""
    sizes = " / ".join(f"{len(part):,} {name}" for name, part in zip(names, parts))
    manner = f", whole groups of {group!r} together" if group else ", in proportion for every label" * labelled
    return f"split with seed {seed}{manner}: {sizes}"


def hold_out(count: int, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Rows to train on and rows to choose the epoch on, one at least of each."""
    order = np.random.default_rng(seed).permutation(count).tolist()
    held = max(1, min(count - 1, round(share * count)))
    return order[held:], order[:held]


def hold_out_classes(y: np.ndarray, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Rows to train on and rows to choose the epoch on, in proportion for every label.

    Raises:
        InputError: no class has an example to spare.
    """
    labels = y.tolist()
    if len(set(labels)) == len(labels):
        raise InputError(
            f"{len(labels)} examples of {len(labels)} classes are too few to hold one out",
            remedy="give more of each class, or validation=0 to hold out none",
        )
    train, valid = split_rows(labels, [1 - share, share], seed)
    return train, valid

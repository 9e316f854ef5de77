"""What word vectors are measured with: word-similarity sets and analogies, packaged."""

from __future__ import annotations

from elman.data.parts import packaged_folder
from elman.data.readers import read_table
from elman.data.textfile import open_text

__all__ = ["analogies", "similarity_sets"]


def similarity_sets() -> dict[str, list[tuple[str, str, float]]]:
    """Each set's word pairs and how alike people found them: ``{"WS-353-ALL": [("love", "sex", 6.77), ...], ...}``.

    Scales differ from set to set; only their order counts (Spearman).
    """
    table = read_table(packaged_folder("vectors") / "similarity.tsv.xz")
    sets: dict[str, list[tuple[str, str, float]]] = {}
    for name, first, second, score in zip(table["set"], table["first"], table["second"], table["score"]):
        sets.setdefault(name, []).append((first, second, float(score)))
    return sets


def analogies() -> dict[str, list[tuple[str, str, str, str]]]:
    """Each section's questions: ``{"capital-common-countries": [("Athens", "Greece", "Baghdad", "Iraq"), ...], ...}``.

    The sections whose names begin with "gram" are about grammar, the others about meaning (Mikolov et al. 2013).
    """
    sections: dict[str, list[tuple[str, str, str, str]]] = {}
    with open_text(packaged_folder("vectors") / "analogies.txt.xz") as lines:
        for line in lines:
            if line.startswith(":"):
                questions = sections.setdefault(line[1:].strip(), [])
            elif line.strip():
                a, b, c, d = line.split()
                questions.append((a, b, c, d))
    return sections

"""Nearest words, judgement, and rows of an embedding layer, on vectors worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
import torch

from elman.errors import InputError
from elman.text.vectors import WordVectors, embedding_matrix, evaluate
from elman.text.vectors.embedding import find
from elman.text.vectors.judgement import analogies, read_analogies, read_pairs, similarity, spearman
from elman.text.vocabulary import Vocabulary


def compass() -> WordVectors:
    """Words at angles of 0, 10, 30, 90, 180 degrees, of unequal lengths, and one without direction."""
    angles = np.deg2rad([0, 10, 30, 90, 180])
    matrix = np.stack([np.cos(angles), np.sin(angles)], 1) * np.array([[1], [5], [0.1], [2], [3]])
    return WordVectors(["e", "e10", "e30", "n", "w", "none"], np.vstack([matrix, [0, 0]]).astype(np.float32))


def test_nearest_goes_by_angle_not_by_length() -> None:
    found = compass().nearest("e", 3)
    assert [w for w, _ in found] == ["e10", "e30", "n"]
    assert np.allclose([c for _, c in found], np.cos(np.deg2rad([10, 30, 90])), atol=1e-6)
    assert [w for w, _ in compass().nearest(np.array([-1, 0.1]), 1)] == ["w"]
    assert len(compass().nearest("e", 99)) == 5  # never itself
    assert compass().nearest("E", 1) == compass().nearest("e", 1)
    with pytest.raises(InputError, match="no vector for 'e11'; near in spelling: e10"):
        compass().nearest("e11")


def test_analogy_adds_and_leaves_out_what_was_given() -> None:
    matrix = np.array([[1, 0, 0, 1], [1, 0, 0, -1], [0, 1, 0, 1], [0, 1, 0, -1], [0, 0, 1, 0]], np.float32)
    found = WordVectors(["king", "queen", "man", "woman", "tree"], matrix)
    assert found.most_similar(["woman", "king"], "man", 1)[0][0] == "queen"
    sections = {"family": [("man", "woman", "king", "queen"), ("man", "woman", "king", "tree"), ("man", "x", "y", "z")]}
    (family,) = analogies(found, sections)
    assert (family.right, family.known, family.questions, family.accuracy) == (1, 2, 3, 0.5)


def test_in_and_brackets_agree() -> None:
    """`"Apple" in v` was False and v["Apple"] a vector."""
    found = compass()
    for word in ("e", "E", "E10", "e11", "", "N"):
        try:
            found[word]
        except InputError:
            assert word not in found
        else:
            assert word in found
    assert 3 not in found
    assert None not in found
    with pytest.raises(InputError, match="no vector for an int"):
        found[3]  # type: ignore[index]
    both = WordVectors(["Us", "us"], np.eye(2, dtype=np.float32))
    assert both["Us"].tolist() == [1, 0]  # as written comes first
    assert both["US"].tolist() == [0, 1]


def test_similarity_is_the_cosine() -> None:
    assert compass().similarity("e", "E30") == pytest.approx(np.cos(np.deg2rad(30)))
    assert compass().similarity("e10", "w") == pytest.approx(np.cos(np.deg2rad(170)))
    assert compass().similarity("e", "none") == 0


def test_most_similar_is_the_mean_of_directions() -> None:
    """As gensim's: each word at length 1, those of `negative` subtracted, those given left out."""
    found = compass()
    # e at 0 and n at 90 degrees: 45, of which e30 is 15 away and e10 35
    near = found.most_similar(["e", "n"], n=2)
    assert [w for w, _ in near] == ["e30", "e10"]
    assert [c for _, c in near] == pytest.approx(np.cos(np.deg2rad([15, 35])), abs=1e-6)
    # n less e: 135 degrees; w is 45 away
    near = found.most_similar("n", "E", n=1)
    assert near[0] == ("w", pytest.approx(np.cos(np.deg2rad(45)), abs=1e-6))
    assert found.most_similar(["e"]) == found.nearest("e")
    assert found.most_similar([np.array([9.0, 0.0])], n=1)[0] == ("e", pytest.approx(1))
    assert found.most_similar(np.array([0.0, 2.0]), n=1)[0][0] == "n"
    for positive, negative, said in (
        ([], [], "no word is given"),
        ("e", "e", "cancel out"),
        (["e", "w"], [], "cancel out"),
        (["e", "x"], [], "no vector for 'x'"),
        (np.ones(3), [], "a vector of shape"),
        (np.array([np.nan, 1]), [], "NaN or infinity"),
    ):
        with pytest.raises(InputError, match=said):
            found.most_similar(positive, negative)


@pytest.mark.parametrize(("known", "told"), [(2, False), (9, False), (10, True)])
def test_a_figure_needs_more_than_a_few_pairs(known: int, told: bool) -> None:
    """Two pairs correlate by -1 or 1 whatever the vectors: -1.000 was reported."""
    from elman.text.vectors import judgement

    # mc30's words recur in rg65: only mc30 is looked at, and as many of its pairs as are wholly known
    pairs = read_pairs(Path(judgement.__file__).parent / "lists" / "similarity" / "mc30.txt")
    words: list[str] = []
    while len([p for p in pairs if {p[0], p[1]} <= set(words)]) < known:
        words += [w for w in next(p for p in pairs if not {p[0], p[1]} <= set(words))[:2] if w not in words]
    inside = [p for p in pairs if {p[0], p[1]} <= set(words)]
    assert len(inside) == known
    random = np.random.default_rng(0)
    vectors = WordVectors(words, random.normal(size=(len(words), 8)).astype(np.float32))
    (mc30,) = [s for s in evaluate(vectors)["similarity"] if s["name"] == "mc30"]
    assert mc30["known"] == known
    wanted = scipy.stats.spearmanr([vectors.similarity(a, b) for a, b, _ in inside], [s for *_, s in inside]).statistic
    assert mc30["spearman"] == (pytest.approx(wanted) if told else None)
    assert similarity(vectors, inside[:2]).spearman is None


def test_an_accuracy_needs_more_than_a_few_questions() -> None:
    from elman.text.vectors import judgement

    sections = read_analogies(Path(judgement.__file__).parent / "lists" / "analogies.txt.gz")
    words = [w.lower() for w in sections["capital-common-countries"][0]]
    found = evaluate(WordVectors(words, np.eye(4, dtype=np.float32)))
    assert found["analogy_coverage"] > 0
    assert found["analogy_accuracy"] is None
    assert all(s["accuracy"] is None for s in found["analogies"])


def test_spearman_is_scipys_also_with_ties() -> None:
    random = np.random.default_rng(0)
    for _ in range(50):
        x, y = random.integers(0, 6, (2, 30))
        assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y).statistic, abs=1e-12)
    assert spearman(np.ones(5), np.arange(5)) is None
    assert spearman(np.ones(1), np.ones(1)) is None


def test_similarity_says_what_it_left_out() -> None:
    pairs = [("e", "e10", 9.0), ("E", "e30", 8.0), ("e", "w", 1.0), ("e", "south", 5.0)]
    found = similarity(compass(), pairs, "compass")
    assert (found.spearman, found.known, found.pairs) == (pytest.approx(1), 3, 4)


def test_the_packaged_lists() -> None:
    found = evaluate(compass())
    assert json.loads(json.dumps(found)) == found
    sizes = {s["name"]: s["pairs"] for s in found["similarity"]}
    assert len(sizes) == 13
    assert (sizes["wordsim353"], sizes["men"], sizes["simlex999"]) == (353, 3000, 999)
    assert sum(s["questions"] for s in found["analogies"]) == 19_544
    assert len(found["analogies"]) == 14
    assert found["analogy_accuracy"] is None  # none of its words is known here


def test_broken_lists(tmp_path: Path) -> None:
    (tmp_path / "p.txt").write_text("a b 1\na b\n")
    with pytest.raises(InputError, match="line 2: not two words and a score"):
        read_pairs(tmp_path / "p.txt")
    (tmp_path / "q.txt").write_text(": s\na b c\n")
    with pytest.raises(InputError, match="line 2: not four words"):
        read_analogies(tmp_path / "q.txt")


def test_looking_up_a_row_equals_the_one_hot_product() -> None:
    """Embedding of a word number = one-hot vector times the matrix, forward and in the gradient."""
    vocabulary = Vocabulary.build([["e", "e10", "north", "w"]])
    matrix = embedding_matrix(compass(), vocabulary, torch.Generator().manual_seed(0))
    numbers = torch.tensor([[2, 5, 1], [3, 2, 0]])  # (B, T)
    weights = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(1))
    layer = torch.nn.Embedding.from_pretrained(matrix.clone(), freeze=False)
    dense = matrix.clone().requires_grad_()
    one_hot = torch.nn.functional.one_hot(numbers, len(matrix)).to(matrix.dtype)  # (B, T, V)
    looked_up, multiplied = layer(numbers), one_hot @ dense
    assert torch.equal(looked_up, multiplied)
    (looked_up * weights).sum().backward()
    (multiplied * weights).sum().backward()
    assert torch.allclose(layer.weight.grad, dense.grad, atol=1e-7)


def test_embedding_rows() -> None:
    found = compass()
    words = ["<pad>", "<unk>", "E10", "w", "e-n", "unheard", "none"]
    matrix = embedding_matrix(found, words, torch.Generator().manual_seed(0))
    again = embedding_matrix(found, words, torch.Generator().manual_seed(0))
    assert torch.equal(matrix, again)
    assert torch.equal(matrix[0], torch.zeros(2))
    assert matrix[2].tolist() == found["e10"].tolist()
    assert matrix[3].tolist() == found["w"].tolist()
    assert matrix[4].tolist() == ((found["e"] + found["n"]) / 2).tolist()
    assert matrix[5].abs().min() > 0
    assert not torch.equal(matrix[1], matrix[5])
    many = embedding_matrix(found, [f"new{i}" for i in range(5000)] + found.words, spread=0.1)
    known = many[5000:]
    assert many[:5000].std() == pytest.approx(0.1, rel=0.05)  # drawn rows are as wide as the scaled known ones
    assert known.std(correction=0) == pytest.approx(0.1, rel=1e-4)
    assert torch.allclose(known * (found.matrix.std() / 0.1), torch.from_numpy(found.matrix), atol=1e-5)


def test_treebank_spellings_are_found() -> None:
    signs = WordVectors(["(", '"', "don't", "--"], np.eye(4, dtype=np.float32))
    assert all(find(signs, sign) is not None for sign in ("-LRB-", "``", "''", "don’t", "—"))


def test_vectors_and_words_must_fit() -> None:
    with pytest.raises(InputError, match="2 words, but vectors of shape"):
        WordVectors(["a", "b"], np.zeros((3, 2), np.float32))
    with pytest.raises(InputError, match="stands twice"):
        WordVectors(["a", "a"], np.zeros((2, 2), np.float32))

"""BLEU and chrF: worked by hand, equal to sacrebleu's command, and the same from the counts of single sentences."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from elman.metric import known_figure
from elman.tasks.translate.figures import (
    bleu_of,
    bleu_points,
    bootstrap,
    sentence_counts,
    tokenizer_for,
    translation_figures,
)

draw = random.Random(0)
WORDS = ["the", "cat", "sat", "on", "a", "mat", "Dog", "and", "then", "left"]
REFERENCES = [" ".join(draw.choices(WORDS, k=draw.randint(3, 12))) + " ." for _ in range(60)]
ANSWERS = [" ".join(w if draw.random() < 0.8 else draw.choice(WORDS).title() for w in r.split()) for r in REFERENCES]


def test_by_hand() -> None:
    """the cat sat on the mat / the cat sat on a mat: 5/6, 3/5, 2/4, 1/3; as long as the reference."""
    found = translation_figures(["the cat sat on the mat"], ["the cat sat on a mat"])
    assert found["bleu"] == pytest.approx(100 * (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25)
    short = translation_figures(["the cat sat on"], ["the cat sat on a mat"])
    assert short["bleu"] == pytest.approx(100 * math.exp(1 - 6 / 4))  # all right, and too short
    upper = translation_figures(["The Cat sat on a mat"], ["the cat sat on a mat"])
    assert upper["bleu_lc"] == pytest.approx(100)
    assert upper["bleu"] < 60  # type: ignore[operator]


def test_as_the_command_sacrebleu_has_it(tmp_path: Path) -> None:
    (tmp_path / "ref").write_text("\n".join(REFERENCES) + "\n")
    (tmp_path / "hyp").write_text("\n".join(ANSWERS) + "\n")
    found = translation_figures(ANSWERS, REFERENCES)
    for key, options in {"bleu": ["-m", "bleu"], "bleu_lc": ["-m", "bleu", "-lc"], "chrf": ["-m", "chrf"]}.items():
        line = [sys.executable, "-m", "sacrebleu", str(tmp_path / "ref"), "-i", str(tmp_path / "hyp"), "-b", "-w", "6"]
        done = subprocess.run([*line, *options], capture_output=True, text=True, check=True)
        assert float(done.stdout) == pytest.approx(found[key], abs=1e-5)
    assert "tok:13a" in found["signature"]["bleu"]  # type: ignore[index,call-overload]
    assert "case:lc" in found["signature"]["bleu_lc"]  # type: ignore[index,call-overload]


def test_single_sentences_add_up() -> None:
    counts = sentence_counts(ANSWERS, REFERENCES)
    assert bleu_of(counts.sum(0)) == pytest.approx(bleu_points(ANSWERS, REFERENCES))
    drawn = bootstrap(counts, 200)
    assert abs(drawn.mean() - bleu_points(ANSWERS, REFERENCES)) < 2 * drawn.std()
    assert np.array_equal(drawn, bootstrap(counts, 200))
    assert bootstrap(sentence_counts(REFERENCES, REFERENCES), 3).tolist() == pytest.approx([100] * 3)


def test_without_blanks_by_characters() -> None:
    japanese = ["駅はどこですか。私は本を読みます。", "彼らはついにそれが真実だと認めた。"]
    assert tokenizer_for(japanese) == "char"
    assert tokenizer_for(["私 は 本 を 読 み ま す 。"]) == "13a"
    assert tokenizer_for(REFERENCES) == "13a"
    found = translation_figures(["駅はどこですか。", japanese[1]], japanese)
    assert found["bleu"] > 50  # type: ignore[operator]
    assert "tok:char" in found["signature"]["bleu"]  # type: ignore[index,call-overload]


def test_nothing_right_is_zero_and_no_error() -> None:
    found = translation_figures(["", ""], ["a b c d", "e f"])
    assert (found["bleu"], found["chrf"]) == (0.0, 0.0)
    assert {known_figure(key).unit for key in ("bleu", "bleu_lc", "chrf")} == {"points"}


def test_references_of_few_words() -> None:
    """BLEU of n-grams of four is 0 for the right word, and more for a wrong sentence."""
    words = ["yes", "no", "well then"]
    found = translation_figures(words, words)
    assert found["bleu"] == found["bleu_lc"] == pytest.approx(100)
    assert "eff:yes" in found["signature"]["bleu"]  # type: ignore[index,call-overload]
    assert bleu_of(sentence_counts(words, words).sum(0)) == pytest.approx(100)
    assert bleu_points(["no no no no no", "yes well yes well", "then"], words) < bleu_points(
        ["yes", "yes", "well"], words
    )
    longer = [*words, "all of them are"]  # one of four words: as ever
    assert "eff:no" in translation_figures(longer, longer)["signature"]["bleu"]  # type: ignore[index,call-overload]
    assert bleu_points(longer, longer) == pytest.approx(100)

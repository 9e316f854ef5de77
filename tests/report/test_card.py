"""A card cannot be kinder than the figures, and says where the data are from."""

from __future__ import annotations

from typing import Any

from elman.metric import known_figure
from elman.report.card import write_card

METRICS: dict[str, Any] = {
    "test": {
        "accuracy": 0.7,
        "macro_f1": 0.6,
        "n": 1632,
        "classes": {"good|bad": {"f1": 0.4, "n": 10}, "fine": {"f1": 0.8, "n": 20}, "never": {"f1": 0.0, "n": 0}},
    },
    "valid": {"accuracy": 0.71},
    "baseline": {"name": "tf-idf", "text": "words", "accuracy": 0.66, "macro_f1": 0.59},
}


def card(metrics: dict[str, Any] = METRICS, **more: Any) -> str:
    options = {"settings": {"cell": "GRU", "equations": ["s = tanh(W @ s)"]}, "notes": [], "usage": "elman predict RUN",
               "verdict": "macro F1 .6, beside .59: level with it.", "better": True}  # fmt: skip
    figures = [known_figure(key) for key in ("macro_f1", "accuracy", "nll")]
    return write_card("reviews", "", metrics=metrics, figures=figures, **{**options, **more})


def test_figures_stand_beside_the_baseline_s() -> None:
    text = card()
    assert "| macro_f1 | 0.600 |  | 0.590 |" in text
    assert "| accuracy | 0.700 | 0.710 | 0.660 |" in text
    assert "    s = tanh(W @ s)" in text
    assert "| equations" not in text


def test_a_figure_that_is_better_low_or_no_number_says_so() -> None:
    text = card({**METRICS, "test": {**METRICS["test"], "nll": 0.5}, "baseline": {"nll": float("nan")}})
    assert "| nll (lower is better) | 0.500 |  | \u2013 |" in text


def test_limits_follow_from_the_figures() -> None:
    assert "not better" not in card()
    assert "Weakest on good\\|bad: F1 0.400" in card()  # a class that never occurs is not the weakest
    one = {"f1": 1.0, "n": 5}
    assert "Weakest" not in card({**METRICS, "test": {**METRICS["test"], "classes": {"a": one, "b": one}}})
    assert "1,632 test examples" in card()
    assert "level with it" in card()
    assert "not better than the best baseline" in card(better=False)
    assert "prefer that one" not in card({**METRICS, "doubt": "neither"}, better=False)
    assert "interrupted" in card({**METRICS, "interrupted": True})


def test_packaged_data_come_with_source_licence_and_split() -> None:
    text = card(data="packaged:sentiment")
    for wanted in (
        "Please cite Minqing Hu and",
        "Opinion Mining. WSDM 2008.\n",
        "- Source: ",
        "- Licence: CC BY 4.0",
        "- Split: By review",
    ):
        assert wanted in text
    assert "Read from `my.csv`" in card(data="/home/me/my.csv")
    parts = {"validation": "", "test": "/home/me/t.csv"}
    assert "- For test: `t.csv`.\n" in card(data="/home/me/my.csv", parts=parts)
    text = card(data="packaged:sentiment", parts=parts)
    assert "- Licence: CC BY 4.0" in text
    assert "- For test: `t.csv`.\n" in text
    assert "By review" not in text
    assert "For validation" not in text


def test_a_proof_that_failed_is_said() -> None:
    assert "NOT proven: 1 checks hold" in card(proof={"ok": False, "checks": [{"holds": True}, {"holds": False}]})

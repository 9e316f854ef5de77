"""Each section says what its numbers say: worked out apart from it, by hand or by scikit-learn."""

from __future__ import annotations

import re
import tracemalloc

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support
from tests.report.conftest import headline

from elman import cells
from elman.config.told import in_words
from elman.console import number
from elman.layers import Recurrent
from elman.metric import Figure, known_figure
from elman.pages.mathematics import proof_table, typeset
from elman.pages.numbers import fraction, percent, seconds, significant
from elman.proof import Check, Proof
from elman.report import sections as report
from elman.report.ablation import ablation
from elman.report.calibration import reliability
from elman.report.curves import curve, panels_of, training
from elman.report.facts import class_table, length_figure, timing_bars
from elman.report.projection import projection, to_plane
from elman.report.results import Results
from elman.report.scores import (
    confusion_table,
    is_better,
    macro_f1,
    scoreboard,
    scores_by_class,
    standard_error,
    verdict,
    written,
)
from elman.report.sentences import most_telling, shaded
from elman.report.tagged import TaggedSentence, entity_sentences, f1_error, score_table, word_sentences
from elman.sequences import Sequences
from elman.tasks.recordings.figures import paired


def text(markup: str | None, between: str = " ") -> str:
    """What a reader sees, elements set apart by a space."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", between, markup or "")).strip()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), min_size=1, max_size=60))
def test_scores_are_scikit_learn_s(pairs: list[tuple[int, int]]) -> None:
    y, p = np.array(pairs).T
    matrix = confusion_matrix(y, p, labels=range(4))
    wanted = precision_recall_fscore_support(y, p, labels=range(4), zero_division=0)[:3]
    np.testing.assert_allclose(scores_by_class(matrix), wanted)
    assert macro_f1(matrix) == pytest.approx(f1_score(y, p, average="macro", zero_division=0))


def test_standard_error_of_accuracy_is_the_binomial_s() -> None:
    matrix = np.array([[300, 100], [60, 340]])
    share = 640 / 800
    assert standard_error(matrix, "accuracy", draws=20000) == pytest.approx(
        np.sqrt(share * (1 - share) / 800), rel=0.03
    )
    assert 0.5 < standard_error(matrix, "macro_f1") / standard_error(matrix, "accuracy") < 2
    assert np.isnan(standard_error(matrix, "nll"))


def test_the_standard_error_is_that_of_whole_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawn by cells that hold something, a few at once, it is what draws of whole matrices give."""
    rng = np.random.default_rng(1)
    for K, n in ((2, 40), (5, 60), (30, 50)):
        matrix = confusion_matrix(rng.integers(0, K, n), rng.integers(0, K, n), labels=range(K)) + 3 * n // K * np.eye(
            K, dtype=int
        )
        drawn = rng.multinomial(matrix.sum(), matrix.ravel() / matrix.sum(), size=20_000).reshape(-1, K, K)
        found = standard_error(matrix, draws=20_000)
        assert found == pytest.approx(macro_f1(drawn).std(), rel=0.03)
        with monkeypatch.context() as few:
            few.setattr("elman.report.scores._NUMBERS", 1000)
            assert standard_error(matrix, draws=20_000) == pytest.approx(found)


@pytest.mark.parametrize(
    ("gaps", "said", "better"),
    [
        ([0.0, 0.16], "level with it, over 2 persons, 95 % interval -0.936 to +1.096. Use that one: it is as", False),
        ([0.08], "level with it, since one person says nothing of others. Use that one", False),
        ([0.07, 0.08, 0.09], ".080 above it, over 3 persons, 95 % interval +0.055 to +0.105.", True),
        ([-0.09, -0.08, -0.07], "it, over 3 persons, 95 % interval -0.105 to -0.055. Use that one: it is b", False),
    ],
)
def test_where_differences_are_paired_their_interval_decides(gaps: list[float], said: str, better: bool) -> None:
    """Expected by the table of Student's t: 12.706 of one degree of freedom, 4.303 of two."""
    figure, baselines = known_figure("accuracy"), {"majority": {"accuracy": 0.5}, "linear": {"accuracy": 0.7}}
    found = {"linear": paired(gaps, [0.0] * len(gaps)), "majority": paired([0.2, 0.21, 0.22], [0.0] * 3)}
    sentence = verdict(figure, 0.78, 0.001, baselines, paired=found)
    assert said in sentence
    assert ("Use that one" in sentence) is not better
    assert is_better(figure, 0.78, 0.001, baselines, found) is better
    board = text(
        scoreboard({"accuracy": 0.78}, baselines, show=[figure], errors={"accuracy": 0.001}, paired=found).body
    )
    assert said in board
    assert "Neither." in verdict(figure, 0.78, 0.001, baselines, "Neither.", found)


def test_many_classes_take_no_memory_of_their_square() -> None:
    tracemalloc.start()
    K = 1000
    assert standard_error(confusion_matrix(np.arange(K), np.arange(K)[::-1], labels=range(K)), draws=20) == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * 8 * K * K


@pytest.mark.parametrize(
    ("ours", "said"),
    [
        (0.615, "level with it"),
        (0.627, "above it, between one and two"),
        (0.66, "above it, more than two standard errors"),
        (0.56, ".047 below it, more than two"),
    ],
)
def test_the_verdict_neither_praises_nor_hides(ours: float, said: str) -> None:
    baselines = {"majority": {"macro_f1": 0.2}, "tf-idf": {"macro_f1": 0.607}}
    sentence = verdict(known_figure("macro_f1"), ours, 0.014, baselines)
    assert said in sentence
    assert ".607 for tf-idf" in sentence
    assert ("Use that one: it is" in sentence) == (ours < 0.62)  # within the error too: it is the simpler one
    assert ("it is better, and smaller" in sentence) == (ours < 0.6)
    doubted = verdict(known_figure("macro_f1"), ours, 0.014, baselines, "Neither is worth it.")
    assert said in doubted
    assert doubted.endswith(" Neither is worth it.")
    assert "Use that one" not in doubted


def test_reliability_by_hand() -> None:
    """Two bins: four answers at .6 of which one is right, two at .9 both right; Guo's sum over them."""
    r = reliability(np.array([0.6, 0.6, 0.6, 0.6, 0.9, 0.9]), np.array([1, 0, 0, 0, 1, 1]), bins=10)
    assert r.counts[[5, 8]].tolist() == [4, 2]  # on an edge: the bin below
    assert r.accuracy[5] == 0.25
    assert r.ece == pytest.approx((4 * 0.35 + 2 * 0.1) / 6)
    assert reliability(np.ones(3), np.ones(3)).ece == 0


def test_every_figure_of_the_headline_is_on_the_page(results: Results) -> None:
    said = text(headline(results).body)
    for wanted in (
        ".615",
        ".607",
        ".233",
        "tf-idf + logistic regression",
        "majority class",
        "5 seeds",
        "Split by review",
    ):
        assert wanted in said
    nothing = Results("t", [], {"test": {}}, [], np.zeros(0, int), np.zeros((0, 0)))
    assert headline(nothing).title == "Result"


def test_confusion_shows_counts_and_shares() -> None:
    said = text(confusion_table(np.array([[6, 2], [0, 4]]), ["no", "yes"]))
    assert "no 6 75.0 %" in said
    many = confusion_table(np.eye(30, dtype=int) + np.diag(np.arange(30)), [f"c{i}" for i in range(30)], limit=5)
    assert "5 most frequent of 30" in text(many)
    assert "c29" in text(many)
    assert " c3 " not in text(many)


def test_mistakes_come_first_and_right_answers_from_every_class() -> None:
    y = np.array([0, 0, 1, 1, 1, 0])
    p = np.array([[0.9, 0.1], [0.6, 0.4], [0.8, 0.2], [0.1, 0.9], [0.7, 0.3], [0.95, 0.05]])
    assert most_telling(y, p) == ([2, 4], [5, 3, 0, 1])
    assert most_telling(y, p, among=[4, 3, 1], each=1) == ([4], [1])
    assert most_telling(y, p, among=[]) == ([], [])
    twice = ["a", "b", "c", "d", "c", "b"]  # 4 says what 2 does, and 5 what 1 does: the surer of each is shown
    assert most_telling(y, p, texts=twice) == ([2], [5, 3, 0])


def test_the_strongest_word_is_the_most_shaded_and_the_sign_is_kept() -> None:
    made = shaded(["plain", "bad", "good"], [0.0, -0.5, 1.0])
    assert re.search(r'class="for strong" style="--v:50%"[^>]*>good', made)
    assert re.search(r'class="against" style="--v:29%"[^>]*>bad', made)
    assert "<bdi title=" in made
    long = shaded(["w"] * 10_000, [1.0] * 3)
    assert "9,840 more" in long
    assert len(long) < 20_000


def test_an_axis_of_one_epoch_has_one_number() -> None:
    made = str(curve([{"epoch": 1, "valid_mse": 5.0}], ["valid_mse"], "MSE"))
    marks = re.findall(r"<text[^>]*>([^<]*)<", made)
    assert marks[:2] == ["1", "epoch"]


def test_history_s_keys_share_a_panel_where_they_share_a_scale() -> None:
    row = {
        "epoch": 1,
        "loss": 1.0,
        "valid_nll": 1.1,
        "valid_macro_f1": 0.5,
        "valid_accuracy": 0.6,
        "rate": 0.1,
        "norm": 3.0,
    }
    panels = panels_of([row])
    assert list(panels.values()) == [["loss", "valid_nll"], ["valid_macro_f1", "valid_accuracy"], ["norm"], ["rate"]]
    assert "Loss, nats" in panels_of([{"epoch": 1, "loss": 1.0, "valid_accuracy": 0.5}])  # a tagger's
    assert list(panels_of([{"epoch": 1, "loss": 1.0, "valid_mse": 0.5}], "Loss")) == ["Loss", "MSE"]
    assert training([]) is None
    shown = training([row, {**row, "epoch": 2, "valid_nll": float("nan")}], best_epoch=1)
    assert shown is not None
    assert shown.body.count("<svg") == 4
    assert "weights of epoch 1" in shown.body
    assert "2 epochs; " in shown.body
    shown = training([row], best_epoch=1, again=True)
    assert shown is not None
    assert "trained anew" in shown.body
    assert "weights of" not in shown.body
    shown = training([{**row, "step": step} for step in (40, 80, 100)], best_epoch=80)  # two of them within an epoch
    assert shown is not None
    assert "3 validations; the weights of step 80" in shown.body
    assert "by step: " in shown.body
    assert "epoch" not in shown.body


def test_equations_are_set_as_printed() -> None:
    assert text(typeset("n = tanh(self.W @ (r * s) + U_n @ x + b)"), "") == "n = tanh(W (r \u2299 s) + Un x + b)"
    assert "<b>W</b><sub>r</sub>" in typeset("r = sigmoid(W_r @ s)")
    assert text(typeset("z * s + (1 - z) * n"), "") == "z \u2299 s + (1 \u2212 z) \u2299 n"


def test_what_holds_of_every_member_is_said_once() -> None:
    """And one that fails is named, with the number of its member."""
    checks = [Check("padded", True, 1e-9, 1e-5)]
    for k in range(3):
        checks += [Check(f"members.{k}.recurrent: alone", True, k * 1e-7, 1e-5),
                   Check(f"members.{k}.recurrent: in chunks", None, note="bidirectional"),
                   Check(f"members.{k}.recurrent: twice", k != 1, float(k == 1), 0.0)]  # fmt: skip
    said = text(proof_table(Proof("model", checks).to_dict()))
    assert "each of 3 members, recurrent: alone 2.0e-07" in said
    assert "each of 3 members, recurrent: in chunks bidirectional" in said
    assert "members.1.recurrent: twice 1.0e+00 0 \u2715 fails" in said
    assert "each of 2 members, recurrent: twice 0 0 \u2713 holds" in said
    assert said.count("recurrent") == 4


def test_settings_are_written_as_one_reads_them() -> None:
    settings = {"model.wide": 50_000, "model.refit": True, "model.differences": False, "training.rate": 0.005}
    assert in_words(settings) == "wide 50,000, refit, no differences, rate 0.005"


def test_a_failed_proof_is_seen() -> None:
    proof = Proof("model", [Check("padded", True, 1e-7, 1e-5), Check("steps", False, float("inf"), 1e-5),
                            Check("chunks", None, note="bidirectional")])  # fmt: skip
    said = text(proof_table(proof.to_dict()))
    assert "padded 1.0e-07 1e-05 \u2713 holds" in said
    assert "steps not a number 1e-05 \u2715 fails" in said
    assert "chunks bidirectional" in said
    assert proof_table(None) is None


def test_facts_of_data_and_time() -> None:
    assert "yes 7 \u00b7 70.0 % 1 \u00b7 50.0 %" in text(class_table(["no", "yes"], {"a": [3, 7], "b": [1, 1]}))
    assert "train: median 2, longest 9" in text(length_figure({"train": [1, 2, 9], "test": []}))
    assert "--v:100.0%" in (timing_bars({"train": 70.0, "read": 0.0}) or "")
    assert "1 min 10 s" in text(timing_bars({"train": 70.0}))
    assert length_figure({}) is None


@pytest.mark.parametrize(
    ("value", "said"),
    [(0.5, ".500"), (1.0, "1.000"), (-0.25, "\u2212.250"), (-0.0001, ".000"), (float("nan"), "\u2013")],
)
def test_fractions(value: float, said: str) -> None:
    assert fraction(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (7.9998, "8.000"), (8.0, "8.000"), (0.6151, "0.615"), (0.9999, "1.000"), (9.9996, "10.00"),
        (12.345678, "12.35"), (281.305, "281.3"), (999.96, "1,000"), (12345.6, "12,346"), (-3.14159, "-3.142"),
        (0.0, "0.000"), (0.00041, "0.00041"), (-0.00041, "-0.00041"),
        (0.0049, "0.005"), (3e-9, "3.0e-09"), (float("inf"), "\u2013"),
    ],
)  # fmt: skip
def test_figures_have_the_same_number_of_digits_everywhere(value: float, said: str) -> None:
    """In reports, cards and on the screen: a figure that was measured is not taken for a whole number."""
    assert significant(value) == said
    assert written(Figure("nll", "low", "nats"), value) == said
    assert number(value) == (said if np.isfinite(value) else "-")


def test_small_shares_and_long_times_are_told_apart() -> None:
    assert percent(0.00001).startswith("<0.1")
    assert percent(0.0).startswith("0.0")
    said = ["0.4 ms", "250 ms", "4.2 s", "1 min 00 s", "2 min 07 s", "1 h 05 min"]
    for value, wanted in zip((0.0004, 0.25, 4.2, 59.97, 127, 3900), said, strict=True):
        assert seconds(value).replace("\u202f", " ") == wanted


WORDS = ["we", "met", "Ada", "Lovelace", "in", "New", "York"]


def test_entities_found_missed_and_wrong() -> None:
    right = TaggedSentence(WORDS, [(2, 4, "person")], [(2, 4, "person")], 0.9)
    missed = TaggedSentence(WORDS, [], [(5, 7, "place")], 0.5)
    wrong = TaggedSentence(WORDS, [(5, 6, "place")], [(5, 7, "place")], 0.8)
    assert [s.errors for s in (right, missed, wrong)] == [0, 1, 2]
    made = entity_sentences([right, missed, wrong])
    cards = re.findall(r'<li class="card">.*?</li>', made)
    assert len(cards) == 3
    assert "1 found wrongly, 1 missed" in cards[0]  # the surest mistake first
    assert text(cards[0]).endswith("In the data we met Ada Lovelace in New York place")
    assert 'class="missed"' in cards[1]
    assert "In the data" not in cards[1]
    assert text(cards[2]) == "\u2713 right sure by .90 we met Ada Lovelace person in New York"


def test_the_error_of_f1_is_the_binomial_s_where_sentences_are_single_words() -> None:
    words = [TaggedSentence(["w"], [(0, 1, "A" if i % 4 else "B")], [(0, 1, "A")]) for i in range(400)]
    assert f1_error(words) == pytest.approx(np.sqrt(0.75 * 0.25 / 400), rel=0.07)
    doubled = [
        TaggedSentence(["w"] * 2, [*s.found, (1, 2, s.found[0][2])], [*s.true, (1, 2, "A")]) for s in words[:200]
    ]
    assert f1_error(doubled) == pytest.approx(np.sqrt(0.75 * 0.25 / 200), rel=0.07)  # half as many draws of chance


def test_every_wrong_word_carries_both_tags() -> None:
    s = TaggedSentence(["They", "can"], [(0, 1, "PRON"), (1, 2, "AUX")], [(0, 1, "PRON"), (1, 2, "VERB")])
    assert text(word_sentences([s])).endswith("\u2715 1 of 2 words They can AUX \u2260 VERB")
    assert "No mistakes" in word_sentences([TaggedSentence(["a"], [(0, 1, "X")], [(0, 1, "X")])])


def test_the_row_of_all_comes_last() -> None:
    row = {"precision": 0.5, "recall": 0.25, "f1": 1 / 3, "support": 8}
    said = text(score_table({"all": row, "few": {**row, "support": 2}, "many": row}))
    assert said.index("many") < said.index("few") < said.rindex("all")


def test_an_ablation_s_differences_and_their_errors() -> None:
    body = ablation({"whole": [0.6, 0.62], "without": [0.5, 0.54]}, "whole", figure=known_figure("macro_f1")).body
    error = np.sqrt(np.var([0.6, 0.62], ddof=1) / 2 + np.var([0.5, 0.54], ddof=1) / 2)
    assert f"\u2212.090 \u00b1 {fraction(float(error))}" in text(body)
    assert "\u2013" in text(ablation({"whole": [0.6], "without": [0.5]}, "whole", figure=known_figure("accuracy")).body)


def test_clusters_stay_together_in_the_plane() -> None:
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(3, 12)) * 4
    groups = np.repeat(np.arange(3), 20)
    matrix = centres[groups] + rng.normal(size=(60, 12))
    points = to_plane(matrix)
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert (groups[distance.argmin(1)] == groups).all()
    tiny = projection(["one", "<b>"], np.eye(2), neighbours={"one": [("<i>", 0.5)]})
    assert "&lt;i&gt;" in tiny.body
    assert "<i>" not in tiny.body


@pytest.mark.parametrize("cell", ["LSTM", "RNN", "GRU"])
def test_what_a_layer_remembers_is_drawn(cell: str) -> None:
    torch.manual_seed(0)
    layer = Recurrent(getattr(cells, cell), 3, 4, bidirectional=True, engine="reference").eval()
    x = Sequences.pack([torch.randn(n, 3) for n in (5, 8, 2)], pad=float("nan"))
    section = report.remembering(layer, x, ["a", "b", "c", "d", "e"])
    assert section is not None
    assert section.body.count("<svg") == (3 if cell == "RNN" else 4)
    assert "first word, \u201ca\u201d" in section.body


def test_weights_beyond_measure_leave_the_pictures_of_influence_out() -> None:
    """As a training that broke off may leave them: derivatives through them are no numbers."""
    layer = Recurrent(cells.RNN(g=lambda v: v), 1, 1, engine="reference").eval()
    with torch.no_grad():
        layer.W_l0.fill_(1e30)
    section = report.remembering(layer, Sequences.pack([torch.ones(n, 1) for n in (5, 5, 5)]), list("abcde"))
    assert section is not None
    assert section.body.count("<svg") == 1  # of the curve, which leaves out what is no number


def test_the_curve_of_memory_is_each_sequence_relative_to_its_own_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """With h_t = w h_(t-1) + u x_t it is w^d, and it ends where fewer than three sequences reach."""
    layer = Recurrent(cells.RNN(g=lambda v: v), 1, 1, engine="reference", dtype=torch.float64)
    with torch.no_grad():
        layer.W_l0.fill_(0.5)
    seen: dict[str, torch.Tensor] = {}
    monkeypatch.setattr(report, "memory", lambda fading, *_: seen.update(fading))
    report.remembering(layer, Sequences.pack([torch.randn(n, 1, dtype=torch.float64) for n in (9, 5, 5, 5)]), ["a"] * 9)
    torch.testing.assert_close(seen["RNN"], 0.5 ** torch.arange(5, dtype=torch.float64))  # one alone reaches further


ERRORS = Figure("errors", "low", "number", "Errors a page")


@pytest.mark.parametrize(
    ("ours", "said", "better"),
    [
        (1.0, "2.000 below it, more than two", True),
        (3.05, "level with it", False),
        (4.0, "1.000 above it, more than two", False),
        (float("nan"), "they cannot be compared", False),
    ],
)
def test_where_less_is_better_the_least_baseline_is_the_one_to_beat(ours: float, said: str, better: bool) -> None:
    baselines = {"mean": {"errors": 9.0}, "median": {"errors": 3.0}, "diverged": {"errors": float("inf")}}
    sentence = verdict(ERRORS, ours, 0.1, baselines)
    assert sentence.startswith("Errors a page (lower is better) ")
    assert "beside 3.000 for median" in sentence
    assert said in sentence
    assert is_better(ERRORS, ours, 0.1, baselines) is better
    assert ("Use that one" in sentence) == (not better and np.isfinite(ours))
    assert "Use that one: it is better" in verdict(ERRORS, 4.0, float("nan"), baselines)
    assert "Use that one: it is as good" in verdict(ERRORS, 3.0, float("nan"), baselines)
    assert "Use" not in verdict(ERRORS, 2.0, float("nan"), baselines)


def test_a_scoreboard_and_an_ablation_begin_with_the_best() -> None:
    board = text(scoreboard({"errors": 1.5}, {"mean": {"errors": 9.0}, "none": {"errors": 0.5}}, show=[ERRORS]).body)
    assert re.search(r"none 0\.500 this model 1\.500 mean 9\.000 0 9", board)
    words = Figure("wer", better="low", name="word error rate")
    page = str(scoreboard({"wer": 0.1}, {"one answer": {"wer": 1.571}}, show=[words]).body)
    places = [float(at) for at in re.findall(r'class="dot" style="--at:([\d.]+)%', page)]
    assert places == [0.0, 98.07], "more words wrong than were said: on the line all the same"
    runs = {"whole": [2.0], "without a": [3.0], "without b": [1.0], "diverged": [float("nan")]}
    table = text(ablation(runs, "whole", figure=ERRORS).body)
    assert re.search(r"whole 2\.000 .*without b 1\.000 .*without a 3\.000 .*diverged \u2013", table)

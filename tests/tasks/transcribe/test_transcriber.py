"""A transcriber from Python: it learns letters, says when it heard what, is saved; and the figures by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from sklearn.base import clone

import elman
from elman.errors import InputError
from elman.tasks.transcribe.figures import confused, deviation, edits, error_counts, transcript_figures
from elman.tasks.transcribe.given import utterances_of
from tasks.transcribe.spoken import some

SMALL = {
    "hidden": 16, "layers": 1, "input": 16, "dropout": 0.0, "stack": 2, "deltas": 0, "normalise": "training",
    "epochs": 12, "batch_size": 8, "rate": 0.02, "noise": 0.05, "speed": 0.1, "time_masks": 0, "feature_masks": 0,
    "clip_norm": 5.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def transcriber() -> elman.Transcriber:
    return elman.Transcriber(**SMALL).fit(*some(120))


def test_it_writes_down_what_it_never_heard(transcriber):
    X, y = some(30, seed=1)
    found = transcriber.evaluate(X, y)
    assert found["wer"] < 0.1
    assert found["cer"] <= found["wer"]
    assert found["wer"] == found["wer_greedy"] or abs(found["wer"] - found["wer_greedy"]) < 0.1
    assert transcriber.score(X, y) == -found["wer"]
    assert sum(a == b for a, b in zip(transcriber.predict(X), y)) > 20


def test_words_with_their_times(transcriber):
    """A letter takes 4 to 6 frames and a silence 2 or 3: a word is where its letters are, in seconds, in order."""
    X, y = some(30, seed=2)
    checked = 0
    for frames, text, heard in zip(X, y, transcriber.transcripts(X)):
        seconds = len(frames) / 100
        assert " ".join(w.word for w in heard.words) == heard.text
        assert all(0 <= w.start < w.end <= seconds for w in heard.words)
        assert all(a.end <= b.start for a, b in zip(heard.words, heard.words[1:]))
        assert all(0 < w.confidence <= 1 + 1e-9 for w in heard.words)
        if heard.text != text:
            continue
        loud = frames[:, :4].argmax(1) * (frames[:, :4].max(1) > 1.5) + 1 * (frames[:, :4].max(1) > 1.5)
        at = 0
        for w in heard.words:  # between its first letter's beginning and its last one's end, to a few frames
            begin = at + int(np.flatnonzero(loud[at:] == 2 + "abc".index(w.word[0]))[0])
            assert abs(w.start - begin / 100) < 0.08
            checked += 1
            blanks = np.flatnonzero(loud[begin:] == 1)
            at = begin + int(blanks[0]) if len(blanks) else len(loud)
            assert w.end <= at / 100 + 0.08
            while at < len(loud) and loud[at] == 1:
                at += 1
    assert checked > 30


def test_alone_as_beside_others(transcriber):
    X, _ = some(12, seed=3)
    together = transcriber.transcripts(X)
    for frames, heard in zip(X, together):
        (alone,) = transcriber.transcripts([frames])
        assert alone.text == heard.text
        assert alone.log_prob == pytest.approx(heard.log_prob, abs=1e-4)


def test_a_language_model_beside_it(transcriber, tmp_path):
    """Words that no transcript has are not written where words are closed; what it weighs is chosen, and saved."""
    X, y = some(60, seed=4)
    words = {word for text in y for word in text.split()}
    closed = elman.Transcriber(**{**SMALL, "epochs": 3}, language="words", order=2, open=False, beam=8).fit(X, y)
    found = closed.predict(some(20, seed=5)[0])
    assert {word for text in found for word in text.split()} <= words
    assert closed.fused_.weight > 0
    closed.save(tmp_path / "run")
    again = elman.Transcriber.load(tmp_path / "run")
    assert again.predict(X[:8]) == closed.predict(X[:8])
    assert (again.fused_.weight, again.fused_.bonus) == (closed.fused_.weight, closed.fused_.bonus)
    figures = closed.evaluate(X, y)
    assert {"wer", "cer", "wer_greedy", "cer_greedy", "substituted", "deleted", "inserted"} <= figures.keys()
    several = closed.transcripts(X[:3], nbest=4)
    for heard in several:
        scores = [score for _, score in heard.others]
        assert scores == sorted(scores, reverse=True)
        assert heard.others[0][0] == heard.text


def test_a_lexicon(transcriber, tmp_path):
    """Words that are not in it are never written, whatever is said; strange letters are told; it is saved."""
    X, y = some(60, seed=4)
    (tmp_path / "words").write_text("ab\nca\nbbb\nxyz\n")
    told: list[str] = []
    for language in ("none", "words"):
        options = {"lexicon": str(tmp_path / "words"), "language": language, "order": 2, "beam": 8, "epochs": 8}
        closed = elman.Transcriber(**{**SMALL, **options})
        closed.fit_parts(utterances_of(X, y, 100), utterances_of(X[:8], y[:8], 100), remark=told.append)
        assert any("1 of 4 words of the lexicon have letters that no transcript has" in line for line in told)
        found = closed.predict(some(20, seed=5)[0])
        assert {"ab", "ca"} <= {word for text in found for word in text.split()} <= {"ab", "ca", "bbb"}
        closed.save(tmp_path / "run")
        assert elman.Transcriber.load(tmp_path / "run").predict(X[:8]) == closed.predict(X[:8])
    with pytest.raises(InputError, match="no language model"):
        transcriber.searching(weight=1.0)
    for text, said in (("XYZ\n", "no word of it can be written"), ("\n", "no word in it")):
        (tmp_path / "words").write_text(text)
        with pytest.raises(InputError, match=said):
            elman.Transcriber(**{**SMALL, "lexicon": str(tmp_path / "words")}).fit(X, y)


def test_saved_and_loaded(transcriber, tmp_path):
    X, _ = some(6, seed=6)
    transcriber.save(tmp_path / "run")
    again = elman.Transcriber.load(tmp_path / "run")
    assert again.transcripts(X) == transcriber.transcripts(X)
    assert again.rate_ == transcriber.rate_ == 100
    assert clone(transcriber).get_params() == transcriber.get_params()
    path = tmp_path / "run" / "model.json"
    described = json.loads(path.read_text(encoding="utf-8"))
    for key, value in (("features", 0), ("features", 10**9), ("rate", "x"), ("symbols", {}), ("fusion", {"texts": 3})):
        path.write_text(json.dumps({**described, key: value}), encoding="utf-8")
        with pytest.raises(InputError):
            elman.Transcriber.load(tmp_path / "run")
    for change in ({"layers": 10**6}, {"hidden": 10**6}, {"stack": 10**6}, {"deltas": 10**6}, {"ahead": -1}):
        path.write_text(json.dumps({**described, "parameters": described["parameters"] | change}), encoding="utf-8")
        with pytest.raises(InputError):
            elman.Transcriber.load(tmp_path / "run")


def test_what_cannot_be_learned_is_told_before_training():
    """A recording too short for its text teaches nothing, and is named; if all are, nothing is trained."""
    X, y = some(20, seed=7)
    told: list[str] = []
    short = elman.Transcriber(**{**SMALL, "epochs": 1})
    X[3] = X[3][:4]
    train, valid = utterances_of(X, y, 100), utterances_of(X[:4], [*y[:3], "abd"], 100)
    short.fit_parts(train, valid, remark=told.append)
    assert any("1 of 20 training recordings have fewer steps" in line and line.endswith(": X[3]") for line in told)
    assert any("1 validation transcripts say what was never learned ('d'): X[3]" in line for line in told)
    assert all(math.isfinite(row["loss"]) for row in short.fitted_.history)
    with pytest.raises(InputError, match="no recording has as many frames"):
        elman.Transcriber(**{**SMALL, "stack": 60}).fit(X, y)


@pytest.mark.parametrize(("X", "y", "said"), [
    ([], [], "there are no recordings"), ([np.zeros((5, 3))], ["a"], "one recording is too little"),
    ([np.zeros(5)] * 2, ["a", "b"], r"X\[0\]: this is no recording"),
    ([np.full((5, 3), np.nan)] * 2, ["a", "b"], r"X\[0\]: this is no recording"),
    ([np.zeros((5, 3))] * 2, ["a"], "2 recordings and 1 texts"), (["none.npy"] * 2, ["a"] * 2, "no such file"),
    ([np.zeros((5, 3))] * 2, ["", ""], "no text to learn"),
])  # fmt: skip
def test_what_cannot_be_learned_from(X, y, said):
    with pytest.raises(InputError, match=said):
        elman.Transcriber(**SMALL).fit(X, y)


def test_other_features_than_those_learned(transcriber):
    with pytest.raises(InputError, match="3 features a frame, and the model reads 5"):
        transcriber.predict([np.zeros((5, 3))])


def test_the_network_needs_no_neighbours(transcriber):
    assert transcriber.prove(transcriber_examples()).ok


def transcriber_examples():
    return utterances_of(*some(14, seed=8), 100)


def test_figures_by_hand():
    references, answers = ["the cat sat", "a b", "", "go"], ["the hat sat down", "b", "uh um", "go"]
    counts = error_counts(references, answers)
    assert counts.tolist() == [[1, 0, 1, 3], [0, 1, 0, 2], [0, 0, 2, 0], [0, 0, 0, 1]]
    found = transcript_figures(references, answers)
    assert found["wer"] == pytest.approx(5 / 6)
    assert (found["substituted"], found["deleted"], found["inserted"]) == pytest.approx((1 / 6, 1 / 6, 3 / 6))
    letters = error_counts(references, answers, letters=True)
    assert letters[:, 3].tolist() == [11, 3, 0, 2]
    assert letters[2].tolist() == [0, 0, 5, 0]
    assert edits("a b", "b") == [("a", ""), ("b", "b")]
    pairs = confused(references, answers)
    assert ("cat", "hat", 1) in pairs
    assert ("\u2205", "uh", 1) in pairs
    assert ("a", "\u2205", 1) in pairs


def test_how_far_a_rate_would_move():
    """Of N recordings of one word, wrong with p: the square root of p (1 - p) / N."""
    draw = np.random.default_rng(0)
    counts = np.zeros((400, 4), np.int64)
    counts[:, 0], counts[:, 3] = draw.random(400) < 0.3, 1
    p = counts[:, 0].mean()
    assert deviation(counts) == pytest.approx(math.sqrt(p * (1 - p) / 400), rel=0.15)


@pytest.mark.parametrize("units", ["character", "bpe"])
def test_a_stream_says_what_the_whole_recording_says(units):
    """Chunks of 1, 7 and 100 frames: the same words at the same times, none taken back, the last one whole."""
    X, y = some(60, seed=9)
    options = {"bidirectional": False, "normalise": "running", "ahead": 1, "epochs": 10, "beam": 1}
    options |= {"units": units, "vocabulary": 12}
    model = elman.Transcriber(**{**SMALL, **options}).fit(X, y)
    proof = model.prove(transcriber_examples())
    assert proof.ok
    assert proof.checks[0].name == "a stream in chunks of 1, 7 and 100 frames"
    said = 0
    for frames, heard in zip(X[:12], model.transcripts(X[:12])):
        for size in (1, 7, 100):
            stream, words, open_ = model.listen(), [], ""
            for part in np.split(frames, range(size, len(frames), size)):
                piece = stream.push(part)
                if piece.words and open_:
                    assert piece.words[0].word.startswith(open_)
                words += piece.words
                open_ = piece.changing
            last = stream.close()
            assert last.changing == ""
            words += last.words
            assert [w.word for w in words] == [w.word for w in heard.words]
            for ours, theirs in zip(words, heard.words):
                assert ours.start == pytest.approx(theirs.start)
                assert ours.end == pytest.approx(theirs.end, abs=0.02)  # the recording's end is not known yet
                assert ours.confidence == pytest.approx(theirs.confidence, rel=1e-3)
            said += len(words)
    assert said > 10


def test_a_model_that_reads_from_both_ends_follows_no_stream(transcriber):
    with pytest.raises(InputError, match="from both ends"):
        transcriber.listen()

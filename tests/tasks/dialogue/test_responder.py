"""What answers: learns, ranks as it says, answers alone as in a batch, is saved and proven."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from tests.tasks.dialogue.conftest import PLACES, SMALL, THINGS, conversations

from elman import Responder
from elman.data.dialogues import TURN, pairs_of
from elman.errors import InputError
from elman.models.answering import NOTHING
from elman.tasks.dialogue.baselines import bm25
from elman.tasks.dialogue.figures import candidates
from elman.tasks.dialogue.task import TASK
from elman.tasks.figures import number
from elman.text.units import BEGIN, END

TEST = pairs_of(conversations(40, seed=9))
ASKED = [f"ben , where is the {thing} ?" for thing in THINGS]


def test_it_answers_what_was_asked(responder: Responder) -> None:
    right = [place in answer for place, answer in zip(PLACES, responder.predict(ASKED))]
    assert np.mean(right) >= 0.8
    history = responder.fitted_.history
    assert {"valid_nll", "valid_recall_at_1", "valid_most_frequent", "valid_distinct_2"} <= history[0].keys()
    assert history[-1]["valid_nll"] < history[0]["valid_nll"]
    assert responder.fitted_.best_epoch == min(history, key=lambda row: row["valid_nll"])["epoch"]


def test_figures_beside_bm25(responder: Responder) -> None:
    scores = responder.judge(TEST)
    assert scores["perplexity"] == pytest.approx(math.exp(number(scores, "nll")))
    assert scores["choices"] == min(100, len(set(TEST.target)))
    baseline = bm25(pairs_of(conversations(400)), TEST, TEST)
    assert number(scores, "recall_at_1") > number(baseline.scores, "recall_at_1")
    assert "the last turn," in baseline.text or "turns," in baseline.text
    assert {figure.key for figure in TASK.figures(scores)} == {
        "nll", "perplexity", "recall_at_1", "most_frequent", "distinct_1", "distinct_2"
    }  # fmt: skip


def test_a_score_is_what_it_says(responder: Responder) -> None:
    """(log p(a | c) - lambda log p(a)) / |a| + mu s(c, a), each part computed by itself."""
    works = responder.answering(independence=0.7, match=0.2)
    said = [["anna , i need the coal ?", "look in the yard , anna", "ben , where is the salt ?"]]
    (found,) = works.replies(said)
    assert [reply.score for reply in found] == sorted((reply.score for reply in found), reverse=True)
    source = works.numbered(pairs_of([[*said[0], ""]]).take([2])).sources[0]
    assert source.count(END) == 2
    c = torch.tensor(source)[:, None]
    model = works.model_

    def likelihood(context: torch.Tensor, units: list[int]) -> float:
        state, total = model.begin(context, torch.tensor([len(context)])), 0.0
        for read, token in zip([BEGIN, *units], [*units, END]):
            p, state = model.step(torch.tensor([read]), state)
            total += float(p[0, token])
        return total

    with torch.no_grad():
        for reply in found:
            units = list(reply.units)
            assert reply.log_prob == pytest.approx(likelihood(c, units), abs=1e-3)
            assert reply.alone == pytest.approx(likelihood(torch.tensor([[NOTHING]]), units), abs=1e-3)
            f = model.matcher.contexts(c, torch.tensor([len(c)]))
            g = model.matcher.answers(torch.tensor(units)[:, None], torch.tensor([len(units)]))
            assert reply.match == pytest.approx(float(model.matcher.scores(f, g)), abs=1e-3)
            whole = (reply.log_prob - 0.7 * reply.alone) / (len(units) + 1) + 0.2 * reply.match
            assert reply.score == pytest.approx(whole)


def test_ranking_given_answers_is_by_the_same_score(responder: Responder) -> None:
    works = responder.answering(independence=0.5, match=0.1)
    (found,) = works.replies([ASKED[3]])
    context = works.numbered(pairs_of([[ASKED[3], ""]])).sources
    scores = works.replier().rank(context, [r.units for r in found], np.arange(len(found))[None])
    assert scores[0].tolist() == pytest.approx([r.score for r in found], abs=1e-4)


def test_the_ten_that_match_best_stand_above_the_others(responder: Responder) -> None:
    examples = responder.numbered(TEST)
    choices = candidates(list(TEST.target), 20)
    works = responder.answering(match=50.0, independence=0.0)  # then the whole score orders as the match does
    ranked = works.replier().rank(examples.sources[:20], examples.targets, choices)
    with torch.no_grad():
        f, g = works.replier()._read(examples.sources[:20]), works.replier()._match(examples.targets)
        matched = np.stack([works.model_.matcher.scores(f[n], g[row]).numpy() for n, row in enumerate(choices)])
    assert choices.shape[1] > 20
    for row, by in zip(ranked, matched):
        assert set(np.argsort(-row)[:10]) == set(np.argsort(-by)[:10])


def test_alone_as_among_others(responder: Responder) -> None:
    texts = [*TEST.source[:30]]
    together = responder.predict(texts)
    assert [responder.predict([text])[0] for text in texts] == together
    assert responder.predict(texts) == together
    assert responder.answering(seed=5).predict(texts) == responder.answering(seed=5).predict(texts)
    one, other = (
        [[reply.text for reply in some] for some in responder.answering(seed=s, temperature=2.0).replies(texts)]
        for s in (0, 5)
    )
    assert one != other


def test_a_beam_proposes_too(responder: Responder) -> None:
    found = responder.answering(propose="beam", beam=4).replies(ASKED)
    assert all(1 <= len(some) <= 4 for some in found)
    assert np.mean([place in some[0].text for place, some in zip(PLACES, found)]) >= 0.8


def test_only_the_last_turns_are_read(responder: Responder) -> None:
    turns = [f"turn {i} of the bread" for i in range(6)]
    assert responder.predict([turns]) == responder.predict([turns[-3:]]) == responder.predict([f" {TURN} ".join(turns)])
    sources = responder.numbered(pairs_of([[*turns, "x"]])).sources
    assert [source.count(END) for source in sources] == [0, 1, 2, 2, 2, 2]


def test_nothing_to_answer_is_answered(responder: Responder) -> None:
    assert all(responder.predict(["", "never met words"]))


def test_saved_and_read_again(responder: Responder, tmp_path: Path) -> None:
    responder.save(tmp_path / "run")
    again = Responder.load(tmp_path / "run")
    assert again.predict(ASKED) == responder.predict(ASKED)
    for a, b in zip(again.model_.parameters(), responder.model_.parameters(), strict=True):
        assert torch.equal(a, b)


def test_its_state_is_proven(responder: Responder) -> None:
    assert responder.prove(TEST).ok


def test_a_context_is_left_out_now_and_then() -> None:
    """So the likelihood without one is learned: of an answer that is said always it is as high as with one."""
    talks = [[f"question {i % 50}", "the same answer"] for i in range(300)]
    trained = Responder(**{**SMALL, "epochs": 3, "without_context": 0.3}).fit(talks)
    (reply, *_) = trained.answering(temperature=0.2).replies(["question 3"])[0]
    assert reply.text == "the same answer"
    assert reply.alone == pytest.approx(0, abs=0.3)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"turns": 0}, "turns is 0; give at least 1"),
        ({"propose": "guess"}, "'sample', 'beam'"),
        ({"shared": False}, "text.shared: contexts and answers are of one vocabulary"),
        ({"without_context": 1.0}, "without_context is 1.0"),
    ],
)
def test_wrong_settings_are_one_clear_line(parameters: dict[str, object], said: str) -> None:
    with pytest.raises(InputError) as error:
        Responder(**{**SMALL, **parameters}).fit(conversations(5))
    assert said in str(error.value)


def test_wrong_input_is_one_clear_line(responder: Responder) -> None:
    with pytest.raises(InputError, match="0 conversations of two turns or more"):
        Responder(**SMALL).fit([["alone"]])
    with pytest.raises(InputError, match=r"X\[1\]: 3 is no text"):
        responder.predict(["a", [3]])
    with pytest.raises(InputError, match=r"temperature is -1\.0"):
        responder.answering(temperature=-1.0)


def test_as_scikit_learn_has_it(responder: Responder) -> None:
    """Cloned, printed, scored by itself; what is no conversation is refused."""
    new = clone(responder)
    assert new.get_params() == responder.get_params()
    assert not hasattr(new, "model_")
    assert "hidden=48" in repr(new)
    talks = conversations(40, seed=9)
    assert responder.score(talks) == number(responder.judge(TEST), "recall_at_1")
    for wrong in (["hello", "hi"], [["hello", 3]], [["alone"]]):
        with pytest.raises(InputError, match=r"X\[0\]|no conversation of two turns"):
            responder.evaluate(wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"X\[0\]: 'hello' is one text; give a list of turns"):
        new.fit(["hello", "hi there"])


def test_a_description_that_is_none_of_it(responder: Responder, tmp_path: Path) -> None:
    for change, said in (
        (lambda d: d["parameters"].update(candidates=-1), "candidates"),
        (lambda d: d["parameters"].update(top_p="all"), "top_p"),
        (lambda d: d["units"].update(target=d["units"]["source"]), "contexts and answers of two vocabularies"),
    ):
        responder.save(tmp_path / "run")
        description = json.loads((tmp_path / "run" / "model.json").read_text())
        change(description)
        (tmp_path / "run" / "model.json").write_text(json.dumps(description))
        with pytest.raises(InputError, match=said) as error:
            Responder.load(tmp_path / "run")
        assert "the RUN is damaged" in str(error.value)
        shutil.rmtree(tmp_path / "run")

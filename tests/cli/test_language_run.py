"""A language model through the commands."""

from __future__ import annotations

import json
import math

import pytest

import elman


def test_from_a_file_to_a_run_that_answers(tmp_path, call):
    (tmp_path / "a.txt").write_text("the cat sat on the mat\n" * 200, encoding="utf-8")
    run = tmp_path / "run"
    sizes = [f"--set={key}" for key in ("model.hidden=16", "model.embedding=8", "model.layers=1", "training.epochs=2",
                                        "text.units=token", "text.typed=300")]  # fmt: skip
    code, _, err = call("train", "generate", "--data", tmp_path / "a.txt", "--out", run, *sizes)
    assert code == 0, err
    metrics = json.loads((run / "metrics.json").read_text(encoding="utf-8"))
    assert metrics["test"]["perplexity"] == pytest.approx(math.exp(metrics["test"]["nll"]))
    bits = metrics["test"]["nll"] * metrics["test"]["units"] / math.log(2)
    assert metrics["test"]["bits_per_character"] == pytest.approx(bits / metrics["test"]["characters"])
    assert metrics["test"]["bits_per_word"] == pytest.approx(bits / metrics["test"]["words"])
    assert metrics["baseline"]["units"] == metrics["test"]["units"]
    assert metrics["test"]["keystrokes"] == metrics["baseline"]["keystrokes"] == 300
    assert 0.5 < metrics["test"]["keystrokes_saved"] < 0.8  # of "the cat sat on the mat" 6 keys are left at least
    page = (run / "report.html").read_text(encoding="utf-8")
    for part in ("Keystrokes saved", "Typed with suggestions", "What it writes"):
        assert part in page
    assert "judged on 437 characters, keys saved on the first 300 of them." in page
    assert "n-grams together" not in page
    assert json.loads((run / "proof.json").read_text(encoding="utf-8"))["ok"]
    _, out, _ = call("predict", run, "the cat", "--json", "--set", "answer.length=3")
    (row,) = json.loads(out)["predictions"]
    assert set(row) == {"continuation", "log_prob", "units", "perplexity"}
    assert row["units"] == 2
    _, out, _ = call("evaluate", run, "--data", tmp_path / "a.txt", "--json")
    assert json.loads(out)["characters"] == 23 * 200
    (tmp_path / "b.txt").write_text("the dog sat\n", encoding="utf-8")
    _, _, err = call("evaluate", run, "--data", tmp_path / "b.txt")
    assert "25.00% of 4 units are unknown to the model" in err
    asked = ("--set", "answer.dynamic=0.1", "--set", "answer.cache=0.05", "--set", "answer.learn=true")
    moved = json.loads(call("evaluate", run, "--data", tmp_path / "a.txt", "--json", *asked)[1])
    assert moved["nll"] == json.loads(out)["nll"]
    assert moved["nll_dynamic"] < moved["nll"]
    assert moved["nll_cache"] < moved["nll"]
    assert moved["perplexity_cache"] == pytest.approx(math.exp(moved["nll_cache"]))
    assert moved["keystrokes_saved"] == json.loads(out)["keystrokes_saved"]
    assert moved["keystrokes_saved_learning"] >= moved["keystrokes_saved_typing_blanks_learning"]
    new = "mat " * 9
    plain, learned = (call("complete", run, new, "--set", f"answer.learn={on}")[1] for on in ("false", "true"))
    assert plain != learned
    assert learned.startswith("mat\t")
    eight = json.loads(call("evaluate", run, "--data", tmp_path / "a.txt", "--json", "--set", "answer.weights=int8")[1])
    assert eight["nll"] != moved["nll"]
    assert eight["nll"] == pytest.approx(moved["nll"], abs=0.02)
    for asked, said in (("answer.dynamic=0.1", "do not stay in 8 bits"), ("answer.weights=int4", "answer.weights")):
        code, _, err = call(
            "evaluate", run, "--data", tmp_path / "a.txt", "--set", "answer.weights=int8", "--set", asked
        )
        assert code == 2
        assert said in err
    code, _, err = call("predict", run, "x", "--set", "answer.temperatur=1")
    assert code == 2
    assert "temperature" in err
    assert call("inspect", run, "--input", "the cat sat", "--out", tmp_path / "page.html")[0] == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    value = math.exp(elman.LanguageModel.load(run).log_prob("the cat sat")[-1])
    assert f'<td>sat</td><td class="n">{value:.3f}</td>' in page
    code, out, _ = call("generate", run, "--start", "the cat", "--length", 3, "--temperature", 0)
    assert code == 0
    assert out.startswith("the cat ")
    asked = ("--length", 3, "--temperature", 0, "--set", "answer.weights=int8")
    assert call("generate", run, "--start", "the cat", *asked)[:2] == (0, out)
    asked = ("--set", "answer.length=3", "--set", "answer.temperature=0")
    row = json.loads(call("predict", run, "the cat", "--json", *asked)[1])["predictions"][0]
    assert out == f"the cat {row['continuation']}\n"
    code, out, err = call("generate", run, "--start", "the dog sat", "--length", 3, "--temperature", 0)
    assert (code, err) == (0, "words that the model does not know: 'dog'; it reads unknown words\n")
    assert out.startswith("the dog sat ")
    assert "<unk>" not in out
    some = [call("generate", run, "--seed", seed, "--json")[1] for seed in (1, 1, 2)]
    assert some[0] == some[1] != some[2]
    call("generate", run, "--out", tmp_path / "x.txt", "--seed", 1)
    assert (tmp_path / "x.txt").read_text(encoding="utf-8") == json.loads(some[0])["generated"]


@pytest.mark.parametrize(
    ("text", "said"), [("abc", "too short"), ("", "no text"), ("\n\n\n", "no text"), ("\0\1" * 2, "not text")]
)
def test_too_little_of_it_is_a_clear_line_and_no_run(text, said, tmp_path, call):
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    code, _, err = call("train", "generate", "--data", tmp_path / "a.txt", "--out", tmp_path / "run")
    assert code == 2
    assert said in err
    assert len(err.strip().splitlines()) == 1
    assert not (tmp_path / "run").exists()

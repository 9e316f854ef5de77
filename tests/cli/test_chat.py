"""A RUN that answers, through every command: trained on a file, asked, judged, verified, and talked with."""

from __future__ import annotations

import io
import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.tasks.dialogue.conftest import SMALL, written

from elman.cli import app as cli

KEPT = Path(__file__).parent / "kept"
SECTIONS = {"units": "text", "rate": "training", "epochs": "training", "candidates": "answers", "longest": "search",
            "match_width": "answers"}  # fmt: skip


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("dialogue")
    data, run = written(folder / "talk.txt", 150), folder / "run"
    quick = [f"{SECTIONS.get(key, 'model')}.{key}={str(v).lower()}" for key, v in {**SMALL, "epochs": 4}.items()]
    with pytest.raises(SystemExit) as end:
        cli.main(["train", "dialogue", "--data", data, "--out", str(run), *(w for s in quick for w in ("--set", s))])
    assert not end.value.code
    return run, data


def say(call: Any, monkeypatch: pytest.MonkeyPatch, run: Path, text: str, *more: str) -> tuple[int, list[str], str]:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))
    code, out, err = call("chat", run, *more)
    return code, out.splitlines(), err


def test_the_run(trained: tuple[Path, str]) -> None:
    run, _ = trained
    metrics = json.loads((run / "metrics.json").read_text())
    keys = {"nll", "perplexity", "recall_at_1", "most_frequent", "distinct_1", "distinct_2", "answer_words"}
    for part in ("test", "valid"):
        assert keys <= metrics[part].keys()
    assert metrics["baseline"]["name"] == "BM25"
    assert json.loads((run / "proof.json").read_text())["ok"]
    assert '"valid_most_frequent"' in (run / "history.jsonl").read_text()
    page = (run / "report.html").read_text()
    assert "Recall@1" in (run / "card.md").read_text()
    choices = metrics["test"]["choices"]
    assert 2 < choices < 100
    for part in (
        "Answers",
        "The most frequent answers",
        f"the true answer is ranked first of {choices}: the test part",
    ):
        assert part in page


def test_a_pipe_has_a_line_of_answer_for_each(trained: tuple[Path, str], call: Any, monkeypatch: Any) -> None:
    run, _ = trained
    lines = ["ben , where is the salt ?", "and the milk ?", "", "anna , i need the wine ?"]
    code, first, _ = say(call, monkeypatch, run, "\n".join(lines))
    assert (code, len(first)) == (0, 4)
    assert first[2] == ""
    assert all(first[i] for i in (0, 1, 3))
    assert say(call, monkeypatch, run, "\n".join(lines))[1] == first


def test_reset_forgets(trained: tuple[Path, str], call: Any, monkeypatch: Any) -> None:
    run, _ = trained
    asked = "ben , where is the salt ?"
    _, alone, _ = say(call, monkeypatch, run, asked)
    code, answers, err = say(call, monkeypatch, run, f"dan , i need the coal ?\nwhat ?\n/reset\n{asked}\n")
    assert (code, len(answers)) == (0, 3)
    assert answers[2] == alone[0]
    assert "what was said is forgotten" in err


def test_seeds_and_settings(trained: tuple[Path, str], call: Any, monkeypatch: Any) -> None:
    run, _ = trained
    text, wild = (
        "ben , where is the salt ?\nwhat ?\nwhy ?",
        ["--set", "answer.temperature=3", "--set", "answer.match=0"],
    )
    found = [say(call, monkeypatch, run, text, "--seed", str(seed), *wild)[1] for seed in (1, 1, 2, 3)]
    assert found[0] == found[1]
    assert len({tuple(answers) for answers in found}) > 1
    code, out, err = say(call, monkeypatch, run, text, "--set", "answer.warmth=3")
    assert (code, out, err.count("\n")) == (2, [], 1)
    assert "unknown key 'answer.warmth'" in err


def test_a_run_that_cannot_chat_says_what_can(call: Any, monkeypatch: Any) -> None:
    code, out, err = say(call, monkeypatch, KEPT / "classify", "hello")
    assert (code, out) == (2, [])
    assert err == "elman: a RUN of the task classify cannot chat; train one that can: elman train dialogue\n"


def in_a_terminal(
    run: Path, keys: Sequence[bytes], out: Path | None = None, until: Sequence[bytes] = ()
) -> tuple[int, str]:
    """`elman chat` in a terminal of its own, in which these keys are pressed at one prompt after the other, or after
    what stands in `until`."""
    import pty

    child, terminal = pty.fork()
    if child == 0:
        code = 99
        try:
            signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests may ignore it
            if out is not None:
                os.dup2(os.open(out, os.O_CREAT | os.O_WRONLY), 1)
            sys.stdin, sys.stdout, sys.stderr = (
                os.fdopen(n, mode, encoding="utf-8", closefd=False) for n, mode in enumerate("rww")
            )
            cli.main(["chat", str(run)])
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            sys.stdout.flush()
            os._exit(code)
    seen, todo, latest = b"", list(zip(until or [b"> "] * len(keys), keys, strict=True)), time.monotonic() + 30
    while time.monotonic() < latest:
        if not select.select([terminal], [], [], 0.1)[0]:
            continue
        try:
            read = os.read(terminal, 4096)
        except OSError:  # how Linux says that the other end is closed
            break
        seen += read
        if not read:
            break
        if todo and seen.endswith(todo[0][0]):
            time.sleep(0.1)  # nobody types as soon as the prompt is there, before it is waited for
            os.write(terminal, todo.pop(0)[1])
    else:
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), seen.decode("utf-8").replace("\r\n", "\n")


needs_terminal = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="opens a pseudo-terminal")


@needs_terminal
def test_in_a_terminal(trained: tuple[Path, str], call: Any, monkeypatch: Any) -> None:
    """Empty lines say nothing, commands are told apart from turns, the arrow brings a line back, Ctrl-D ends."""
    run, _ = trained
    asked = "ben , where is the salt ?"
    _, (wanted,), _ = say(call, monkeypatch, run, asked)
    line = asked.encode() + b"\r"
    code, seen = in_a_terminal(
        run, [line, b"  \r", b"/rest\r", b"/help\r", b"/reset\r", b"\x1b[A" * 5 + b"\r", b"\x04"]
    )
    assert code == 0
    assert seen.count(f"\n{wanted}\n") == 2
    assert "there is no /rest; /reset begins anew; Ctrl-D ends\n" in seen
    assert "what was said is forgotten\n" in seen
    assert seen.endswith("\n")


@needs_terminal
def test_ctrl_c_in_a_terminal(trained: tuple[Path, str]) -> None:
    code, seen = in_a_terminal(trained[0], [b"half a lin", b"\x03"], until=[b"> ", b"lin"])
    assert code == 130
    assert seen.endswith("\nelman: interrupted\n")


@needs_terminal
def test_answers_alone_go_to_a_file(trained: tuple[Path, str], tmp_path: Path) -> None:
    code, seen = in_a_terminal(trained[0], [b"hello\r", b"what ?\r", b"\x04"], tmp_path / "said")
    lines = (tmp_path / "said").read_text().splitlines()
    assert (code, len(lines)) == (0, 2)
    assert not any(line.startswith(">") for line in lines)
    assert "> hello" in seen


def test_the_other_commands(trained: tuple[Path, str], call: Any, tmp_path: Path) -> None:
    run, data = trained
    code, plain, _ = call("predict", run, "ben , where is the salt ?")
    assert (code, plain.count("\n")) == (0, 1)
    _, out, _ = call("predict", run, "ben , where is the salt ?", "--nbest", "3")
    assert out.splitlines()[0].partition("\t")[2] == plain.strip()
    (answer,) = json.loads(call("predict", run, "ben , where is the salt ?", "--json")[1])["predictions"]
    assert answer.keys() == {"answer", "score", "log_prob", "alone", "match"}
    (tmp_path / "asked.txt").write_text("ben , where is the salt ?\n\nhello\n")
    _, out, _ = call("predict", run, "--data", tmp_path / "asked.txt")
    assert out.splitlines()[0] == plain.strip()
    assert (len(out.splitlines()), out.splitlines()[1]) == (3, "")
    _, out, _ = call("predict", run, "--data", tmp_path / "asked.txt", "--nbest", "2")
    assert out.splitlines()[0] == "text,answer"
    assert out.splitlines()[1].endswith(plain.strip()) or out.splitlines()[1].endswith(f'"{plain.strip()}"')
    assert out.splitlines()[2] == ","
    found = json.loads(call("evaluate", run, "--data", data, "--json")[1])
    assert 0 < found["recall_at_1"] <= 1
    assert call("verify", run)[0] == 0
    assert call("inspect", run, "--input", "ben , where is the salt ?", "--out", tmp_path / "page.html")[0] == 0
    assert call("train", "dialogue", "--data", tmp_path / "asked.txt", "--out", tmp_path / "none")[0] == 2
    assert not (tmp_path / "none").exists()

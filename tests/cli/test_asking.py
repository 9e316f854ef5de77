"""What may be asked of answers: a RUN of a task of which nothing can be asked says so, in one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from elman.config.assigned import load_options
from elman.errors import InputError

KEPT = Path(__file__).parent / "kept"


class Asked(msgspec.Struct, frozen=True):
    nbest: int = 1
    beam: int | None = None

    def check(self) -> None:
        if self.beam == 13:
            raise InputError("no beam is 13 wide", where="answer.beam")


@pytest.mark.parametrize("options", [["--nbest", "3"], ["--beam", "2"], ["--alignment"]])
def test_a_task_that_writes_nothing(options: list[str], call: Any) -> None:
    code, out, err = call("predict", KEPT / "classify", "good", *options)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1] == f"elman: {options[0]}: a RUN of the task classify cannot be asked that; leave it out"


def test_keys_that_are_none(call: Any) -> None:
    code, _, err = call("predict", KEPT / "classify", "good", "--set", "answer.nbest=3")
    assert (code, err.count("\n")) == (2, 1)
    assert "unknown key 'answer.nbest'" in err
    code, _, err = call("predict", KEPT / "classify", "good", "--set", "data.encoding=latin-1")
    assert code == 2
    assert "would be read as a text" in err


def test_options_and_keys_are_one() -> None:
    assert load_options("answer", Asked, ["answer.nbest=3"], {"beam": 7}) == Asked(3, 7)
    assert load_options("answer", Asked, [], {}) == Asked()
    for overrides, said in (
        (["answer.nbst=3"], "did you mean 'answer.nbest'"),
        (["answer.nbest=x"], "--set answer.nbest"),
        (["answer.beam=13"], "answer.beam: no beam is 13 wide"),  # no task needs to check that itself
    ):
        with pytest.raises(InputError, match=said):
            load_options("answer", Asked, overrides, {})

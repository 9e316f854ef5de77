"""The commands that need no training: help at once, one JSON object on stdout, everything else on stderr."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from elman.cli import main


def run(capsys, *tokens):
    with pytest.raises(SystemExit) as end:
        main(tokens)
    return int(end.value.code or 0), capsys.readouterr()


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom elman.cli import main\n"
        "try: main(['--help'])\nexcept SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'numpy', 'sklearn', 'matplotlib', 'nltk', 'ftfy', 'tokenizers'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    for command in ("train", "predict", "evaluate", "recipes", "text", "explain", "doctor", "vectors", "inspect"):
        assert command in said


@pytest.mark.parametrize(
    ("tokens", "keys"),
    [
        (["recipes"], None),
        (["text", "I can't recommend it... :-("], None),
        (["explain", "GRU"], {"equations", "cost", "schedule"}),
        (["doctor"], None),
    ],
)
def test_json_is_one_object_on_stdout(tokens, keys, capsys):
    code, said = run(capsys, *tokens, "--json")
    assert code == 0
    found = json.loads(said.out)
    assert found
    if keys:
        assert keys <= set(found)


def test_recipes_and_text_for_people(capsys):
    assert "sentiment" in run(capsys, "recipes")[1].out
    _, said = run(capsys, "text", "The BATTERY can't last... :-(")
    for word in ("battery", "porter", "lancaster"):
        assert word in said.out.lower() + said.err.lower()

"""The command line as a user calls it: `call(...)` gives exit code, stdout and stderr."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from elman.cli import app as cli

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Call:
    def run(*words: str | Path) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            cli.main([str(word) for word in words])
        out, err = capsys.readouterr()
        return int(end.value.code or 0), out, err

    return run


@pytest.fixture
def reviews(tmp_path: Path) -> Path:
    """A CSV of 90 short reviews."""
    path = tmp_path / "reviews.csv"
    rows = [f"{i},the {w} number {i} is {w},{w}" for i in range(30) for w in ("good", "bad", "so-so")]
    path.write_text("id,review,verdict\n" + "\n".join(rows) + "\n")
    return path

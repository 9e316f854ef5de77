"""The command line: one module a command, heavy imports inside the functions."""

from elman.cli.app import main, run

__all__ = ["main", "run"]

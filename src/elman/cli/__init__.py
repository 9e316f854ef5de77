"""The command line: one module a group of commands, heavy imports inside the functions."""

from elman.cli.app import main, run

__all__ = ["main", "run"]

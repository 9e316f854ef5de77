"""``python -m elman.cli``."""

from elman.cli.app import run

run()

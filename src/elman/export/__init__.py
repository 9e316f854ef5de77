"""Into Elman, and out of it."""

from elman.export.convert import convert

__all__ = ["convert"]

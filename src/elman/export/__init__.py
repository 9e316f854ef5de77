"""Into Elman: anybody's module with our layers in it (`convert`)."""

from elman.export.convert import convert

__all__ = ["convert"]

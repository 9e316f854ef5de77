"""Elman: recurrent networks, from a data file to a trained, explained and proven model.

Importing this package imports neither torch nor anything heavy: each name loads its room when first used.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import Any

__version__ = "0.1.0"

# name -> the module that defines it (None: the module of that name itself)
_ROOMS: dict[str, str] = {
    "Cell": "elman.equations",
    "CellError": "elman.equations",
    "sigmoid": "elman.equations",
    "tanh": "elman.equations",
    "relu": "elman.equations",
    "exp": "elman.equations",
    "log": "elman.equations",
    "softplus": "elman.equations",
    "sqrt": "elman.equations",
    "square": "elman.equations",
    "abs": "elman.equations",
    "minimum": "elman.equations",
    "maximum": "elman.equations",
    "where": "elman.equations",
    "layer_norm": "elman.equations",
    "explain": "elman.explanation.layer",
    "convert": "elman.export",
    "verify": "elman.proof",
    "Example": "elman.proof",
    "Proof": "elman.proof",
    "Classifier": "elman.tasks.estimators",
    "Tagger": "elman.tasks.estimators",
    "Composer": "elman.tasks.estimators",
    "Forecaster": "elman.tasks.estimators",
    "LanguageModel": "elman.tasks.estimators",
    "Translator": "elman.tasks.estimators",
    "Responder": "elman.tasks.estimators",
    "Interpreter": "elman.tasks.estimators",
    "Transcriber": "elman.tasks.estimators",
    "suited": "elman.tasks.classify.suited",
    "parts_of_speech": "elman.tasks.packaged",
    "Sequences": "elman.sequences",
    "InputError": "elman.errors",
}
_MODULES = {"nn": "elman.nn", "cells": "elman.cells", "text": "elman.text", "layers": "elman.layers"}

__all__ = [*sorted(_ROOMS), *sorted(_MODULES)]


def _sleep_early() -> None:
    """Have torch's threads wait on the processor for up to half a millisecond, and then asleep.

    Left alone they spin for ten, and where other programs run too they take the processor from the very thread that
    they wait for. It is read as torch's OpenMP library loads; whoever has set one of the two has decided.
    """
    if "torch" not in sys.modules and not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT"} & os.environ.keys():
        os.environ["GOMP_SPINCOUNT"] = "10000"


_sleep_early()


def __getattr__(name: str) -> Any:
    if name in _ROOMS:
        value = getattr(importlib.import_module(_ROOMS[name]), name)
    elif name in _MODULES:
        value = importlib.import_module(_MODULES[name])
    else:
        raise AttributeError(f"module 'elman' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

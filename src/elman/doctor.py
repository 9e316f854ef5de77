"""What this installation can do, and what is missing."""

from __future__ import annotations

import importlib
import os
import platform
import sys
from importlib import metadata, resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from elman import __version__

__all__ = ["examine"]

# extra -> the modules it brings, what it is for
_EXTRAS = {
    "export": (("onnx", "onnxruntime"), "ONNX files"),
    "serve": (("starlette", "uvicorn", "websockets"), "serving over HTTP and WebSocket"),
    "audio": (("soundfile",), "FLAC and other sound files"),
    "music": (("mido",), "MIDI files"),
    "eeg": (("edfio",), "EDF recordings"),
    "translation": (("sacrebleu",), "BLEU and chrF"),
    "hub": (("datasets", "pyarrow"), "hf:NAME and Parquet"),
    "tensorboard": (("tensorboard",), "TensorBoard events in each RUN"),
}


def examine() -> dict[str, dict[str, Any]]:
    """Facts by heading; values are plain, for people and for JSON."""
    return {"elman": _installation(), "processor": _processor(), "engines": _engines(), "extras": _extras()}


def _installation() -> dict[str, Any]:
    import torch

    recipes = Path(str(resources.files("elman") / "data" / "recipes"))
    return {
        "version": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": metadata.version("numpy"),
        "place": str(Path(__file__).parent),
        "packaged recipes": len(list(recipes.glob("*.toml"))),
    }


def _processor() -> dict[str, Any]:
    import torch

    facts: dict[str, Any] = {
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "threads": torch.get_num_threads(),
        "instruction set (torch)": torch.backends.cpu.get_cpu_capability(),
    }
    facts["GPU"] = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "none"
    return facts


def _engines() -> dict[str, Any]:
    """Each engine: whether it runs here, or why not; and what it says about itself."""
    import torch

    from elman.cells import LSTM
    from elman.engines import library
    from elman.engines.choose import ENGINES

    facts: dict[str, Any] = {}
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    for name in ENGINES:
        engine = importlib.import_module(f"elman.engines.{name}")
        unavailable = getattr(engine, "unavailable", None)
        reason = unavailable(LSTM().graph, device, torch.float32) if unavailable else None
        facts[name] = "runs" if reason is None else f"does not run: {reason}"
    if facts["native"] == "runs":
        facts["native, instruction set"] = library.instruction_set()
    return facts


def _extras() -> dict[str, Any]:
    found = {}
    for extra, (modules, purpose) in _EXTRAS.items():
        missing = [m for m in modules if m not in sys.modules and find_spec(m) is None]
        need = f"{', '.join(missing)} missing, pip install 'elman[{extra}]'"
        found[extra] = f"{purpose}: {need if missing else 'installed'}"
    return found

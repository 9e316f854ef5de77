"""The command `elman doctor`: what this installation can do, tried out, and what to do about the rest."""

from __future__ import annotations

import importlib
import os
import platform
from typing import Any

from elman import __version__
from elman.console import JSON, print_json, print_table

__all__ = ["OPTIONAL", "doctor", "examine"]

# what can be done with a library that is not always there -> the module that does it, and how to get it
OPTIONAL = {
    "read Parquet": ("pyarrow.parquet", "pip install 'elman[hub]'"),
    "read Excel's .xlsx": ("openpyxl", "pip install 'elman[xlsx]'"),
    "read tunes in ABC": ("symusic", "pip install 'elman[music]'"),
    "read sound (WAV, FLAC)": ("soundfile", "pip install 'elman[audio]'"),
    "change the rate of a signal": ("soxr", "pip install 'elman[audio]'"),
    "read data sets by hf:NAME": ("datasets", "pip install 'elman[hub]'"),
    "write TensorBoard events into each RUN": ("torch.utils.tensorboard", "pip install 'elman[tensorboard]'"),
}


def doctor(*, json: JSON = False) -> int:
    """Say what this installation can do, and what is missing."""
    found = examine()
    if json:
        print_json(found)
    else:
        for title, facts in found.items():
            print_table([title, ""], [[str(k), str(v)] for k, v in facts.items()])
    return 0


def examine() -> dict[str, dict[str, Any]]:
    """Facts by heading; values are plain, for people and for JSON."""
    return {"elman": _installation(), "processor": _processor(), "engines": _engines(), "can": _can()}


def _installation() -> dict[str, Any]:
    from importlib import metadata
    from importlib.resources import files

    import torch

    return {
        "version": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": metadata.version("numpy"),
        "place": str(files("elman")),
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
    """Each engine: whether it runs here and agrees with the readable one, or why not; and what it says about itself."""
    import torch

    from elman.cells import LSTM
    from elman.engines import library
    from elman.engines.choose import ENGINES

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    facts: dict[str, Any] = {}
    for name in ENGINES:
        engine = importlib.import_module(f"elman.engines.{name}")
        unavailable = getattr(engine, "unavailable", None)
        reason = unavailable(LSTM().graph, device, torch.float32) if unavailable else None
        facts[name] = _tried(name) if reason is None else f"does not run: {reason}"
    if facts["native"] == "runs":
        facts["native, instruction set"] = library.instruction_set()
    return facts


def _tried(engine: str) -> str:
    """A small LSTM on this engine beside the readable one."""
    import torch

    from elman.cells import LSTM
    from elman.layers.recurrent import Recurrent

    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        ours, readable = (Recurrent(LSTM, 5, 7, engine=name) for name in (engine, "reference"))
        readable.load_state_dict(ours.state_dict())
        x = torch.randn(9, 3, 5).to(device)
        try:
            error = float((ours.to(device)(x)[0] - readable.to(device)(x)[0]).abs().max())
        except Exception as failed:  # a broken library or driver may fail in any way: that is what is asked here
            return f"fails: {type(failed).__name__}: {' '.join(str(failed).split()):.200}"
    return "runs" if error < 1e-5 else f"gives wrong results: an error of {error:.1e}"


def _can() -> dict[str, Any]:
    """What is built and works here; of what does not, how to get it."""
    from elman.config.recipe import list_recipes
    from elman.config.tasks import TASKS
    from elman.data.formats import FORMATS
    from elman.data.textfile import PACKED
    from elman.text.vectors.native import library

    facts: dict[str, Any] = {
        "train, evaluate and use": ", ".join(TASKS),
        "train without any data of yours": ", ".join(name for name, _, _ in list_recipes()),
        "read": f"{', '.join(format.title or format.name for format in FORMATS)}; compressed {', '.join(PACKED)} too",
        "train word vectors": "yes" if library() is not None else "yes, slowly: the native library is missing",
    }
    return facts | {name: _import(module, remedy) for name, (module, remedy) in OPTIONAL.items()}


def _import(module: str, remedy: str) -> str:
    """Whether a library can be imported, not whether some file of it is there."""
    try:
        importlib.import_module(module)
    except ModuleNotFoundError as error:
        return f"no: {error.name} is missing; {remedy}"
    except Exception as error:  # a half-installed library may fail in any way
        said = " ".join(str(error).split())
        return f"no: {module} fails when it is imported ({type(error).__name__}: {said:.200}); {remedy}"
    return "yes"

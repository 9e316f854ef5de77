"""A RUN as it is read: a stranger's file, whose promises are compared with what is there before memory is taken."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from elman.errors import InputError
from elman.files import check_regular, read_file
from elman.training.divergence import LARGEST

__all__ = ["FORMAT", "Room", "StoredWeights", "damaged", "is_run", "open_weights", "read_description", "read_report",
           "run_task"]  # fmt: skip

FORMAT = 1
_DESCRIPTION = 1 << 27  # bytes of model.json, where the weights are fewer; of three million words it has half of that
_HEADER = 100_000_000  # bytes; the library allows no more either
_REPORT = 1 << 24  # ours have three million at most
# what a model may be stored in; the rest is no training's
_NUMBERS = {"F16", "BF16", "F32", "F64"}
_WHOLE = {"I64"}


def damaged(what: object, where: Path) -> InputError:
    """The one line for a RUN that says what cannot be. A system that refuses to read it says nothing of the RUN."""
    if isinstance(what, OSError) and not isinstance(what, (FileNotFoundError, IsADirectoryError, NotADirectoryError)):
        return InputError(f"cannot be read ({what.strerror or what})", where=str(what.filename or where))
    said = " ".join(str(what).split())
    if isinstance(what, FileNotFoundError) and what.filename:
        said = f"{Path(what.filename).name} is missing"
    return InputError(f"the RUN is damaged ({said:.300})", where=str(where), remedy="train it again")


def is_run(path: Path) -> bool:
    """Whether a folder says that it is one; what is in it may still be damaged."""
    return (path / "model.json").is_file()


def run_task(path: Path) -> str:
    """The task of a RUN. Raises InputError for no RUN, or a damaged one."""
    return str(read_description(path).get("task"))


def read_description(path: Path, task: str = "") -> dict[str, Any]:
    """What model.json says, its values yet to be checked.

    Args:
        task: which the RUN must be of, if given.

    Raises:
        InputError: no RUN, a damaged one, or one of another task.
    """
    if not is_run(path):
        what = "no such RUN" if not path.exists() else "this is not a RUN"
        raise InputError(what, where=str(path), remedy="give the folder that elman train wrote")
    try:
        weights = path / "model.safetensors"
        most = max(_DESCRIPTION, weights.stat().st_size if weights.is_file() else 0)
        description = json.loads(read_file(path / "model.json", most).decode("utf-8"), parse_constant=_no_number)
    except (OSError, ValueError, RecursionError) as error:
        raise damaged(error, path) from error
    if not isinstance(description, dict) or description.get("format") != FORMAT:
        raise InputError("written by another version of elman", where=str(path), remedy="train it again")
    found = description.get("task")
    if not isinstance(found, str) or len(found) > 40:
        raise damaged(f"its task is {found!r:.80}", path)
    if task and found != task:
        raise InputError(f"a RUN of the task {found}, not {task}", where=str(path))
    return description


def read_report(path: Path) -> bytes:
    """The page report.html of a RUN. Raises InputError if it has none."""
    try:
        return read_file(path / "report.html", _REPORT)
    except OSError as error:
        raise InputError("this RUN has no report", where=str(path), remedy="give a text: --input TEXT") from error


@dataclass(frozen=True)
class StoredWeights:
    """The tensors of a RUN, not yet read.

    Attributes:
        path: the RUN.
        shapes, kinds: by name, as the file's first lines say; safetensors has compared them with its size.
    """

    path: Path
    shapes: Mapping[str, tuple[int, ...]]
    kinds: Mapping[str, str]

    @property
    def numbers(self) -> int:
        """How many there are, in all tensors."""
        return sum(torch.Size(shape).numel() for shape in self.shapes.values())

    def fill(self, model: nn.Module) -> None:
        """Give the model these weights.

        Raises:
            InputError: they are not those of this model, or no numbers.
        """
        wanted = model.state_dict()
        self._check_names(wanted)
        for name, tensor in wanted.items():
            shape, kind = tuple(tensor.shape), self.kinds[name]
            if self.shapes[name] != shape:
                raise damaged(f"{name} has shape {self.shapes[name]}, not {shape}", self.path)
            if kind not in (_NUMBERS if tensor.is_floating_point() else _WHOLE):
                raise damaged(f"{name} is stored as {kind}", self.path)
        try:
            with safe_open(self.path / "model.safetensors", "pt") as file:
                weights: dict[str, Tensor] = {name: file.get_tensor(name) for name in wanted}
        except (OSError, SafetensorError) as error:
            raise damaged(error, self.path) from error
        for name, weight in weights.items():
            # single precision is what models compute in: a number beyond it is infinite there
            if not bool(weight.to(wanted[name].dtype).isfinite().all()):
                raise damaged(f"{name} holds NaN or infinity", self.path)
        for name, _ in model.named_parameters():  # of parameters alone: data may bring a mean of any size
            if weights[name].numel() and float(weights[name].abs().max()) > LARGEST:
                raise damaged(f"{name} holds numbers larger than any training leaves", self.path)
        model.load_state_dict(weights)

    def _check_names(self, wanted: Iterable[str]) -> None:
        missing, further = sorted(set(wanted) - set(self.shapes)), sorted(set(self.shapes) - set(wanted))
        if missing or further:
            said = f"there is no {missing[0]}" if missing else f"there is a {further[0]:.80} too many"
            raise damaged(f"of the weights {said}", self.path)


def open_weights(path: Path) -> StoredWeights:
    """What the weights of a RUN are. Raises InputError if they cannot be read."""
    file = path / "model.safetensors"
    try:
        _check_size(file)
        with safe_open(file, "pt") as stored:
            names: list[str] = list(stored.keys())
            parts = {name: stored.get_slice(name) for name in names}
            shapes = {name: tuple(part.get_shape()) for name, part in parts.items()}
            kinds = {name: str(part.get_dtype()) for name, part in parts.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError, SafetensorError) as error:
        raise damaged(error, path) from error
    return StoredWeights(path, shapes, kinds)


def _check_size(file: Path) -> None:
    """Raises InputError or ValueError unless a safetensors file has the size that its header promises.

    The library says so too, but only once it has taken room for all of the file.
    """
    check_regular(file)  # of a pipe, opening would wait for its other end
    size = file.stat().st_size
    with open(file, "rb") as stored:
        length = int.from_bytes(stored.read(8), "little")
        if not 2 <= length <= min(size - 8, _HEADER):
            raise ValueError(f"{file.name} has no header")
        header = json.loads(stored.read(length).decode("utf-8"))
    ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    if size != 8 + length + max(ends, default=0):
        raise ValueError(f"{file.name} has {size:,} bytes, not what its header promises")


class Room(TorchFunctionMode):
    """While the block runs, no more memory is taken for tensors than a model with these weights needs.

    Sizes in model.json are a promise that anybody may have written there. A tensor that the weights leave no room for
    raises InputError before it is made.
    """

    _MAKERS = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)

    def __init__(self, weights: StoredWeights) -> None:
        super().__init__()
        # besides the weights there are counts, masks and rules; and a cell whose every weight is one number
        self._path, self._left = weights.path, 3 * weights.numbers + (1 << 16)
        self._tensors = 8 * len(weights.shapes) + 64

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in self._MAKERS:
            self._tensors -= 1
            self._left -= func(*args, **{**(kwargs or {}), "device": "meta"}).numel()
            if self._left < 0 or self._tensors < 0:
                raise damaged("sizes larger than its weights", self._path)
        return func(*args, **(kwargs or {}))


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is not a number")

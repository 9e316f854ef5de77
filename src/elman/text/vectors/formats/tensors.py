"""Our own format: one safetensors file with the matrix, the words as lines of UTF-8, how often each came, and how the
vectors were made."""

from __future__ import annotations

import json
from pathlib import Path
from typing import IO

import numpy as np

from elman.errors import InputError
from elman.text.vectors.formats.format import Format, Stored

__all__ = ["SAFETENSORS"]


def _recognised(head: bytes) -> bool:
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") < 1 << 27


def _read(file: IO[bytes], head: bytes, path: Path, limit: int | None) -> Stored:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), "numpy") as tensors:
            names, about = set(tensors.keys()), json.loads((tensors.metadata() or {}).get("about", "{}"))
            if not {"vectors", "words"} <= names:
                raise InputError(
                    f"no word vectors inside, but {', '.join(sorted(names))[:200]}",
                    where=str(path),
                    remedy="give a file that elman vectors train wrote",
                )
            words = tensors.get_tensor("words").tobytes().decode().split("\n")[:limit]
            matrix = tensors.get_tensor("vectors")[:limit].astype(np.float32)
            counts = tensors.get_tensor("counts")[:limit] if "counts" in names else None
        if not isinstance(about, dict) or (counts is not None and counts.shape != (len(words),)):
            raise ValueError("its parts do not fit each other")
        return Stored(words, matrix, counts, about)
    except InputError:
        raise
    except (SafetensorError, ValueError, TypeError, RecursionError) as error:  # TypeError: bfloat16, unknown to numpy
        raise InputError(
            f"broken safetensors file ({error})", where=str(path), remedy="train or fetch it again"
        ) from None


def _write(stored: Stored, path: Path) -> None:
    from safetensors.numpy import save_file

    tensors = {
        "vectors": np.ascontiguousarray(stored.matrix),
        "words": np.frombuffer("\n".join(stored.words).encode(), np.uint8),
    }
    if stored.counts is not None:
        tensors["counts"] = stored.counts.astype(np.int64)
    save_file(tensors, str(path), {"format": "elman word vectors", "about": json.dumps(stored.about)})


SAFETENSORS = Format((".safetensors",), _recognised, _read, _write, blanks=True)

"""Recordings of made-up brains, and the tables that name them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from elman.config.settings import DataSettings
from elman.data.packaging_eeg import edf_bytes
from elman.signals.signal import Layout, Signal

NAMES = ["Fz", "Cz", "Oz"]


def brain(label: str, seed: int, seconds: int = 12, names: Sequence[str] = NAMES, rate: int = 100) -> Signal:
    """At rest alpha behind, at work theta in front; every person somewhat louder or softer."""
    draw = np.random.default_rng(seed)
    t = np.arange(seconds * rate)[:, None] / rate
    alpha, theta = ([0.2, 0.5, 2], [0.3, 0.2, 0.1]) if label == "rest" else ([0.2, 0.3, 0.6], [1.5, 0.8, 0.1])
    x = draw.normal(size=(len(t), 3)) + np.sin(2 * np.pi * 10 * t) * alpha + np.sin(2 * np.pi * 6 * t) * theta
    x = (x * draw.uniform(4, 9)).astype(np.float32)
    found = x[:, [NAMES.index(n) if n in NAMES else 0 for n in names]]
    return Signal(found, Layout(float(rate), tuple(names), "uV"), source=f"{label}{seed}")


def write(path: Path, signal: Signal, names: Sequence[str] = NAMES) -> None:
    path.write_bytes(edf_bytes(signal, list(names), 0.1))


def write_folder(made: Path, persons: int = 12) -> None:
    """Two recordings of each person, and the table that names them."""
    rows = ["path,target,person"]
    for person in range(persons):
        for k, label in enumerate(("rest", "work")):
            write(made / f"p{person}_{label}.edf", brain(label, 2 * person + k))
            rows.append(f"p{person}_{label}.edf,{label},p{person}")
    (made / "manifest.csv").write_text("\n".join(rows) + "\n")


def manifest(folder: Path, out: Path, rows: Sequence[str], head: str = "path,target,person") -> DataSettings:
    out.mkdir(exist_ok=True)
    text = [row if row.startswith("/") else f"{folder}/{row}" for row in rows]
    (out / "manifest.csv").write_text("\n".join([head, *text]) + "\n")
    return DataSettings(path=str(out))

"""A fixed window of m past values, or a state: what each foretells, and what it costs.

    python benchmarks/window/run.py

Learns the packaged Shakespeare, a character at a time: feed-forward networks over the m characters before
(`elman.models.window`), counted n-grams that see as many (`elman.models.kneser_ney`), and one recurrent layer, all
from one text; judges them on its last tenth, measures what they weigh and how long a step takes on one thread, and
draws docs/pictures/window.png.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch

from elman.config.settings import DataSettings
from elman.config.training import TrainingSettings
from elman.data.texts import load_texts
from elman.models.kneser_ney import KneserNey
from elman.models.language_network import LanguageNetwork
from elman.models.language_settings import LanguageSettings
from elman.models.reading import CountedReader, Reader, network_reader
from elman.models.text_stream import Stream, StreamedTexts, surprises
from elman.models.window import window_network
from elman.text.running import RunningUnits
from elman.training.loop import fit
from elman.training.progress import Bar

HERE = Path(__file__).parent
WINDOWS = (1, 2, 4, 8, 16, 32)
SETTINGS = LanguageSettings(cell="gru", embedding=32, hidden=256, layers=1, tied=False, dropout=0.1, input=0.0)
TRAINING = TrainingSettings(batch_size=32, bptt=64, rate=3e-3, schedule="warmup-linear", warmup=0.02)

Row = dict[str, float]


def learned(network: Callable[[], LanguageNetwork], parts: dict[str, StreamedTexts], epochs: int, title: str) -> Row:
    torch.manual_seed(0)
    model = network()
    training = TrainingSettings(**{**{k: getattr(TRAINING, k) for k in TRAINING.__struct_fields__}, "epochs": epochs})
    stream = Stream(model, parts["train"], training.batch_size, training.bptt, None, "")
    done = fit(stream, training, progress=Bar(), title=title)
    nll = -float(torch.cat(list(surprises(model, parts["test"].numbers))).double().mean())
    weight = 4 * sum(p.numel() for p in model.parameters())
    return {"nll": nll, "bytes": weight, "seconds": done.seconds, "step": step_time(network_reader(model))}


def counted(m: int, parts: dict[str, StreamedTexts], size: int) -> Row:
    start = time.perf_counter()
    model = KneserNey(m + 1, size).fit([parts["train"].numbers])
    seconds = time.perf_counter() - start
    nll = -float(model.log_probs([parts["test"].numbers])[1:].mean())
    return {"nll": nll, "bytes": model.bytes, "seconds": seconds, "step": step_time(CountedReader(model))}


def step_time(reader: Reader) -> float:
    """Seconds to read a character and say what may follow: the median of 300."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    _, state = reader.skip([2, 4], reader.begin())
    took = []
    for i in range(300):
        start = time.perf_counter()
        _, state = reader.step([4 + i % 20], [(state, 0)])
        took.append(time.perf_counter() - start)
    torch.set_num_threads(threads)
    return float(np.median(took))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=2)
    given = parser.parse_args()
    texts, _ = load_texts(DataSettings(path="packaged:shakespeare"))
    units = RunningUnits.fit(texts["train"].texts)
    parts = {part: StreamedTexts.of([units.encode(text) for text in found.texts]) for part, found in texts.items()}
    V = len(units)
    found: dict[str, dict[str, Row]] = {"window": {}, "counted": {}}
    for m in WINDOWS:
        found["counted"][str(m)] = counted(m, parts, V)
        network = learned(lambda m=m: window_network(SETTINGS, V, m), parts, given.epochs, f"a window of {m}")
        found["window"][str(m)] = network
        print(m, found["counted"][str(m)], network, flush=True)
    found["state"] = {"": learned(lambda: LanguageNetwork(SETTINGS, V), parts, given.epochs, "a state")}
    print(found["state"], flush=True)
    (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    draw(found, HERE.parents[1] / "docs" / "pictures" / "window.png")


def draw(found: dict[str, dict[str, Row]], file: Path) -> None:
    panels = [("nll", 1.0, "nats a character"), ("bytes", 1e-6, "MB"), ("step", 1e3, "ms a step, one thread")]
    kinds = {"window": "feed-forward over the window", "counted": "counted n-grams (Kneser-Ney)"}
    figure, axes = plt.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
    for ax, (key, scale, label) in zip(axes, panels):
        for (kind, name), colour in zip(kinds.items(), ("#5a7d9a", "#b3492d")):
            rows = found[kind]
            ax.plot([int(m) for m in rows], [scale * row[key] for row in rows.values()], color=colour, marker="o",
                    markersize=3, label=name)  # fmt: skip
        (state,) = found["state"].values()
        ax.axhline(scale * state[key], color="#1d3f5e", label="a state: one GRU layer")
        ax.set(xlabel="m, characters seen", ylabel=label, xscale="log", yscale="linear" if key == "nll" else "log")
        ax.set_xticks([1, 2, 4, 8, 16, 32], ["1", "2", "4", "8", "16", "32"])
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
    figure.legend(*axes[0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=3)
    figure.savefig(file, dpi=130)


if __name__ == "__main__":
    main()

"""Rest or mental arithmetic, in persons who were never seen: networks beside band power, in the same form.

    python benchmarks/eeg/run.py ../shared/data/eegmat [--seeds 3] [--out results.json]

DATA holds SubjectNN_1.edf (rest) and SubjectNN_2.edf (arithmetic) of 36 persons. Six folds by person, each model's
settings chosen in every fold on inner folds of its thirty training persons; its six are not looked at. Then persons 1
to 28, 29 to 32 and 33 to 36 as others have split them, settings chosen on the second part.

Three forms, never mixed: nothing is known of a person; each person's own windows, unlabelled, have calibrated the
features; and the same from the past alone, as in real time, half of the persons beginning with each kind.
"""

from __future__ import annotations

import argparse
import json
import time
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.labelled_recordings import Recordings
from elman.models.linear import fit_linear
from elman.signals.chain import Chain
from elman.signals.edf import read_edf
from elman.tasks.recordings.baselines import summaries
from elman.tasks.recordings.estimator import RecordingClassifier
from elman.tasks.recordings.figures import recording_scores
from elman.tasks.recordings.windows import Windowed, windows_of

READ = ({"name": "channels", "drop": ("EEG A2-A1",)}, "reference")
BANDS = (*READ, "bands", {"name": "windows", "seconds": 4.0})
# three frames of two seconds, one each second: four seconds of signal
COVARIANCES = (*READ, "covariances", {"name": "windows", "seconds": 3.0, "step": 4.0})
FORMS = {"nothing known": "none", "calibrated": "person", "calibrated as it goes": "past"}
STRENGTHS = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2, 0.1)
WEAK = (1e-6, 1e-5, 1e-4, 1e-3)  # of 950 features, most of which say little
USUAL = {
    "cell": "gru",
    "hidden": 16,
    "pooling": "mean",
    "dropout": 0.2,
    "epochs": 5,
    "rate": 0.002,
    "weight_decay": 0.1,
}
NETWORKS: dict[str, dict[str, Any]] = {
    "noise 1, shift 2": {"straight": True, "noise": 1.0, "shift": 2.0},
    "noise 3, shift 2": {"straight": True, "noise": 3.0, "shift": 2.0},
    "noise 3, shift 4": {"straight": True, "noise": 3.0, "shift": 4.0},
    "noise 3, shift 2, through the GRU alone": {"straight": False, "noise": 3.0, "shift": 2.0},
}
MEMBERS = 3  # networks whose answers are averaged; settings are chosen by one
FOLDS = 6
LABELS = ["arithmetic", "rest"]


def read(folder: Path) -> Recordings:
    """Two recordings of each person; every other person's arithmetic stands first, so that order tells nothing."""
    signals, labels, persons = [], [], []
    for k, first in enumerate(sorted(folder.glob("Subject*_1.edf"))):
        name = first.stem.removesuffix("_1")
        for which in ("12", "21")[k % 2]:
            path = folder / f"{name}_{which}.edf"
            signals.append(read_edf(path.read_bytes(), path.name).between(0, 0))
            labels.append(LABELS[which == "1"])
            persons.append(name)
    names = [signal.source for signal in signals]
    return Recordings(signals, names, names, labels, persons, True)


class Judge:
    """Trains and judges on persons' numbers; every answer is of persons that were not learned from."""

    def __init__(self, whole: Recordings, form: str) -> None:
        self.whole, self.normalise = whole, FORMS[form]
        self.names = sorted(set(whole.persons))
        self.of = np.array([self.names.index(person) for person in whole.persons])
        for stages in (BANDS, COVARIANCES):  # made once: what is taken of the whole has it
            windows_of(whole, whole.signals[0].layout, Chain(stages), lambda line: None)

    def part(self, persons: list[int]) -> Recordings:
        return self.whole.take(np.flatnonzero(np.isin(self.of, persons)).tolist())

    def network(
        self, settings: dict[str, Any], train: list[int], test: list[int], seed: int
    ) -> tuple[np.ndarray, Windowed]:
        estimator = RecordingClassifier(stages=COVARIANCES, normalise=self.normalise, seed=seed, **settings)
        estimator.fit_parts(self.part(train), None)
        read = estimator.encoded(self.part(test))
        return estimator.window_probabilities(read), read

    def linear(self, stages: Any, C: float, train: list[int], test: list[int]) -> tuple[np.ndarray, Windowed]:
        estimator = RecordingClassifier(stages=stages, normalise=self.normalise)
        estimator.encode(self.part(train), None)
        chain = Chain(stages)
        usual = estimator.usual_of(self.part(train), chain)
        known, asked = (estimator.windowed(self.part(some), chain, usual) for some in (train, test))
        x, x_test = summaries(known), summaries(asked)
        center, scale = x.mean(0), np.maximum(x.std(0), 1e-9)
        assert known.y is not None
        fitted = fit_linear((x - center) / scale, known.y.numpy(), C, balanced=True)
        return fitted.predict_proba((x_test - center) / scale), asked


Asked = Any  # (train, test, seed) -> probabilities of the test persons' windows, and these


def models(judge: Judge, members: int) -> dict[str, dict[str, Asked]]:
    """By model, what may be chosen of it, and how it answers."""

    def linear(stages: Any, C: float) -> Asked:
        return lambda train, test, seed: judge.linear(stages, C, train, test)

    def network(settings: dict[str, Any]) -> Asked:
        return lambda train, test, seed: judge.network({**USUAL, **settings, "members": members}, train, test, seed)

    return {
        "band power + logistic regression": {f"C = {C:g}": linear(BANDS, C) for C in STRENGTHS},
        "log covariances + logistic regression": {f"C = {C:g}": linear(COVARIANCES, C) for C in WEAK},
        "GRU": {name: network(settings) for name, settings in NETWORKS.items()},
    }


def by_person(P: np.ndarray, read: Windowed) -> dict[str, float]:
    """Balanced accuracy of each person's windows."""
    rows: Any = recording_scores(P, read, LABELS)["persons"]
    return {name: row["balanced_accuracy"] for name, row in rows.items()}


def chosen(options: dict[str, Asked], folds: list[list[int]], names: list[str]) -> list[str]:
    """For each fold what was best on its five inner ones; a training without two folds serves both."""
    score = np.full((len(options), FOLDS, FOLDS), np.nan)  # by option, fold, inner fold
    for a, b in combinations(range(FOLDS), 2):
        train = [p for k, fold in enumerate(folds) if k not in (a, b) for p in fold]
        for i, answer in enumerate(options.values()):
            rows = by_person(*answer(train, folds[a] + folds[b], 0))
            for outer, inner in ((a, b), (b, a)):
                score[i, outer, inner] = np.mean([rows[names[p]] for p in folds[inner]])
    return [list(options)[int(np.nanmean(score[:, k], -1).argmax())] for k in range(FOLDS)]


def interval(values: np.ndarray) -> list[float]:
    """Mean, and the ends of its 95 % interval over persons."""
    half = 1.96 * values.std(ddof=1) / len(values) ** 0.5
    return [round(float(v), 4) for v in (values.mean(), values.mean() - half, values.mean() + half)]


def six_folds(judge: Judge, seeds: int) -> dict[str, Any]:
    order = np.random.default_rng(0).permutation(len(judge.names))
    folds = [sorted(order[k::FOLDS].tolist()) for k in range(FOLDS)]
    found: dict[str, Any] = {}
    each: dict[str, np.ndarray] = {}  # (persons,) mean of the seeds
    alone = models(judge, 1)
    for name, options in models(judge, MEMBERS).items():
        begun = time.process_time()
        picks = chosen(alone[name], folds, judge.names)
        runs, figures = [], []
        for seed in range(seeds if name == "GRU" else 1):
            persons: dict[str, float] = {}
            told = []
            for fold, pick in zip(folds, picks):
                train = [p for other in folds if other is not fold for p in other]
                P, read = options[pick](train, fold, seed)
                persons |= by_person(P, read)
                told.append(recording_scores(P, read, LABELS))
            runs.append([persons[key] for key in judge.names])
            keys = ("accuracy", "balanced_accuracy", "auc", "recording_balanced_accuracy", "recording_auc")
            figures.append({key: float(np.mean([row[key] for row in told])) for key in keys})
        each[name] = np.mean(runs, 0)
        found[name] = {
            "persons": interval(each[name]),
            "spread of persons": round(float(each[name].std(ddof=1)), 4),
            "beside chance": interval(each[name] - 0.5),
            "beside band power": interval(each[name] - next(iter(each.values()))),
            "seeds": [round(float(np.mean(run)), 4) for run in runs],
            "mean of folds": {key: round(float(np.mean([row[key] for row in figures])), 4) for key in figures[0]},
            "chosen": picks,
            "each": dict(zip(judge.names, np.round(each[name], 4).tolist())),
            "processor seconds": round(time.process_time() - begun, 1),
        }
        print(f"  {name}: {json.dumps({k: v for k, v in found[name].items() if k != 'each'})}", flush=True)
    return found


def as_published(judge: Judge, seeds: int) -> dict[str, Any]:
    """Balanced accuracy of all windows of persons 33 to 36; settings chosen on 29 to 32."""
    train, valid, test = list(range(28)), list(range(28, 32)), list(range(32, 36))
    found: dict[str, Any] = {}
    alone = models(judge, 1)
    for name, options in models(judge, MEMBERS).items():
        known = {
            pick: np.mean(list(by_person(*answer(train, valid, 0)).values())) for pick, answer in alone[name].items()
        }
        pick = max(known, key=lambda name: known[name])
        runs = [
            recording_scores(*options[pick](train, test, seed), LABELS) for seed in range(seeds if name == "GRU" else 1)
        ]
        found[name] = {
            "seeds": [round(run["balanced_accuracy"], 4) for run in runs],  # type: ignore[arg-type]
            "chosen": pick,
            "persons": {p: round(row["balanced_accuracy"], 3) for p, row in runs[0]["persons"].items()},  # type: ignore
        }
        print(f"  {name}: {json.dumps(found[name])}", flush=True)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--forms", nargs="+", default=list(FORMS), choices=list(FORMS))
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    whole, found = read(given.data), dict[str, Any]()
    for form in given.forms:
        judge = Judge(whole, form)
        print(f"{form}, six folds by person:", flush=True)
        found[form] = {"six folds": six_folds(judge, given.seeds)}
        print(f"{form}, persons 33 to 36, four, which are few:", flush=True)
        found[form]["as published"] = as_published(judge, given.seeds)
        if given.out:
            given.out.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()

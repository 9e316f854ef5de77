"""What reads a text unit by unit, and says after each what may follow: a network, or counted n-grams."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from elman.engines.next_units import Followed, NextUnits, States, flat
from elman.errors import InputError
from elman.models.kneser_ney import KneserNey
from elman.models.language_network import LanguageNetwork, Standing, joined

__all__ = ["CountedReader", "MixedReader", "NativeReader", "NetworkReader", "Reader", "network_reader"]

Scores = NDArray[np.float32]
_FEW = 8  # units: with more the whole sequence in one call is faster


class Reader(Protocol):
    """Reads several texts side by side. A state is of some texts, and never changed; a place is a state, and which of
    its texts."""

    def begin(self) -> Any:
        """The state of one text before its first unit."""

    def skip(self, units: Sequence[int], state: Any) -> tuple[Scores, Any]:
        """Read some units of one text: (V,) ln p of what follows, and the state then."""

    def step(self, units: Sequence[int], places: Sequence[tuple[Any, int]]) -> tuple[Scores, Any]:
        """Read a unit behind each of N places: (N, V) ln p of what follows, and the state of all then."""

    def alone(self, state: Any, row: int) -> Any:
        """The state of one of its texts."""


def network_reader(model: LanguageNetwork) -> Reader:
    """A language network as a `Reader`."""
    model.eval()
    with torch.no_grad():
        layers = model.followed(model.begin(1))
    return NetworkReader(model) if layers is None else NativeReader(model, layers)


class NetworkReader:
    """Whatever language network, by its own steps."""

    def __init__(self, model: LanguageNetwork) -> None:
        self.model = model.eval()

    def begin(self) -> list[Standing]:
        return self.model.begin(1)

    @torch.no_grad()
    def skip(self, units: Sequence[int], state: list[Standing]) -> tuple[Scores, list[Standing]]:
        h, state = self.model(torch.tensor(units)[:, None], state)
        return self.model.log_probs(h[-1])[0].numpy(), state

    @torch.no_grad()
    def step(self, units: Sequence[int], places: Sequence[tuple[list[Standing], int]]) -> tuple[Scores, list[Standing]]:
        only = places[0][0]
        alone = len(places) == 1 and only[0].before.shape[1] == 1
        log_probs, after = self.model.step(torch.tensor(units), only if alone else joined(places))
        return log_probs.numpy(), after

    def alone(self, state: list[Standing], row: int) -> list[Standing]:
        return self.model.select(state, torch.tensor([row]))


class NativeReader:
    """The same in fewer calls, for a network whose steps the native library takes; a state is (N, S) numbers.

    Args:
        layers: from the beginning of one text on (`LanguageNetwork.followed`).
    """

    def __init__(self, model: LanguageNetwork, layers: Sequence[Followed]) -> None:
        self.model = model
        self._begin = flat(layers)
        self._steps: dict[int, NextUnits] = {}  # by the number of texts
        self._one = threading.Lock()  # what is said of a unit lies where that of the next one will

    def begin(self) -> States:
        return self._begin

    @torch.no_grad()
    def skip(self, units: Sequence[int], state: States) -> tuple[Scores, States]:
        if len(units) < _FEW:
            for unit in units:
                log_probs, state = self.step([unit], [(state, 0)])
            return log_probs[0], state
        h, after = self.model(torch.tensor(units)[:, None], self.model.unflat(state))
        layers = self.model.followed(after)
        assert layers is not None
        return self.model.log_probs(h[-1])[0].numpy(), flat(layers)

    @torch.no_grad()
    def step(self, units: Sequence[int], places: Sequence[tuple[States, int]]) -> tuple[Scores, States]:
        before = np.stack([state[row] for state, row in places])
        after = np.empty_like(before)
        with self._one:
            steps = self._steps.get(len(units))
            if steps is None or steps.stale:
                steps = self._steps[len(units)] = self._prepared(before)
            steps(units, before, after)
            found = self.model.log_probs(steps.h).numpy() if self.model.adaptive is not None else steps.log_probs
            return found.astype(after.dtype), after

    def _prepared(self, states: States) -> NextUnits:
        layers = self.model.followed(self.model.unflat(states))
        if layers is None:
            raise InputError("the network has changed under what reads by it", remedy="make a new completer")
        return self.model.next_units(layers)

    def alone(self, state: States, row: int) -> States:
        return state[row : row + 1]


class CountedReader:
    """Counted n-grams as a `Reader`; a state is the last n - 1 units of each text."""

    def __init__(self, model: KneserNey) -> None:
        self.model = model

    def begin(self) -> list[list[int]]:
        return [[]]

    def skip(self, units: Sequence[int], state: list[list[int]]) -> tuple[Scores, list[list[int]]]:
        after = self._behind(state[0], units)
        return self._scores(after), [after]

    def step(
        self, units: Sequence[int], places: Sequence[tuple[list[list[int]], int]]
    ) -> tuple[Scores, list[list[int]]]:
        after = [self._behind(state[row], [unit]) for unit, (state, row) in zip(units, places)]
        return np.stack([self._scores(each) for each in after]), after

    def alone(self, state: list[list[int]], row: int) -> list[list[int]]:
        return [state[row]]

    def _behind(self, before: list[int], units: Sequence[int]) -> list[int]:
        n = self.model.order - 1
        return [*before, *units][-n:] if n else []

    def _scores(self, context: list[int]) -> Scores:
        return np.log(self.model.distribution(context)).astype(np.float32)


class MixedReader:
    """Two readers of the same units: p = (1 - share) p_first + share p_second. A state is both of theirs."""

    def __init__(self, first: Reader, second: Reader, share: float) -> None:
        self.first, self.second, self.share = first, second, share

    def begin(self) -> tuple[Any, Any]:
        return self.first.begin(), self.second.begin()

    def skip(self, units: Sequence[int], state: tuple[Any, Any]) -> tuple[Scores, tuple[Any, Any]]:
        one, a = self.first.skip(units, state[0])
        other, b = self.second.skip(units, state[1])
        return self._mixed(one, other), (a, b)

    def step(self, units: Sequence[int], places: Sequence[tuple[tuple[Any, Any], int]]) -> tuple[Scores, Any]:
        one, a = self.first.step(units, [(state[0], row) for state, row in places])
        other, b = self.second.step(units, [(state[1], row) for state, row in places])
        return self._mixed(one, other), (a, b)

    def alone(self, state: tuple[Any, Any], row: int) -> tuple[Any, Any]:
        return self.first.alone(state[0], row), self.second.alone(state[1], row)

    def _mixed(self, one: Scores, other: Scores) -> Scores:
        return np.log((1 - self.share) * np.exp(one) + self.share * np.exp(other)).astype(one.dtype)

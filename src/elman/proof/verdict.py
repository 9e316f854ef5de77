"""What was checked, what was found, and what was never tried."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

__all__ = ["Check", "Proof", "difference", "gathered", "judge", "raised"]

_TOLERANCE = {
    torch.float64: 1e-10,
    torch.float32: 1e-5,
    torch.bfloat16: 3e-2,
    torch.float16: 5e-3,
    torch.complex128: 1e-10,
    torch.complex64: 1e-5,
}
_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")  # of one of several modules alike


@dataclass(frozen=True)
class Check:
    """One equality of the contract.

    Attributes:
        name: ``alone = batch``, ``padded``, ``chunks``, ``steps`` ...
        holds: None where it was not tried, and `note` says why.
        error: largest |difference| / max(1, largest |value|); infinite where one side is not a number.
        tolerance: what `error` may be.
        note: of a failure, its likely cause.
    """

    name: str
    holds: bool | None
    error: float | None = None
    tolerance: float | None = None
    note: str = ""

    def noted(self, note: str) -> Check:
        """The same check with one more remark."""
        return replace(self, note="; ".join(filter(None, [self.note, note])))


@dataclass(frozen=True)
class Proof:
    """What was checked on which subject. `ok` if something was proven and nothing failed."""

    subject: str
    checks: list[Check] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return any(c.holds for c in self.checks) and not any(c.holds is False for c in self.checks)

    @property
    def untried(self) -> list[Check]:
        """What was never put to the test, each with its reason."""
        return [c for c in self.checks if c.holds is None]

    @property
    def verdict(self) -> str:
        """One line: proven or not, what failed, and what was never tried."""
        failed = [c.name for c in self.checks if c.holds is False]
        said = "proven" if self.ok else "NOT proven"
        if failed:
            said += f", {', '.join(failed)}: {'fails' if len(failed) == 1 else 'fail'}"
        if self.untried:
            reasons: dict[str, list[str]] = {}
            for c in self.untried:
                reasons.setdefault(c.note, []).append(c.name)
            never = "; ".join(f"{', '.join(names)} ({why})" for why, names in reasons.items())
            said += f"{' for what was tried' if self.ok else ''}; never tried: {never}"
        return f"{self.subject}: {said}"

    def to_dict(self) -> dict[str, Any]:
        """The object of proof.json (an infinite error becomes null)."""
        rows = [asdict(c) for c in self.checks]
        for row in rows:
            if row["error"] is not None and not row["error"] < float("inf"):
                row["error"] = None
        return {"subject": self.subject, "ok": self.ok, "verdict": self.verdict, "checks": rows}

    def __str__(self) -> str:
        lines, width = [self.verdict], max((34, *(len(c.name) for c in self.checks)))
        for c in self.checks:
            said = {True: "holds", False: "FAILS", None: "-"}[c.holds]
            size = "" if c.error is None else f"  error {c.error:.1e} (at most {c.tolerance:.0e})"
            lines.append(f"  {c.name:<{width}} {said}{size}{'  ' + c.note if c.note else ''}")
        return "\n".join(lines)


def difference(a: Tensor, b: Tensor) -> float:
    """Largest |a - b| / max(1, largest |b|); infinite for other shapes, and where one side is not a number."""
    if a.shape != b.shape:
        return float("inf")
    if not a.numel():
        return 0.0
    if a.is_complex() or b.is_complex():
        a, b = torch.view_as_real(a.to(torch.complex128)), torch.view_as_real(b.to(torch.complex128))
    a, b = a.double(), b.double()
    same = a == b  # an infinity equals itself, as in masked logits
    size = b.abs().nan_to_num(0, 0, 0).max()
    gap = float(torch.where(same, 0.0, a - b).abs().max() / size.clamp(min=1))
    return gap if gap == gap else float("inf")


def judge(name: str, pairs: Sequence[tuple[Tensor, Tensor]], tolerance: float | None = None, note: str = "") -> Check:
    """The worst of all pairs (found, wanted), each against what its dtype allows, or against `tolerance`."""
    worst = (0.0, 0.0)
    for a, b in pairs:
        error, allowed = difference(a, b), _TOLERANCE.get(b.dtype, 0.0) if tolerance is None else tolerance
        # the first that fails worst; among those that hold, the one nearest to its limit
        if (error > allowed, error) >= (worst[0] > worst[1], worst[0]):
            worst = (error, allowed)
    return Check(name, worst[0] <= worst[1], *worst, note=note)


def raised(name: str, error: Exception) -> Check:
    """A check whose call did not come back."""
    said = " ".join(str(error).split())
    return Check(name, False, float("inf"), 0.0, f"the call raised {type(error).__name__}: {said:.160}")


def gathered(checks: Sequence[Check]) -> list[Check]:
    """The same claims on numbered siblings as one: ``members.0-4.recurrent: steps`` is the worst of five.

    Only what came out alike is gathered, so one that fails, or was not tried, still stands under its own numbers.
    """
    kinds: dict[tuple[object, ...], list[Check]] = {}
    for check in checks:
        kinds.setdefault((*_NUMBER.split(check.name), check.holds, check.note), []).append(check)
    found = []
    for alike in kinds.values():
        told = [_ranges(sorted({int(n) for n in place})) for place in zip(*(_NUMBER.findall(c.name) for c in alike))]
        between = _NUMBER.split(alike[0].name)
        name = between[0] + "".join(n + text for n, text in zip(told, between[1:], strict=True))
        found.append(replace(max(alike, key=_nearness), name=name))
    return found


def _nearness(check: Check) -> float:
    """How near a check came to its limit, or by how much it is past it."""
    if not check.error:
        return 0.0
    return check.error / check.tolerance if check.tolerance else float("inf")


def _ranges(numbers: Sequence[int]) -> str:
    """``0-2,5`` of 0, 1, 2, 5."""
    said: list[list[int]] = []
    for n in numbers:
        if said and said[-1][-1] == n - 1:
            said[-1].append(n)
        else:
            said.append([n])
    return ",".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else str(run[0]) for run in said)

"""Equations set as mathematics, and the proof of the state contract as a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from elman.pages.markup import Child, Html, join, tag

__all__ = ["equations", "proof_table", "typeset"]

_TOKEN = re.compile(
    r"\s+|[A-Za-z\u0370-\u03ff][A-Za-z0-9\u0370-\u03ff']*(?:_[A-Za-z0-9{},+\-]+)?|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\*\*|<=|>=|."
)
_MEMBER = re.compile(r"members\.\d+\.")
_SIGNS = {"@": "\u2009", "*": "\u2009\u2299\u2009", "-": "\u2212", "<=": "\u2264", ">=": "\u2265"}
_FUNCTIONS = {
    "sigmoid": "\u03c3", "tanh": "tanh", "relu": "relu", "exp": "exp", "log": "log", "softplus": "softplus",
    "sqrt": "\u221a", "square": "square", "abs": "abs", "minimum": "min", "maximum": "max", "where": "where",
    "layer_norm": "LN", "layernorm": "LN",
}  # fmt: skip


def typeset(line: str) -> Html:
    """One line of a cell's step, ``r = sigmoid(W_r @ s + b_r)``, as a paper prints it."""
    out: list[Child] = []
    line = line.replace("self.", "").replace("layer_norm", "layernorm").strip()
    for token in _TOKEN.findall(line):
        if token.isspace():
            out.append(" " if not out or not str(out[-1]).endswith(("\u2009", " ")) else "")
        elif token in _FUNCTIONS:
            out.append(_FUNCTIONS[token])
        elif token in _SIGNS:
            if token in "@*" and out and out[-1] == " ":
                out.pop()
            out.append(_SIGNS[token])
        elif re.match(r"[A-Za-z\u0370-\u03ff]", token):
            name, _, below = token.partition("_")
            letter = tag("b", name) if name[:1].isupper() else tag("i", name)
            out.append(join(letter, tag("sub", below.strip("{}"))) if below else letter)
        else:
            out.append(token)
    return join(*out)


def equations(lines: Sequence[str]) -> Html | None:
    """The cell's step, one equation a line."""
    return tag("div", [tag("div", typeset(line)) for line in lines], class_="equations") if lines else None


def proof_table(proof: Mapping[str, Any] | None) -> Html | None:
    """proof.json as a table: each claim, the largest difference found, what was allowed, and whether it holds."""
    checks = (proof or {}).get("checks", ())
    if not checks:
        return None
    head = tag("tr", tag("th", "claim"), [tag("th", h, class_="n") for h in ("largest difference", "allowed", "")])
    looks = {True: ("\u2713 holds", "n ok"), False: ("\u2715 fails", "n no"), None: ("\u2013", "n muted")}
    body = []
    for check in _together(checks):
        holds, error, allowed = check.get("holds"), check.get("error"), check.get("tolerance")
        said = _size(error) if error is not None else "\u2013" if holds is None else "not a number"
        note = tag("span", check["note"], class_="note") if check.get("note") else None
        mark, look = looks[holds]
        body.append(
            tag(
                "tr",
                tag("th", str(check.get("name", "")), note, scope="row"),
                tag("td", said, class_="n"),
                tag("td", "\u2013" if allowed is None else _size(allowed, 0), class_="n"),
                tag("td", mark, class_=look),
            )
        )
    return tag("div", tag("table", tag("thead", head), tag("tbody", body), class_="proof"), class_="scroll")


def _together(checks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """What is claimed alike of several members of a committee, and holds of all or is claimed of none, as one."""
    groups: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for place, check in enumerate(checks):
        name = str(check.get("name", ""))
        member = _MEMBER.match(name)
        shared = name[member.end() :] if member is not None and check.get("holds") is not False else place
        key = shared, check.get("note"), check.get("holds")
        groups.setdefault(key, []).append(check)
    found = []
    for (name, _, holds), alike in groups.items():
        if len(alike) == 1:
            found.append(alike[0])
            continue
        worst = max((check["error"] for check in alike), default=None) if holds else None
        found.append({**alike[0], "name": f"each of {len(alike)} members, {name}", "error": worst})
    return found


def _size(error: float, digits: int = 1) -> str:
    return f"{error:.{digits}e}" if error else "0"

"""Equations set as mathematics, and the proof of the state contract as a table."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from elman.inspect.markup import Child, Html, join, tag

__all__ = ["equations", "proof_table", "typeset"]

_TOKEN = re.compile(
    r"\s+|[A-Za-z\u0370-\u03ff][A-Za-z0-9\u0370-\u03ff']*(?:_[A-Za-z0-9{},+\-]+)?|\d+(?:\.\d+)?(?:e[+-]?\d+)?|\*\*|<=|>=|."
)
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
    rows = _claims(proof or {})
    if not rows:
        return None
    head = tag("tr", tag("th", "claim"), [tag("th", h, class_="n") for h in ("largest difference", "allowed", "")])
    body = []
    for name, found, allowed, ok in rows:
        mark = tag(
            "td",
            "\u2013" if ok is None else "\u2713 holds" if ok else "\u2715 fails",
            class_="n " + ("muted" if ok is None else "ok" if ok else "no"),
        )
        body.append(
            tag("tr", tag("th", name, scope="row"), tag("td", found, class_="n"), tag("td", allowed, class_="n"), mark)
        )
    return tag("div", tag("table", tag("thead", head), tag("tbody", body)), class_="scroll")


def _claims(proof: Mapping[str, Any]) -> list[tuple[str, str, str, bool | None]]:
    """Name, error, tolerance and outcome of each check, as `elman.proof.Proof.to_dict` has them."""
    found = []
    for check in proof.get("checks", ()):
        error, allowed, holds = check.get("error"), check.get("tolerance"), check.get("holds")
        said = f"{error:.1e}" if error is not None else str(check.get("note", "")) if holds is None else "not a number"
        found.append((str(check.get("name", "")), said, "\u2013" if allowed is None else f"{allowed:.0e}", holds))
    return found

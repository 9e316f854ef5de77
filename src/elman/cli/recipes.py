"""The command `elman recipes`."""

from __future__ import annotations

from elman.console import JSON, print_json, print_table

__all__ = ["recipes"]


def recipes(*, json: JSON = False) -> int:
    """List the packaged recipes."""
    from elman.config.recipe import list_recipes

    rows = list_recipes()
    if json:
        print_json({"recipes": [{"name": n, "task": t, "description": d} for n, t, d in rows]})
    else:
        print_table(["recipe", "task", "what it does"], [list(row) for row in rows])
    return 0

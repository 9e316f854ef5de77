"""The command `elman explain`."""

from __future__ import annotations

import sys
from pathlib import Path

from elman.console import JSON, print_json
from elman.files import check_apart, check_file, write_file

__all__ = ["explain"]


def explain(thing: str, /, *, picture: Path | None = None, json: JSON = False) -> int:
    """Say what a cell computes and costs, what a recipe trains, or which engine runs a trained model and why.

    Parameters
    ----------
    thing
        FILE:CELL (my_cells.py:Mine), a packaged cell (gru), a recipe, or a RUN.
    picture
        Draw the cell as an SVG file.
    """
    from elman.explanation.cell_svg import svg_of
    from elman.explanation.layer import explain as explained
    from elman.tasks.find import recipe_and_cell, task_of

    if picture is not None:
        check_file(picture)
        check_apart(picture, thing.rpartition(":")[0] or thing)
    recipe = ""
    if (Path(thing) / "model.json").is_file():
        said = explained(task_of(Path(thing)).kind.load(Path(thing)).model_)
        graph = next(iter(said.layers.values())).graph
    else:
        recipe, cell = recipe_and_cell(thing)
        said = explained(cell)
        graph = said.graph
    if picture is not None:
        write_file(picture, svg_of(graph))
        print(f"the picture of {graph.name} is written to {picture}", file=sys.stderr)
    if json:
        print_json({"recipe": recipe, **said.to_dict()} if recipe else said.to_dict())
    else:
        print("\n\n".join(filter(None, [recipe.rstrip(), said])))
    return 0

"""The command `elman text`."""

from __future__ import annotations

from pathlib import Path

from elman.console import JSON, print_folded, print_json
from elman.errors import InputError

__all__ = ["text"]


def text(sentence: str, /, *, run: Path | None = None, language: str = "en", json: JSON = False) -> int:
    """Show a text after every stage of the text chain.

    Parameters
    ----------
    sentence
        Any text.
    run
        A RUN, to see the chain that it was trained with; by default all stages there are.
    language
        For the stages that depend on it.
    """
    from elman.tasks.find import task_of
    from elman.tasks.packaged import tagger_for
    from elman.text.languages import code
    from elman.text.show import show, shown

    code(language)  # says which there are
    chain = None
    if run is not None:
        task = task_of(run)
        chain = task.chain(task.kind.load(run))
        if chain is None:
            raise InputError(
                "this RUN has no text chain: it reads texts as they are, or tokens, or numbers", where=str(run)
            )
    tagger = None if chain is not None else tagger_for(language)
    if json:
        print_json(shown(sentence, chain, tagger, language))
    else:
        print_folded(show(sentence, chain, tagger, language))
    return 0

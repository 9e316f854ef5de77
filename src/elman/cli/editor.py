"""A line editor that completes as one types: suggestions under the cursor, of which Tab takes one."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.key_binding.bindings.named_commands import get_by_name

if TYPE_CHECKING:
    from elman.tasks.contract import Complete

__all__ = ["Suggestions", "edit"]

_LEAST = 0.005  # a smaller share would be shown as none
_SHOWN = 16  # suggestions at once, as prompt_toolkit shows them; Down moves on to the others
# prompt_toolkit proposes where something is typed, not where it is taken away
_TAKE_AWAY = {"backspace": "backward-delete-char", "delete": "delete-char", "c-w": "unix-word-rubout"}


class Suggestions(Completer):
    """What is proposed at the cursor.

    Attributes:
        before: the lines that were typed already, each with its end.
    """

    def __init__(self, complete: Complete, number: int) -> None:
        self._complete, self._number, self.before = complete, number, ""

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        for one in self._complete(self.before + document.text_before_cursor, self._number):
            share = f"{one.probability:.0%}" if one.probability >= _LEAST else "<1%"
            yield Completion(one.insert, display=one.word, display_meta=share)


def edit(complete: Complete, number: int, **terminal: Any) -> str:
    """Edit line after line until Ctrl-D or Ctrl-C.

    Args:
        complete: of a text, the likeliest words at its end.
        number: words that are proposed.
        terminal: `input` and `output` of prompt_toolkit; by default the terminal's.

    Returns:
        all lines.
    """
    proposed = Suggestions(complete, number)
    session: PromptSession[str] = PromptSession(
        completer=proposed, complete_while_typing=True, key_bindings=_keys(proposed), **terminal
    )
    while True:
        try:
            # a terminal with fewer lines than are reserved shows nothing at all
            room = min(number, _SHOWN, session.output.get_size().rows - 1) + 1
            proposed.before += session.prompt("> ", reserve_space_for_menu=room) + "\n"
        except (EOFError, KeyboardInterrupt):
            return proposed.before


def _keys(proposed: Suggestions) -> KeyBindings:
    """Tab takes the suggestion that is chosen, or else the first; what is deleted is followed by suggestions, too."""
    keys = KeyBindings()
    for key, name in _TAKE_AWAY.items():

        @keys.add(key)
        def delete(event: KeyPressEvent, name: str = name) -> None:
            get_by_name(name).handler(event)
            if event.current_buffer.text:
                event.current_buffer.start_completion(select_first=False)

    @keys.add("tab")
    def take(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        state = buffer.complete_state
        if state is not None and state.current_completion is not None:  # it stands in the text already
            buffer.complete_state = None
            return
        found = state.completions if state is not None else []
        found = found or list(proposed.get_completions(buffer.document, CompleteEvent()))
        if found:
            buffer.complete_state = None
            buffer.insert_text(found[0].text)

    return keys

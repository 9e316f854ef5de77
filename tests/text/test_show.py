"""What `elman text` prints: every stage there is, and the room stays light until one is used."""

from __future__ import annotations

import io
import json
import subprocess
import sys

from rich.console import Console

from elman.text import STAGES, Chain
from elman.text.show import show, shown, shown_stages, shown_words

TEXT = "I didn't <b>LOVE</b> the cafÃ©s, e.g. http://foo.com :-) but 2 mice were soooo nice [red]"


def printed(*args: object, **options: object) -> str:
    out = io.StringIO()
    Console(file=out, width=200).print(show(*args, **options))  # type: ignore[arg-type]
    return out.getvalue()


def test_every_stage_is_shown() -> None:
    shown = {label.split()[0] for label, _ in shown_stages(TEXT)} | set(shown_words(TEXT))
    kinds = {name: stage.kind for name, stage in STAGES.items()}
    assert {n for n, k in kinds.items() if k == "text"} - shown == {"spaces"}  # nothing of its own to see
    assert {"words", "characters", "snowball", "porter", "lancaster", "lemma", "stop, short", "stop, long"} <= shown


def test_stages_build_on_one_another() -> None:
    seen = dict(shown_stages(TEXT))
    assert seen["unicode"] == TEXT.replace("Ã©", "é")
    assert seen["punctuation"] == (
        "i did not love the cafes for example <url> smile but <number> mice were sooo nice red"
    )
    assert "the cafés" in seen["word 2-grams"]
    assert "mic" in seen["character 3-grams"]


def test_word_by_word() -> None:
    columns = shown_words("The mice don't", tagger=lambda words: [w.upper() for w in words])
    assert columns == {
        "word": ["The", "mice", "do", "n't"],
        "part of speech": ["THE", "MICE", "DO", "N'T"],
        "stop, short": ["", "mice", "", "n't"],
        "stop, long": ["", "mice", "", "n't"],
        "snowball": ["the", "mice", "do", "n't"],
        "porter": ["the", "mice", "do", "n't"],
        "lancaster": ["the", "mic", "do", "n't"],
        "lemma": ["the", "mouse", "do", "not"],
    }


def test_a_language_leaves_out_what_has_nothing_for_it() -> None:
    assert list(shown_words("Die Häuser", language="de")) == ["word", "stop, short", "stop, long", "snowball", "lemma"]
    assert dict(shown_stages("z.B. so", language="de"))["abbreviations"] == "zum Beispiel so"
    assert "contractions" not in dict(shown_stages("我", language="zh"))
    assert list(shown_words("我", language="zh")) == ["word", "stop, long"]


def test_the_page_prints_text_as_it_is() -> None:
    page = printed(TEXT)
    assert "[red]" in page  # no markup of the terminal's
    assert "word by word" in page
    assert "part of speech" not in page
    assert printed("", tagger=lambda words: [])


def test_the_same_as_json() -> None:
    page = json.loads(json.dumps(shown(TEXT, tagger=lambda words: ["X"] * len(words))))
    assert [(s["stage"], s["value"]) for s in page["stages"]] == shown_stages(TEXT)
    assert page["words"]["part of speech"] == ["X"] * len(page["words"]["word"])
    assert list(shown(TEXT, Chain(["lower"]))) == ["stages"]


def test_a_chain_shows_its_own_stages() -> None:
    chain = Chain(["lower", {"name": "subwords", "size": 20}]).fit(["aa ab"])
    assert shown_stages("AA", chain) == chain.trace("AA")
    page = printed("AA ab", chain)
    assert "subwords size=20" in page
    assert "word by word" not in page


def test_importing_the_room_loads_none_of_its_libraries() -> None:
    heavy = (
        "{'torch', 'nltk', 'sklearn', 'ftfy', 'tokenizers', 'simplemma', 'stopwordsiso', 'snowballstemmer', 'numpy'}"
    )
    code = f"import sys, elman.text, elman.text.ngrams, elman.text.show; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"

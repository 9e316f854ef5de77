"""The chain: order, options, fitted state, saving. Each stage's own behaviour is tested beside it."""

from __future__ import annotations

import copy
import json
import pickle
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.errors import InputError
from elman.text import STAGES, Chain

TEXTS = ["The cat sat on the mat.", "A dog ate the cats!", "Dogs sat, and the cat ate.", "the mat was red"] * 5


def shout(words: list[str]) -> list[str]:
    """A tagger one can work out by hand: NOUN for words with a capital, else X."""
    return ["NOUN" if w[:1].isupper() else "X" for w in words]


def everything(name: str) -> Chain:
    """The stage alone, fitted, after the split that it needs."""
    return Chain([name], tagger=shout).fit(TEXTS)


def test_a_chain_runs_its_stages_in_order() -> None:
    assert Chain(["lower", "words", {"name": "stem", "algorithm": "porter"}])("Dogs RUNNING!") == ["dog", "run", "!"]
    # the other way round the stop word is no longer one: "doing" is, "do" too, "be" from "being" is, but "ani" is not
    assert Chain(["lower", "stop_words", {"name": "stem", "algorithm": "porter"}])("any dog") == ["dog"]
    assert Chain(["lower", {"name": "stem", "algorithm": "porter"}, "stop_words"])("any dog") == ["ani", "dog"]


def test_words_split_where_no_stage_is_named() -> None:
    chain = Chain(["unicode", "lower", {"name": "stem", "algorithm": "porter"}, "lower"])
    assert [s["name"] for s in chain.stages] == ["unicode", "lower", "words", "stem", "lower"]
    assert [s["name"] for s in Chain().stages] == ["words"]


def test_text_stages_behind_the_split_work_word_by_word() -> None:
    assert Chain(["words", "contractions", "lower"])("I Can't") == ["i", "can", "not"]
    assert Chain(["words", "punctuation"])("so , it works .") == ["so", "it", "works"]


def test_characters_keep_their_blanks_through_word_stages() -> None:
    chain = Chain([{"name": "characters", "blanks": True}, "lower"])
    assert chain("A b") == ["a", " ", "b"]
    assert chain.join(chain("A b")) == "a b"


def test_a_list_of_words_is_not_split_again() -> None:
    assert Chain(["lower", "words"])(["New York", "U.S.", "Well-Made"]) == ["new", "york", "u.s.", "well-made"]
    assert Chain(["lower", "characters"])(["Ab", "c"]) == ["a", "b", "c"]
    assert Chain([{"name": "words", "style": "treebank"}])(["can't"]) == ["can't"]


@pytest.mark.parametrize(
    ("stages", "message"),
    [
        (["lowr"], "unknown text stage 'lowr'; did you mean 'lower'?"),
        (
            [{"name": "stem", "algorthm": "porter"}],
            "stage 'stem': unknown option 'algorthm'; did you mean 'algorithm'?",
        ),
        ([{"name": "stem", "algorithm": "portr"}], "stage 'stem': unknown algorithm 'portr'; did you mean 'porter'?"),
        ([{"name": "stem", "algorithm": "porter", "language": "de"}], "the porter stemmer is for English, not german"),
        ([{"name": "stem", "language": "germn"}], "unknown language 'germn'; did you mean 'german'?"),
        ([{"name": "lemma", "language": "zh"}], "unknown language of the lemma lists 'zh'"),
        ([{"name": "stop_words", "language": "zh"}], 'no short stop-word list for chinese; use size = "long"'),
        ([{"name": "stop_words", "keep": "not"}], "option keep = 'not': expected a list, got text"),
        ([{"name": "sparse", "count": "2"}], "option count = '2': expected a whole number, got text"),
        ([{"name": "contractions", "language": "ja"}], "unknown language of the abbreviation tables 'ja'"),
        ([{"name": "contractions", "extra": {"a*b*": "c"}}], "'a*b*' = 'c' is not an entry"),
        ([{"name": "contractions", "extra": {"a": 1}}], "option extra = {'a': 1}: expected text, got a whole number"),
        (["stem", "words"], "stage 'stem' works on words, but stands before 'words'"),
        (["words", "characters"], "'words' and 'characters' both split the text; keep one of them"),
        (["tags"], "the stage 'tags' needs a part-of-speech tagger"),
        ([3], "3 is not a text stage"),
        ([{"algorithm": "porter"}], "is not a text stage"),
        ("lower", "stages = 'lower' is not a list"),
    ],
)
def test_a_wrong_recipe_gets_one_line_that_helps(stages: list[object], message: str) -> None:
    with pytest.raises(InputError) as error:
        Chain(stages, where="my.toml")  # type: ignore[arg-type]
    assert message in str(error.value)
    assert str(error.value).startswith("my.toml")
    assert "\n" not in str(error.value)


def test_an_unfitted_stage_says_so() -> None:
    chain = Chain(["sparse"])
    assert not chain.fitted
    with pytest.raises(InputError, match="'sparse' has learned nothing yet"):
        chain("a word")
    assert chain.fit(TEXTS).fitted


def test_fit_learns_from_what_the_stages_before_make() -> None:
    # "The" and "the" are one word only once lowered; "dogs" and "dog" only once stemmed
    after = Chain(["lower", {"name": "stem", "algorithm": "porter"}, {"name": "sparse", "count": 2}])
    assert after.fit(["A dog", "Dogs bark"])("the dog and dogs") == ["dog", "dog"]
    before = Chain([{"name": "sparse", "count": 2}, "lower", {"name": "stem", "algorithm": "porter"}])
    assert before.fit(["A dog", "Dogs bark"])("the dog and dogs") == []


def test_fit_reads_no_texts_where_nothing_learns() -> None:
    def never():  # type: ignore[no-untyped-def]
        raise AssertionError("read")
        yield

    assert Chain(["lower"]).fit(never()).fitted


def test_refitting_forgets_the_words_remembered() -> None:
    chain = Chain(["sparse"]).fit(["a a", "b b"])
    assert chain("a b c") == ["a", "b"]
    assert chain.fit(["c c"])("a b c") == ["c"]


@pytest.mark.parametrize("name", STAGES)
@pytest.mark.parametrize("again", ["json", "pickle", "copy"])
def test_a_saved_chain_equals_the_one_saved(name: str, again: str) -> None:
    chain = everything(name)
    if again == "json":
        back = Chain.from_dict(json.loads(json.dumps(chain.to_dict())), tagger=shout)
    else:
        back = pickle.loads(pickle.dumps(chain)) if again == "pickle" else copy.deepcopy(chain)
    assert back == chain
    assert back.fitted
    for text in [*TEXTS[:4], "an unseen Zebra, don't you think? 日本 😀 1,234"]:
        assert back.tagged(text) == chain.tagged(text)


def test_chains_differ_where_state_or_options_differ() -> None:
    assert Chain(["sparse"]).fit(["a a"]) != Chain(["sparse"]).fit(["b b"])
    assert Chain(["lower"]) != Chain(["lower", "accents"])
    assert Chain(["lower"]) == Chain([{"name": "lower"}, "words"])


@pytest.mark.parametrize("name", STAGES)
@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet=st.characters(), max_size=60))
def test_every_stage_is_pure_and_total(name: str, text: str) -> None:
    """Any string at all, half surrogates included: the same tokens twice, every one a non-empty string."""
    chain = _fitted(name)
    first = chain(text)
    assert all(isinstance(token, str) and token for token in first)
    assert Chain.from_dict(chain.to_dict(), tagger=shout)(text) == first  # nothing remembered plays a part
    assert chain(text) == first


_made: dict[str, Chain] = {}


def _fitted(name: str) -> Chain:
    return _made.setdefault(name, everything(name))


def test_trace_shows_every_stage_and_ends_with_the_tokens() -> None:
    chain = Chain(["unicode", "lower", "tags", {"name": "stem", "algorithm": "porter"}], tagger=shout)
    seen = chain.trace("The Dogs")
    assert seen[0] == ("input", "The Dogs")
    assert seen[1:] == [
        ("unicode", "The Dogs"),
        ("lower", "the dogs"),
        ("words", ["the", "dogs"]),
        ("tags", ["the/X", "dogs/X"]),
        ("stem algorithm=porter", ["the/X", "dog/X"]),
    ]
    assert [w for w, _ in chain.tagged("The Dogs")] == chain("The Dogs")


# -- what is worked out once for each piece of text, against the stages over whole texts

PIECES = [
    "don't", "I’M", "gonna", "dont", "(can't)", "n't", "'tis", "e.g.", "et", "al.", "Mr.", "U.S.", "a,", "A.",
    "x@y.com", "http://a.de/b?", "www.", "1,234.5", "2nd", "sooo", "!!!", ":)", "<url>", "ΣΑΣ", "ſ", "K", "é",
    "e\u0301", "\u0301", "中の", "😀\u200d", "“q”", "&amp;", "ﬁ", "\n", "\t", "\x1c", "\xa0", "", " ",
    ".", "-", "'", "b",
]  # fmt: skip
LINES_OF_PIECES = st.lists(st.sampled_from(PIECES), max_size=8).flatmap(
    lambda pieces: st.sampled_from([" ", "", "\n", "  "]).map(lambda between: between.join(pieces))
)
CHAINS = [
    ["unicode", "contractions", "lower", "words"],
    ["urls", "contractions", "abbreviations", "numbers", {"name": "repeats", "most": 1}, "lower", "words", "stem"],
    [{"name": "urls", "to": "remove"}, {"name": "numbers", "to": "remove"}, "whitespace", "stop_words"],
    [{"name": "contractions", "extra": {"et al": "and others", "so*": "* so"}}, "words"],
    ["lower", "words", "tags", "contractions"],
    [{"name": "numbers", "to": "digits"}, {"name": "words", "style": "treebank"}, "punctuation"],
]


def slowly(chain: Chain, text: str) -> list[str]:
    """The stages one after the other, each over all that the one before it has left, nothing remembered."""
    value: str | list[str] = text
    for stage in chain.stages:
        function = partial(STAGES[stage["name"]].function, **{k: v for k, v in stage.items() if k != "name"})
        if STAGES[stage["name"]].kind == "tags":
            continue
        if isinstance(value, str):
            value = function(value)
        else:
            value = [piece for token in value for piece in function(token).split()]
    return list(value)


@pytest.mark.parametrize("stages", CHAINS)
@settings(deadline=None, max_examples=150)
@given(text=st.one_of(LINES_OF_PIECES, st.text(max_size=12)))
def test_a_text_piece_by_piece_is_the_whole_text(stages: list[Any], text: str) -> None:
    chain = Chain(stages, tagger=shout)
    assert chain(text) == slowly(chain, text)
    assert [token for token, _ in chain.tagged(text)] == chain(text)


def test_pieces_are_remembered_but_not_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("elman.text.chain._MEMORY", 3)
    chain = Chain(["contractions", "lower"])
    for text in ("A b C d can't", "x y z", "can't b"):
        assert chain(text) == slowly(chain, text)
    assert len(chain._known) == 3


def test_stages_that_look_across_blanks_see_the_whole_text() -> None:
    """`et al.` is short for something, as a whole alone."""
    chain = Chain(["abbreviations", "words"])
    assert chain("Smith et al. found") == slowly(chain, "Smith et al. found") == ["Smith", "and", "others", "found"]


def test_each_gives_what_a_call_gives() -> None:
    chain = Chain(["lower", "words", {"name": "tags", "use": "join", "keep": ["X"]}], tagger=shout)
    assert list(chain.each(TEXTS[:3])) == [chain(text) for text in TEXTS[:3]]
    assert list(Chain().each(iter(TEXTS[:3]))) == [Chain()(text) for text in TEXTS[:3]]

"""Parts of speech as a stage: beside, joined, instead; kept through the stages that follow."""

from __future__ import annotations

import pytest

from elman.errors import InputError
from elman.text import Chain

LEXICON = {"dogs": "NOUN", "cats": "NOUN", "chase": "VERB", "do": "AUX", "n't": "PART", "don't": "AUX"}


def lexicon(words: list[str]) -> list[str]:
    return [LEXICON.get(w.lower(), "X") for w in words]


def test_tags_stay_beside_their_words_through_what_follows() -> None:
    stages = ["tags", "lower", "contractions", {"name": "stop_words", "extra": ["chase"], "keep": ["do"]}, "stem"]
    chain = Chain(stages, tagger=lexicon)
    # chase goes and takes its tag along; don't becomes two words of its tag, of which "not" is a stop word
    assert chain.tagged("Dogs don't chase Cats !") == [("dog", "NOUN"), ("do", "AUX"), ("cat", "NOUN"), ("!", "X")]
    assert chain("Dogs don't chase Cats !") == ["dog", "do", "cat", "!"]


def test_joined_replaced_and_filtered() -> None:
    def run(**options: object) -> list[str]:
        return Chain([{"name": "tags", **options}], tagger=lexicon)("Dogs chase cats")

    assert run(use="join") == ["Dogs_NOUN", "chase_VERB", "cats_NOUN"]
    assert run(use="replace") == ["NOUN", "VERB", "NOUN"]
    assert run(keep=["NOUN"]) == ["Dogs", "cats"]
    assert run(keep=["VERB"], use="join") == ["chase_VERB"]


def test_without_the_stage_the_tags_are_empty() -> None:
    assert Chain(["lower"]).tagged("A dog") == [("a", ""), ("dog", "")]


def test_the_tagger_sees_the_sentence_as_it_stands_there() -> None:
    seen: list[list[str]] = []

    def note(words: list[str]) -> list[str]:
        seen.append(words)
        return ["X"] * len(words)

    chain = Chain([{"name": "words", "style": "treebank"}, "tags", "lower"], tagger=note)
    chain("Don't stop")
    chain(["Given", "words"])
    chain("")
    assert seen == [["Do", "n't", "stop"], ["Given", "words"]]


def test_a_tagger_that_loses_a_word_is_told() -> None:
    with pytest.raises(InputError, match="1 tags for 2 words"):
        Chain(["tags"], tagger=lambda words: ["X"])("two words")


def test_a_saved_chain_is_handed_its_tagger_again() -> None:
    chain = Chain(["tags", "lower"], tagger=lexicon)
    with pytest.raises(InputError, match="needs a part-of-speech tagger"):
        Chain.from_dict(chain.to_dict())
    assert Chain.from_dict(chain.to_dict(), tagger=lexicon).tagged("Dogs") == [("dogs", "NOUN")]


class Many:
    """`lexicon` that also takes many sentences at once, and notes how it was asked."""

    def __init__(self) -> None:
        self.one, self.many_of = 0, []

    def __call__(self, words: list[str]) -> list[str]:
        self.one += 1
        return lexicon(words)

    def many(self, sentences: list[list[str]]) -> list[list[str]]:
        self.many_of.append(len(sentences))
        return [lexicon(words) for words in sentences]


@pytest.mark.parametrize("stages", [["tags", "lower"], ["lower", {"name": "tags", "use": "join"}, "stop_words"]])
def test_many_texts_reach_the_tagger_at_once_and_come_out_as_one_by_one(stages: list) -> None:
    texts = ["Dogs chase cats", "", "The cats", ["Dogs", "sleep"], "Dogs chase cats"]
    tagger = Many()
    assert Chain(stages, tagger=tagger).tagged_all(texts) == [Chain(stages, tagger=lexicon).tagged(t) for t in texts]
    assert (tagger.one, tagger.many_of) == (0, [len(texts)])


def test_what_a_stage_learns_behind_the_tags_is_the_same_either_way() -> None:
    stages = [{"name": "tags", "use": "join"}, {"name": "sparse", "count": 2}]
    texts = ["Dogs chase cats", "cats chase cats", "Dogs sleep"]
    assert Chain(stages, tagger=Many()).fit(texts).to_dict() == Chain(stages, tagger=lexicon).fit(texts).to_dict()

"""Stemmers and lemmas against what their authors printed."""

from __future__ import annotations

import pytest

from elman.errors import InputError
from elman.text.stem import lemma, lemma_languages, snowball_languages, stem
from elman.text.stopwords import list_stop_words

# Porter 1980: the opening example, the two long ones of the closing section, and of the examples beside the rules
# those that no later step changes further
PORTER = """
    connect connect  connected connect  connecting connect  connection connect  connections connect
    generalizations gener  oscillators oscil
    caresses caress  ponies poni  ties ti  caress caress  cats cat
    feed feed  plastered plaster  bled bled  motoring motor  sing sing
    hopping hop  tanned tan  falling fall  hissing hiss  fizzed fizz  failing fail  filing file
    happy happi  sky sky
    revival reviv  allowance allow  inference infer  airliner airlin  gyroscopic gyroscop  adjustable adjust
    defensible defens  irritant irrit  replacement replac  adjustment adjust  dependent depend  adoption adopt
    communism commun  activate activ  homologous homolog  effective effect  bowdlerize bowdler
    probate probat  rate rate  cease ceas  controlling control  roll roll
"""
# Paice 1990: the conditions on what may remain, with the words he gives for them; then the stemmer's usual examples
LANCASTER = """
    owed ow  owing ow  ear ear  saying say  crying cry  string string  meant meant
    cement cem  maximum maxim  presumably presum  multiply multiply  provision provid
"""
# snowballstem.org: the sample beside each algorithm
SNOWBALL = {
    "en": "consign consign  consigned consign  consigning consign  consignment consign  consistency consist "
    "consolation consol  consolatory consolatori  knackeries knackeri  knavish knavish  knightly knight  knobs knob",
    "de": "aufeinander aufeinand  aufeinanderfolgenden aufeinanderfolg  kategorie kategori  kategorischen kategor",
    "fr": "continuellement continuel  continuer continu  continuité continu  majestueusement majestu",
    "es": "cheques chequ  chicos chic  torpedeado torped  toreros torer",
    "it": "abbandonata abbandon  abbandonerò abbandon  propensione propension",
    "ru": "важная важн  важного важн  падали пада  пакетик пакетик",
    "sv": "jaktkarlarne jaktkarl  klostergården klostergård",
}


def pairs(listed: str) -> list[tuple[str, str]]:
    words = listed.split()
    return list(zip(words[::2], words[1::2]))


def test_porter_as_printed() -> None:
    assert [(w, stem(w, algorithm="porter")) for w, _ in pairs(PORTER)] == pairs(PORTER)


def test_lancaster_as_printed() -> None:
    assert [(w, stem(w, algorithm="lancaster")) for w, _ in pairs(LANCASTER)] == pairs(LANCASTER)


@pytest.mark.parametrize("language", SNOWBALL)
def test_snowball_as_printed(language: str) -> None:
    listed = pairs(SNOWBALL[language])
    assert [(w, stem(w, language=language)) for w, _ in listed] == listed


def test_porter_equals_an_implementation_of_other_hands() -> None:
    """nltk's against the one the Snowball project generates, except where Porter amended his paper himself.

    His amendments: words of one and two letters stay, `-bli` becomes `-ble`, `-logi` becomes `-log`.
    """
    from snowballstemmer import stemmer

    words = list_stop_words("short") | list_stop_words("long") | list_stop_words("sklearn")
    words = {w for w in words if w.isascii() and w.isalpha() and len(w) > 2}
    words |= {f"{w}{ending}" for w in sorted(words)[:300] for ending in ("s", "ing", "ness", "ational")}
    words = {w for w in words if not w.endswith(("bly", "bli", "logy", "logi"))}
    other = stemmer("porter")
    assert len(words) > 1500
    assert {w: stem(w, algorithm="porter") for w in words} == {w: other.stemWord(w) for w in words}
    assert [stem(w, algorithm="porter") for w in ("is", "possibly", "analogy")] == ["is", "possibl", "analog"]


@pytest.mark.parametrize("language", snowball_languages())
def test_every_language_stems(language: str) -> None:
    """Some stop word of the language, or a word with a common ending of it, loses letters; none is left empty."""
    import stopwordsiso

    words = sorted(stopwordsiso.stopwords(language)) if stopwordsiso.has_lang(language) else []
    words += ["համարների", "பாடங்கள்", "गरेको", "שרייבנדיק", "домовима"]  # Armenian, Tamil, Nepali, Yiddish, Serbian
    stems = [stem(w, language=language) for w in words]
    assert all(stems)
    assert any(len(s) < len(w) for s, w in zip(stems, words))


def test_names_and_codes_of_languages_are_one() -> None:
    assert stem("Häuser", language="German") == stem("Häuser", language="de") == "haus"


@pytest.mark.parametrize("algorithm", ["porter", "snowball", "lancaster"])
def test_signs_numbers_and_placeholders_stay(algorithm: str) -> None:
    for token in ["<url>", "!!!", "1,000", "😀", ":)", "s", "is"]:
        assert stem(token, algorithm=algorithm) == token  # type: ignore[arg-type]


def test_lemmas() -> None:
    words = {"mice": "mouse", "were": "be", "better": "good", "children": "child", "<url>": "<url>", "!!": "!!"}
    assert {w: lemma(w) for w in words} == words
    assert lemma("Häuser", language="de") == "Haus"
    assert lemma("husene", language="no") == "hus"
    assert {"en", "de", "no", "ru", "hr"} <= set(lemma_languages())


def test_a_language_without_rules_is_refused() -> None:
    with pytest.raises(InputError, match="Snowball stemmers 'zh'"):
        stem("字", language="zh")

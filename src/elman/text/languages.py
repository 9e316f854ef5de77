"""Languages by their ISO 639 code or English name: `en`, `English` and `english` are one."""

from __future__ import annotations

from elman.errors import unknown

__all__ = ["code", "codes", "name"]

_NAMES = {
    "af": "afrikaans", "ar": "arabic", "ast": "asturian", "bg": "bulgarian", "bn": "bengali", "br": "breton",
    "bs": "bosnian", "ca": "catalan", "cs": "czech", "cy": "welsh", "da": "danish", "de": "german", "el": "greek",
    "en": "english", "enm": "middle english", "eo": "esperanto", "es": "spanish", "et": "estonian", "eu": "basque",
    "fa": "persian", "fi": "finnish", "fr": "french", "ga": "irish", "gd": "scottish gaelic", "gl": "galician",
    "grc": "ancient greek", "gu": "gujarati", "gv": "manx", "ha": "hausa", "he": "hebrew", "hi": "hindi",
    "hr": "croatian", "hu": "hungarian", "hy": "armenian", "id": "indonesian", "is": "icelandic", "it": "italian",
    "ja": "japanese", "ka": "georgian", "ko": "korean", "ku": "kurdish", "la": "latin", "lb": "luxembourgish",
    "lt": "lithuanian", "lv": "latvian", "mk": "macedonian", "ml": "malayalam", "mr": "marathi", "ms": "malay",
    "ne": "nepali", "nl": "dutch", "nn": "nynorsk", "no": "norwegian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "se": "northern sami", "sk": "slovak", "sl": "slovene", "so": "somali",
    "sq": "albanian", "sr": "serbian", "st": "sesotho", "sv": "swedish", "sw": "swahili", "ta": "tamil",
    "th": "thai", "tl": "tagalog", "tr": "turkish", "uk": "ukrainian", "ur": "urdu", "vi": "vietnamese",
    "yi": "yiddish", "yo": "yoruba", "zh": "chinese", "zu": "zulu",
}  # fmt: skip
_CODES = {english: iso for iso, english in _NAMES.items()} | {"nb": "no", "bokmål": "no"}


def code(language: str) -> str:
    """The ISO code: `code("English") == code("en") == "en"`.

    Raises:
        InputError: no language that any stage knows.
    """
    plain = language.strip().lower()
    if plain in _NAMES:
        return plain
    if plain in _CODES:
        return _CODES[plain]
    raise unknown("language", language, [*_NAMES, *_CODES])


def codes() -> list[str]:
    """All codes."""
    return list(_NAMES)


def name(language: str) -> str:
    """The English name, in lower case: `name("de") == "german"`."""
    return _NAMES[code(language)]

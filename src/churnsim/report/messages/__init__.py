"""The report's sentences, one TOML file a language, filled from stored results; and, for languages other than English,
the texts that runs store (`<language>-stored.toml`)."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from string import Formatter
from typing import Any

from churnsim.errors import ConfigError

__all__ = ["ANSWERS", "LANGUAGES", "Words"]

ANSWERS = ("HOLDS", "HOLDS_IF", "FAILS", "UNDECIDED", "NOT_RUN")
"""The answers to a claim, in the order in which they are told."""
LANGUAGES = ("en", "zh")
"""Of which there are sentences: English, and Chinese in traditional characters."""
# A number with its sign and its thousands; that of a name such as x2 belongs to it.
_NUMBER = re.compile(r"(?<![A-Za-z_])[+\-−]?\d+(?:,\d+)*(?:\.\d+)?(?:e[+-]?\d+)?%?")
# Not after an initial, such as "J. Marketing", and not within a citation.
_SENTENCES = re.compile(r"(?<=[.!?])(?<!\b[A-Z][.])(?<!et al[.])\s+")
_PLACES = re.compile(r"\{(\w+)\}")
_HAN = re.compile(r"[\u3000-\u9fff\uff00-\uffef]")
# Between Chinese and Latin letters or figures stands a space.
_SPACED = re.compile(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])")
_MARK = re.compile(r"#|\{(\d+)\}")


class Words:
    """The sentences of one language, by dotted key.

    Raises ConfigError for a language that has no file.
    """

    def __init__(self, language: str = "en") -> None:
        if language not in LANGUAGES:
            known = " or ".join(map(repr, LANGUAGES))
            raise ConfigError(f"no report in the language {language!r}. Use {known}.")
        self._entries = _read(f"{language}.toml")
        self._stored = None if language == "en" else _stored_texts(language)

    def __call__(self, key: str, **values: str) -> str:
        """The sentence `key` with its placeholders filled; values are text, already formatted.

        Raises KeyError for an unknown key or an unfilled placeholder: both are mistakes in this package.
        """
        filled = Formatter().vformat(self._find(key), (), values)
        return filled if self._stored is None else _SPACED.sub(" ", filled)

    def known(self, key: str, fallback: str, **values: str) -> str:
        """The entry `key` if there is one that these values fill, else `fallback`: for names that come from data."""
        try:
            return self(key, **values)
        except KeyError:
            return fallback

    def told(self, text: str) -> str:
        """A text that a run stores in English, in this language where that is known, else as it is; of several
        sentences each by itself."""
        return text if self._stored is None or not text else self._stored(text)

    def joined(self, *sentences: str) -> str:
        """Whole sentences as one paragraph; what is empty is left out."""
        return self("page.sentence_separator").join(filter(None, sentences))

    def _find(self, key: str) -> str:
        entry: Any = self._entries
        for part in key.split("."):
            if not isinstance(entry, dict) or part not in entry:
                raise KeyError(key)
            entry = entry[part]
        if not isinstance(entry, str):
            raise KeyError(key)
        return entry


@cache
def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files(__name__).joinpath(name).read_text(encoding="utf-8"))


@cache
def _stored_texts(language: str) -> Callable[[str], str]:
    page = _read(f"{language}.toml")["page"]
    joint, names = page["sentence_separator"], page["name_separator"]
    return StoredTexts(_read(f"{language}-stored.toml")["texts"], joint=joint, names=names)


class StoredTexts:
    """Translations of the texts that runs store, by the English text.

    In it `#` stands for a number and `{name}` for anything else; in the translation `#` is the next of the numbers,
    `{1}` the first of them, and `{name}` what stood there, translated where that is known.
    """

    def __init__(self, texts: Mapping[str, str], *, joint: str, names: str) -> None:
        self._plain = {text: told for text, told in texts.items() if not _PLACES.search(text)}
        # Where the text begins and ends as it must, which is seen sooner than whether the pattern fits.
        placed = {text: (_PLACES.split(text)[0], _PLACES.split(text)[-1]) for text in texts if text not in self._plain}
        self._patterns = [(*ends, _pattern(text), texts[text]) for text, ends in placed.items()]
        self._joint, self._names = joint, names

    def __call__(self, text: str) -> str:
        if "#" in text or "{" in text:  # marks of this file's own
            return text
        whole = self._one(text.strip()) or self._headed(text)
        if whole is not None:
            return whole
        sentences = _SENTENCES.split(text.strip())
        told = [self._one(sentence) or self._headed(sentence) for sentence in sentences]
        if len(told) < 2 or not any(told):
            return text
        found = ""
        for english, sentence in zip(sentences, told, strict=True):
            said = english if sentence is None else sentence
            found += (self._joint if found[-1:] in "。；" or _HAN.match(said) else " ") + said if found else said
        return found

    def _list(self, text: str) -> str:
        """A text, or several known ones in a list."""
        told = self(text)
        parts = [self._one(part) for part in text.split(", ")]
        return self._names.join(map(str, parts)) if told == text and all(parts) else told

    def _headed(self, text: str) -> str | None:
        """A text of which each part is known: "what: what of it"."""
        head, mark, rest = text.partition(": ")
        about, told = self._one(head), self._one(rest) if mark else None
        return None if about is None or told is None else f"{about}：{told}"

    def _one(self, text: str) -> str | None:
        numbers = _NUMBER.findall(text)
        shape = _NUMBER.sub("#", text)
        # A sentence may begin with a capital where the text stands in the middle of one, and end without a full stop.
        for tried in dict.fromkeys((shape, shape[:1].lower() + shape[1:], shape[:1].upper() + shape[1:])):
            if tried in self._plain:
                return _filled(self._plain[tried], numbers, {})
        for start, end, pattern, told in self._patterns:
            if shape.startswith(start) and shape.endswith(end) and (found := pattern.fullmatch(shape)):
                return self._of_pattern(told, found, numbers)
        return None

    def _of_pattern(self, told: str, found: re.Match[str], numbers: list[str]) -> str:
        """The numbers within what a placeholder holds go with it; the others belong to the sentence."""
        own, held, at = list[str](), dict[str, str](), 0
        spans = sorted((found.span(name), name) for name in found.groupdict())
        for (start, end), name in spans:
            before = found.string[at:start].count("#")
            own, numbers = own + numbers[:before], numbers[before:]
            inside = found.string[start:end].count("#")
            text, numbers = _filled(found[name], numbers[:inside], {}), numbers[inside:]
            held[name], at = self._list(text), end
        return _SPACED.sub(" ", _filled(told, own + numbers, held))


def _pattern(text: str) -> re.Pattern[str]:
    # What a placeholder holds does not reach beyond a sentence.
    held = "(?P<{}>(?:(?!(?<!et al)(?<!\\b[A-Z])[.] ).)+?)"
    parts = _PLACES.split(text)
    return re.compile("".join(held.format(part) if n % 2 else re.escape(part) for n, part in enumerate(parts)))


def _filled(text: str, numbers: list[str], held: Mapping[str, str]) -> str:
    """`#` by the numbers in their order, `{1}` by the first of them, `{name}` by what is held."""
    rest = iter(numbers)
    filled = _MARK.sub(lambda mark: next(rest, "#") if mark[0] == "#" else numbers[int(mark[1]) - 1], text)
    return _PLACES.sub(lambda place: held.get(place[1], place[0]), filled)

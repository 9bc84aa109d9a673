"""Texts compared word by word: the word error rate with the Whisper normaliser. Definitions: docs/metrics.md."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

WORD = re.compile(r"[a-z']+")
SENTENCE = re.compile(r"(?<=[.!?])\s+")


@dataclass(frozen=True)
class Word:
    """A word as a recogniser timed it, in seconds. Without an `end_s` it lasts no time."""

    text: str
    start_s: float
    end_s: float | None

    def __post_init__(self) -> None:
        if self.stop_s < self.start_s:
            raise ValueError(f'word "{self.text}" from {self.start_s} to {self.end_s} s; it must not end before it starts')

    @property
    def stop_s(self) -> float:
        return self.start_s if self.end_s is None else self.end_s


def words(text: str) -> list[str]:
    """Lower case, no punctuation."""
    return WORD.findall(text.lower())


@cache
def normaliser() -> Callable[[str], str]:
    """Whisper's for English (arXiv:2212.04356, appendix C). ValueError where the package is missing."""
    try:
        from whisper_normalizer.english import EnglishTextNormalizer
    except ImportError:
        raise ValueError("whisper-normalizer is missing; pip install -e '.[eval]'") from None
    return EnglishTextNormalizer()


def normalised(text: str) -> str:
    """Lower case, no punctuation, brackets or fillers, contractions written out, numbers as digits, American spelling."""
    return normaliser()(text)


def normalised_words(text: str) -> list[str]:
    """Of one sentence after the other: a number that ends one and a number that begins the next are two."""
    return [word for sentence in SENTENCE.split(text) for word in normalised(sentence).split()]


@dataclass(frozen=True)
class WordEdits:
    """What turns a reference of so many `words` into what was said."""

    substitutions: int
    deletions: int
    insertions: int
    words: int

    @property
    def errors(self) -> int:
        return self.substitutions + self.deletions + self.insertions


def word_edits(reference: str, hypothesis: str) -> WordEdits:
    """The fewest edits, both texts normalised. Against an empty reference every word is an insertion, and `words` is 0."""
    try:
        from jiwer import process_words
    except ImportError:
        raise ValueError("jiwer is missing; pip install -e '.[eval]'") from None
    found = process_words(normalised(reference), normalised(hypothesis))
    return WordEdits(found.substitutions, found.deletions, found.insertions, found.hits + found.substitutions + found.deletions)


def word_errors(reference: str, hypothesis: str) -> tuple[int, int]:
    """(errors, words of the reference). A rate is the sum of the first over the sum of the second, `statistics.ratio`."""
    edits = word_edits(reference, hypothesis)
    return edits.errors, edits.words

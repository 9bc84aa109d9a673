"""Are the answers right, in text (S2T) and as they sound (S2S)? Definitions: docs/metrics.md."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from parley.data.voices import RATE, assistant_speech
from parley.eval.metrics.words import normalised_words, word_errors, words
from parley.eval.recognisers import POCKETSPHINX, recogniser

NEIGHBOUR = re.compile(r"(?:after|before) .* comes |comes (?:after|before) .*")  # of a sequence: this part is the question's


def correct(text: str, keywords: Iterable[str]) -> bool:
    """All keywords are among the words of the answer, as often, both normalised, which makes one word of a number. A letter counts as the
    last word alone: elsewhere it is an article or a pronoun."""
    *others, last = NEIGHBOUR.sub("", " ".join(normalised_words(text)), count=1).split() or [""]
    said = Counter([last, *(word for word in others if len(word) > 1 or word.isdigit())])
    return Counter(normalised_words(" ".join(keywords))) <= said


@cache
def reference_heard(text: str, source: str, world: str, vocabulary: Path | None) -> str:
    """What is heard when the assistant's reference voice says `text`."""
    return recogniser(source, world, vocabulary).hear(assistant_speech(text), RATE)


@cache
def reference_errors(text: str, source: str, vocabulary: Path | None) -> int:
    """Word errors of the open recogniser when the reference voice says `text`."""
    return word_errors(text, recogniser(source, None, vocabulary).hear(assistant_speech(text), RATE))[0]


@dataclass(frozen=True)
class Spoken:
    """An answer as it sounds. The reference voice says what the model meant to say, so it is asked only where that is right."""

    heard: str  # by the recogniser of the world's answers
    correct: bool  # the keywords were heard
    reference_correct: bool | None  # ... in the reference voice; None where the text was wrong already
    errors: int | None = None  # word errors of the open recogniser against the model's own text; None: not asked
    reference_errors: int | None = None
    words: int | None = None


def spoken(
    text: str,
    keywords: Iterable[str],
    speech: np.ndarray,
    rate: int,
    openly: bool,
    world: str,
    source: str = POCKETSPHINX,
    vocabulary: Path | None = None,
) -> Spoken:
    """`text` is what the model says that it says, `speech` (samples,) at `rate` what was heard; `openly`: count word errors too;
    `world`: whose answers are expected; `source`, `vocabulary`: of the recogniser."""
    heard = recogniser(source, world, vocabulary).hear(speech, rate)
    reference = correct(reference_heard(text, source, world, vocabulary), keywords) if correct(text, keywords) else None
    if not (openly and words(text)):
        return Spoken(heard, correct(heard, keywords), reference)
    errors, count = word_errors(text, recogniser(source, None, vocabulary).hear(speech, rate))
    return Spoken(heard, correct(heard, keywords), reference, errors, reference_errors(text, source, vocabulary), count)

"""What is heard in what the model played to an item: its words, stretch by stretch."""

from collections.abc import Sequence

import numpy as np

from parley.eval.inputs.item import Item
from parley.eval.metrics.full_duplex_bench import ASSISTANT_BRIDGE_S
from parley.eval.metrics.interaction import merged, stretches
from parley.eval.metrics.words import Word
from parley.eval.recognisers import TimedRecogniser
from parley.eval.rollout import Trace


def played(item: Item, trace: Trace) -> np.ndarray:
    """(samples,) at the output rate, as long as the recording: a row lasts for whole blocks."""
    return trace.assistant[: len(item.environment()) * trace.clock.output_rate // item.rate]


def heard_words(ears: TimedRecogniser, pcm: np.ndarray, rate: int, from_s: float = 0.0) -> list[Word]:
    """The words in `pcm` after `from_s`, at their times in `pcm`. What sounds before that is not listened to.

    Every stretch of sound is heard by itself: in a silence before a word recognisers begin that word, or hear another.
    """
    first, heard = round(from_s * rate), []
    for start, end in merged(stretches(pcm[first:], rate), round(ASSISTANT_BRIDGE_S * rate)):
        at_s = (first + start) / rate
        heard += [shifted(word, at_s) for word in ears.hear_words(pcm[first + start : first + end], rate)]
    return heard


def shifted(word: Word, by_s: float) -> Word:
    return Word(word.text, word.start_s + by_s, None if word.end_s is None else word.end_s + by_s)


def sentence(words: Sequence[Word]) -> str:
    return " ".join(word.text for word in words)

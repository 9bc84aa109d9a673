"""What is heard in what the model played to an item: its words, and where there is speech at all."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch

from parley.eval.baselines import CONTEXT, MEMORY, VAD_RATE, WINDOW, Detector, silero
from parley.eval.inputs.item import Item
from parley.eval.metrics.full_duplex_bench import ASSISTANT_BRIDGE_S, voiced
from parley.eval.metrics.interaction import Stretch, merged, stretches
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


def with_silences(words: Sequence[Word]) -> str:
    """"..." where a stretch is over and another one begins."""
    silent = (word.start_s - before.stop_s > ASSISTANT_BRIDGE_S for before, word in zip(words, words[1:]))
    return " ".join(f"... {word.text}" if late else word.text for word, late in zip(words, [False, *silent]))


@cache
def detector() -> Detector:
    """Once a process. ValueError where silero-vad is missing."""
    return silero()


def speech_in(pcm: np.ndarray) -> list[Stretch]:
    """Where silero-vad finds speech in `pcm` (samples,) at VAD_RATE."""
    padded = torch.from_numpy(np.pad(pcm, (CONTEXT, -len(pcm) % WINDOW)))
    memory, probabilities = torch.zeros(1, *MEMORY), []
    for window in padded.unfold(0, CONTEXT + WINDOW, WINDOW):
        probability, memory = detector()(window[None], memory)
        probabilities.append(float(probability))
    return voiced(probabilities, WINDOW, VAD_RATE, len(pcm))

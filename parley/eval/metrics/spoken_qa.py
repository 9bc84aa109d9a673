"""Are the answers right, in text (S2T) and as they sound (S2S)? Definitions: docs/metrics.md."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import soxr

from parley.data.scripts import facts
from parley.data.voices import RATE, assistant_speech

WORD = re.compile(r"[a-z']+")


def words(text: str) -> list[str]:
    """Lower case, no punctuation."""
    return WORD.findall(text.lower())


def correct(text: str, keywords: Iterable[str]) -> bool:
    """All keywords are among the words of the answer."""
    return set(keywords) <= set(words(text))


class Recogniser:
    """pocketsphinx with its own English model. With `sentences` it hears one of them or nothing, else what its language model allows.

    Every utterance is normalised by its own cepstral mean, so that what is heard does not depend on what came before.
    """

    def __init__(self, sentences: Sequence[str] = ()) -> None:
        try:
            from pocketsphinx import Config, Decoder
        except ImportError:
            raise ValueError("pocketsphinx is missing; pip install 'parley[eval]'") from None
        config = Config(loglevel="FATAL", cmn="batch")
        if sentences:
            config["lm"] = None
        self._decoder = Decoder(config)
        self.unknown: frozenset[str] = frozenset()  # words that its dictionary does not have
        if sentences:
            said = sorted({" ".join(words(sentence)) for sentence in sentences})
            self.unknown = frozenset(word for sentence in said for word in sentence.split() if self._decoder.lookup_word(word) is None)
            known = [sentence.split() for sentence in said if self.unknown.isdisjoint(sentence.split())]
            self._decoder.add_jsgf_string("world", f"#JSGF V1.0;\ngrammar world;\npublic <answer> = {grammar(known)} ;\n")
            self._decoder.activate_search("world")

    def hear(self, pcm: np.ndarray, rate: int) -> str:
        """The words in `pcm` (samples,), float32 in [-1, 1]; "" where none were made out."""
        if not len(pcm):
            return ""
        if rate != RATE:
            pcm = soxr.resample(pcm, rate, RATE)
        silence = np.zeros(RATE // 5, dtype=np.float32)  # the model expects quiet around an utterance
        samples = np.concatenate([silence, pcm, silence])
        self._decoder.start_utt()
        self._decoder.process_raw((samples * 32767).clip(-32768, 32767).astype("<i2").tobytes(), no_search=False, full_utt=True)
        self._decoder.end_utt()
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""


def word_errors(said: str, heard: str) -> int:
    """Substitutions, deletions and insertions between two texts: the edit distance in words."""
    reference, hypothesis = words(said), words(heard)
    row = list(range(len(hypothesis) + 1))
    for i, word in enumerate(reference):
        above, row = row, [i + 1]
        for j, other in enumerate(hypothesis):
            row.append(min(above[j] + (word != other), above[j + 1] + 1, row[j] + 1))
    return row[-1]


def grammar(sentences: Sequence[Sequence[str]]) -> str:
    """A JSGF expression for exactly these sentences, as a tree of their common beginnings: several times faster to search than a list."""
    following: dict[str, list[Sequence[str]]] = {}
    for sentence in sentences:
        if sentence:
            following.setdefault(sentence[0], []).append(sentence[1:])
    branches = [f"{word} {grammar(rest)}".strip() for word, rest in following.items()]
    if not branches:
        return ""
    tree = " | ".join(branches)
    return f"[ {tree} ]" if any(not sentence for sentence in sentences) else f"( {tree} )"


@cache
def world_recogniser() -> Recogniser:
    """Hears the answers of the world."""
    return Recogniser(sorted({fact.answer for fact in facts()}))


@cache
def open_recogniser() -> Recogniser:
    """Hears any English that its language model allows."""
    return Recogniser()


@cache
def reference_heard(text: str) -> str:
    """What is heard when the assistant's reference voice says `text`."""
    return world_recogniser().hear(assistant_speech(text), RATE)


@cache
def reference_errors(text: str) -> int:
    """Word errors of the open recogniser when the reference voice says `text`."""
    return word_errors(text, open_recogniser().hear(assistant_speech(text), RATE))


@dataclass(frozen=True)
class Spoken:
    """An answer as it sounds. The reference voice says what the model meant to say, so it is asked only where that is right."""

    heard: str  # by the recogniser of the world's answers
    correct: bool  # the keywords were heard
    reference_correct: bool | None  # ... in the reference voice; None where the text was wrong already
    errors: int | None = None  # word errors of the open recogniser against the model's own text; None: not asked
    reference_errors: int | None = None
    words: int | None = None


def spoken(text: str, keywords: Iterable[str], speech: np.ndarray, rate: int, openly: bool) -> Spoken:
    """`text` is what the model says that it says, `speech` (samples,) at `rate` what was heard; `openly`: count word errors too."""
    heard = world_recogniser().hear(speech, rate)
    reference = correct(reference_heard(text), keywords) if correct(text, keywords) else None
    if not (openly and words(text)):
        return Spoken(heard, correct(heard, keywords), reference)
    errors = word_errors(text, open_recogniser().hear(speech, rate))
    return Spoken(heard, correct(heard, keywords), reference, errors, reference_errors(text), len(words(text)))

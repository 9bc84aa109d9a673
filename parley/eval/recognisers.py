"""What an utterance sounds like, in words: pocketsphinx with the model in its wheel, or the user's own Whisper.

Speech comes as `pcm` (samples,), float32 in [-1, 1], at `rate` samples a second. The same samples give the same words.
"""

from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import soxr
import torch
from safetensors import SafetensorError
from transformers import AutomaticSpeechRecognitionPipeline, pipeline

from parley.data.world.world import facts
from parley.eval.metrics.words import Word, words

POCKETSPHINX = "pocketsphinx"
RATE = 16000  # samples a second of what every recogniser here was trained on
QUIET_S = 0.2  # pocketsphinx expects quiet around an utterance
FRAMES = 100  # a second, of pocketsphinx
WINDOW_S = 30.0  # what a Whisper hears at once; it needs its time tokens to go on after that


class Recogniser(Protocol):
    def hear(self, pcm: np.ndarray, rate: int) -> str:
        """The words; "" where none were made out."""
        ...


class TimedRecogniser(Recogniser, Protocol):
    def hear_words(self, pcm: np.ndarray, rate: int) -> list[Word]:
        """The words in order, within the recording."""
        ...


def at_rate(pcm: np.ndarray, rate: int) -> np.ndarray:
    return pcm if rate == RATE else soxr.resample(pcm, rate, RATE)


def within(text: str, start_s: float, end_s: float, length_s: float) -> Word:
    start_s = min(max(start_s, 0.0), length_s)
    return Word(text, start_s, min(max(end_s, start_s), length_s))


class Pocketsphinx:
    """pocketsphinx with its own English model. It hears one of `sentences` or nothing; else any of `vocabulary` in any order; else,
    with neither, what its language model allows.

    Every utterance is normalised by its own cepstral mean, so that what is heard does not depend on what came before.
    """

    def __init__(self, sentences: Sequence[str] = (), vocabulary: Sequence[str] = ()) -> None:
        try:
            from pocketsphinx import Config, Decoder
        except ImportError:
            raise ValueError("pocketsphinx is missing; pip install -e '.[eval]'") from None
        if sentences and vocabulary:
            raise ValueError(f"{len(sentences)} sentences and a vocabulary of {len(vocabulary)}: give one of the two")
        config = Config(loglevel="FATAL", cmn="batch")
        given = sentences or vocabulary
        if given:
            config["lm"] = None
        self._decoder = Decoder(config)
        self.unknown: frozenset[str] = frozenset()  # words that its dictionary does not have
        if given:
            said = sorted({" ".join(words(sentence)) for sentence in given})
            self.unknown = frozenset(word for sentence in said for word in sentence.split() if self._decoder.lookup_word(word) is None)
            known = [sentence.split() for sentence in said if self.unknown.isdisjoint(sentence.split())]
            if not any(known):
                raise ValueError(f"pocketsphinx's dictionary has none of what it is to hear, {said[0]!r} first; it is English only")
            repeated = "" if sentences else "+"
            self._decoder.add_jsgf_string("given", f"#JSGF V1.0;\ngrammar given;\npublic <answer> = {grammar(known)}{repeated} ;\n")
            self._decoder.activate_search("given")

    def hear(self, pcm: np.ndarray, rate: int) -> str:
        if not len(pcm):
            return ""
        self._search(pcm, rate)
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""

    def hear_words(self, pcm: np.ndarray, rate: int) -> list[Word]:
        """To 10 ms."""
        if not self.hear(pcm, rate):
            return []
        heard = []
        for part in self._decoder.seg():
            text = part.word.partition("(")[0]  # what(2): the second way to say it
            if text and text[0] not in "<[":  # <sil>, [NOISE]
                start_s, end_s = part.start_frame / FRAMES, (part.end_frame + 1) / FRAMES
                heard.append(within(text, start_s - QUIET_S, end_s - QUIET_S, len(pcm) / rate))
        return heard

    def _search(self, pcm: np.ndarray, rate: int) -> None:
        silence = np.zeros(round(QUIET_S * RATE), dtype=np.float32)
        samples = np.concatenate([silence, at_rate(pcm, rate), silence])
        self._decoder.start_utt()
        self._decoder.process_raw((samples * 32767).clip(-32768, 32767).astype("<i2").tobytes(), no_search=False, full_utt=True)
        self._decoder.end_utt()


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


class Whisper:
    """A Whisper of transformers, from a local directory or a hub id, loaded when it first hears; it decodes greedily.

    `language`: what a multilingual one is told that it hears. ValueError: there is no Whisper in `source`.
    """

    def __init__(self, source: str | Path, language: str = "en") -> None:
        self.source, self.language = str(source), language

    def hear(self, pcm: np.ndarray, rate: int) -> str:
        return self._transcribe(pcm, rate, len(pcm) > WINDOW_S * rate)["text"].strip() if len(pcm) else ""

    def hear_words(self, pcm: np.ndarray, rate: int) -> list[Word]:
        """By the paths through its cross-attention, to 20 ms. The words may differ from those of `hear`, which writes no times."""
        if not len(pcm):
            return []
        length_s = len(pcm) / rate
        heard = []
        for part in self._transcribe(pcm, rate, "word")["chunks"]:
            start_s, end_s = part["timestamp"]
            if text := part["text"].strip():
                heard.append(within(text, start_s, length_s if end_s is None else end_s, length_s))
        return heard

    def _transcribe(self, pcm: np.ndarray, rate: int, timestamps: bool | str) -> dict[str, Any]:
        multilingual = self._pipeline.model.generation_config.to_dict().get("is_multilingual", False)
        told = {"language": self.language, "task": "transcribe"} if multilingual else {}
        heard = self._pipeline(at_rate(pcm, rate), return_timestamps=timestamps, generate_kwargs={"num_beams": 1, **told})
        assert isinstance(heard, dict), type(heard)
        return heard

    @cached_property
    def _pipeline(self) -> AutomaticSpeechRecognitionPipeline:
        try:
            loaded = pipeline("automatic-speech-recognition", model=self.source, device="cpu", dtype=torch.float32)
        except (OSError, ValueError, SafetensorError) as error:
            missing = "no Whisper in it" if Path(self.source).is_dir() else "no such directory, and no Whisper of this name on the hub"
            raise ValueError(f"{self.source}: {missing} ({str(error).splitlines()[0]})") from None
        if loaded.model.config.model_type != "whisper":
            raise ValueError(f"{self.source}: a {loaded.model.config.model_type} model; give the directory or hub id of a Whisper")
        tokenizer, start = loaded.tokenizer, loaded.model.generation_config.decoder_start_token_id
        if tokenizer is None or tokenizer.convert_tokens_to_ids("<|startoftranscript|>") != start:
            raise ValueError(f"{self.source}: its tokenizer is missing or of another model; give the directory as transformers saved it")
        return loaded


@cache
def world_recogniser(world: str) -> Pocketsphinx:
    """Hears the answers of the world."""
    return Pocketsphinx(sorted({fact.answer for fact in facts(world)}))


@cache
def vocabulary_in(file: Path) -> tuple[str, ...]:
    """Its lines that are not empty, each a word or a sentence. ValueError where there is none."""
    try:
        said = tuple(line.strip() for line in file.read_text().splitlines() if line.strip())
    except (OSError, ValueError) as error:
        raise ValueError(f"{file}: cannot be read ({error}); give a text file with a word or a sentence a line") from error
    if not said:
        raise ValueError(f"{file}: is empty; give a text file with a word or a sentence a line")
    return said


@cache
def vocabulary_recogniser(file: Path) -> Pocketsphinx:
    """Hears the words and sentences in `file`, in any order."""
    return Pocketsphinx(vocabulary=vocabulary_in(file))


@cache
def open_recogniser() -> Pocketsphinx:
    """Hears any English that its language model allows."""
    return Pocketsphinx()


@cache
def whisper(source: str) -> Whisper:
    return Whisper(source)


def recogniser(source: str, world: str | None = None, vocabulary: Path | None = None) -> TimedRecogniser:
    """By name: "pocketsphinx", which hears only what is in the file `vocabulary`, else only the answers of the `world`, where one is given;
    else the Whisper in a directory or of a hub id. Each is loaded once a process."""
    if source != POCKETSPHINX and vocabulary:
        raise ValueError(f"--vocabulary is for pocketsphinx, the recogniser is {source}; leave one of the two out")
    if source != POCKETSPHINX:
        return whisper(source)
    if vocabulary:
        return vocabulary_recogniser(vocabulary)
    return world_recogniser(world) if world else open_recogniser()

"""One user: samples of any number in, whole blocks out, what was really played and what was really said.

Time is counted in blocks and samples. The step at the end of block t has heard block t; what it makes is played during block t+1.
"""

from dataclasses import dataclass, field, replace
from enum import StrEnum

import numpy as np
import soxr
from scipy.signal import oaconvolve

from parley.clock import Clock
from parley.dialogue import YIELD_S
from parley.llm.tokens import legible, over, whole
from parley.runtime.engine import BlockEvent

AUDIBLE = 0.01  # of full scale: below it (-40 dB) a sample counts as silence
LOUD = 0.01  # root mean square of a block in which somebody speaks
PAUSE_BLOCKS = 6  # so long without sound ends a stretch of it
SPOKEN_CHARACTERS_PER_S = 17.0  # how fast the shipped voice speaks; only used to estimate how much of an answer was heard
SILENT_S, LEFT_S = 0.1, 0.5  # a silence longer than a closure inside a word is the end, where by this estimate so little is left to say
COMPLETE = 0.75  # audio shorter than this share of what its text should last is not the whole answer
CUT_BLOCKS = 3  # given up within so many blocks of audible speech: interrupted; a natural end waits longer (LayoutConfig.linger)


def at_rate(block: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """One block (samples,) at another rate; a block is whole at both, so its length is exact."""
    return block if rate == wanted else soxr.resample(block, rate, wanted)


@dataclass
class Answer:
    """One speaking turn of the model. `shift`: the block at whose end it decided to speak; `back`: to be silent; -1 = not (yet)."""

    shift: int
    text: str = ""
    onset: int = -1  # the first audible sample, in output samples since the session began
    end: int = -1  # one past the last audible sample
    back: int = -1
    interrupted: bool = False

    def spoken(self, output_rate: int) -> str:
        """What was heard of the text: all of it after a natural end, else the words that fit into the audio played (an estimate)."""
        if self.back >= 0 and not self.interrupted:
            return self.text.strip()
        return words_in(self.text, (self.end - self.onset) / output_rate)

    def until(self, now: int) -> "Answer":
        """The same with no sound from output sample `now` on, at which the session ended."""
        return replace(self, onset=-1, end=-1) if self.onset >= now else replace(self, end=min(self.end, now))

    def spoken_by(self, now: int, output_rate: int, growing: bool) -> str:
        """What was heard of the text before output sample `now`, while the model speaks. `growing`: there is more text to come."""
        if self.onset < 0:
            return ""
        known = self.text.rpartition(" ")[0] if growing else self.text  # without the last word, which may not be over
        seconds = (min(now, self.end) - self.onset) / output_rate
        left_s = len(known) / SPOKEN_CHARACTERS_PER_S - seconds
        silent = now - self.end > SILENT_S * output_rate and not growing
        return " ".join(known.split()) if silent and left_s < LEFT_S else words_in(known, seconds)


def words_in(text: str, seconds: float) -> str:
    """The words of a text that are spoken in so many seconds (an estimate)."""
    words = text.split()
    while words and len(" ".join(words)) > seconds * SPOKEN_CHARACTERS_PER_S:
        words.pop()
    return " ".join(words)


class State(StrEnum):
    """What the model is doing, as its user sees it."""

    LISTENING = "listening"
    THINKING = "thinking"  # it has decided to speak, and nothing is heard yet
    SPEAKING = "speaking"


@dataclass(frozen=True)
class Moment:
    """One block as the session lived it: what was heard, what was played meanwhile, what was decided at its end."""

    block: int
    environment: np.ndarray  # (samples_in,) echo included
    played: np.ndarray  # (samples_out,) what the step before made
    token: str  # `<think>`, `<shift>` or the word piece
    text: str  # the word piece; "" for special tokens
    speaking: bool  # the mode after the token
    compute_s: float
    playing: np.ndarray  # (samples_out,) what this step made: it is played during the next block
    state: State  # at the end of the next block
    words: str  # what has newly been said when `playing` has been played, after what was told before; " " stands before a word
    turned: bool  # it began or ended to speak
    interrupted: bool  # it ended because it yielded, or was told to

    @property
    def loud(self) -> bool:
        """Somebody spoke in the environment."""
        return float(np.sqrt(np.mean(np.square(self.environment)))) > LOUD


@dataclass
class Stretch:
    """The stretch of sound that was heard last in the environment, in blocks."""

    began: int = 0
    ended: int = -PAUSE_BLOCKS  # one past its last block so far; below 0: nothing was heard yet

    def note(self, moment: Moment) -> None:
        if moment.loud:
            if self.over(moment.block):
                self.began = moment.block
            self.ended = moment.block + 1

    def over(self, block: int) -> bool:
        return block - self.ended >= PAUSE_BLOCKS

    def lately(self, block: int, block_ms: int) -> bool:
        """It goes on, or began so recently that it may be what the model yields to."""
        return not self.over(block) or 0 < self.ended and (block - self.began) * block_ms <= 1000 * YIELD_S


@dataclass
class Session:
    """`hear` any number of samples; while `ready`, `take` a block for the engine and `accept` its event."""

    clock: Clock
    echo: float = 0.0  # the factor at which the model hears its own played audio ...
    path: np.ndarray | None = None  # ... and by what response (samples,), at the input rate, it gets there; None: at once and as it is
    answers: list[Answer] = field(default_factory=list)
    blocks: int = 0  # accepted so far

    def __post_init__(self) -> None:
        self._heard = np.zeros(0, dtype=np.float32)  # not yet a whole block
        self._playing = np.zeros(self.clock.samples_out, dtype=np.float32)  # what is played during the block being heard
        self._block = np.zeros(self.clock.samples_in, dtype=np.float32)
        self._sounded = np.zeros(0 if self.path is None else len(self.path) - 1, dtype=np.float32)  # what of the past is still on its way
        self._speaking = False
        self._text_open = False  # speaking, and the word pieces are not over
        self._said = ""  # the answer's word pieces, with the bytes of a character that is not over
        self._told = 0  # characters of the answer's words that were heard

    def hear(self, pcm: np.ndarray) -> None:
        """Samples (any number,) from the microphone at the input rate."""
        self._heard = np.concatenate([self._heard, pcm.astype(np.float32, copy=False)])

    @property
    def ready(self) -> bool:
        """A whole block has been heard."""
        return len(self._heard) >= self.clock.samples_in

    @property
    def speaking(self) -> bool:
        """The mode after the last token."""
        return self._speaking

    @property
    def playing(self) -> np.ndarray:
        """(samples_out,) the audio to be played during the block that is being heard now."""
        return self._playing

    def take(self) -> np.ndarray:
        """The next block (samples_in,) of the environment: the microphone, and the echo of what was played during it."""
        assert self.ready, len(self._heard)
        self._block, self._heard = self._heard[: self.clock.samples_in], self._heard[self.clock.samples_in :]
        if self.echo:
            self._block = self._block + self.echo * self._arriving()
        return self._block

    def _arriving(self) -> np.ndarray:
        """(samples_in,) of the loudspeaker's sound, as it reaches the microphone during this block."""
        sound = at_rate(self._playing, self.clock.output_rate, self.clock.input_rate)
        if self.path is None:
            return sound
        sounded = np.concatenate([self._sounded, sound])
        self._sounded = sounded[len(sound) :]
        return oaconvolve(sounded, self.path, mode="valid").astype(np.float32)

    def accept(self, event: BlockEvent) -> Moment:
        """The model's answer to the block taken last; its audio is what plays next."""
        turned = event.speaking != self._speaking
        unfinished = self._text_open
        if turned and event.speaking:
            self.answers.append(Answer(self.blocks))
            self._said, self._told = "", 0
        if turned:
            self._text_open = event.speaking
        elif self._speaking:
            self._text_open &= event.text != ""
        if event.speaking:
            self._said = whole(self._said + event.text)
        if event.speaking or turned:
            self.answers[-1].text = over(self._said) if self._text_open else legible(self._said)
        self._follow_speech(event.assistant)
        if turned and not event.speaking:
            self._finish(self.answers[-1], unfinished)
        moment = Moment(
            block=self.blocks,
            environment=self._block,
            played=self._playing,
            token=legible(event.text) or ("<shift>" if turned else "<think>"),
            text=legible(event.text),
            speaking=event.speaking,
            compute_s=event.compute_s,
            playing=event.assistant,
            state=self._state(event.speaking),
            words=self._new_words(event.speaking) if event.speaking or turned else "",
            turned=turned,
            interrupted=turned and not event.speaking and self.answers[-1].interrupted,
        )
        self._speaking, self._playing = event.speaking, event.assistant
        self.blocks += 1
        return moment

    def _state(self, speaking: bool) -> State:
        if not speaking:
            return State.LISTENING
        return State.THINKING if self.answers[-1].onset < 0 else State.SPEAKING

    def _new_words(self, speaking: bool) -> str:
        """The words that are over when the block to be played is, without those told before."""
        answer, rate = self.answers[-1], self.clock.output_rate
        until = (self.blocks + 2) * self.clock.samples_out
        heard = answer.spoken_by(until, rate, self._text_open) if speaking else " ".join(answer.spoken(rate).split())
        new, self._told = heard[self._told :], max(self._told, len(heard))
        return new if not new or new.startswith(" ") else " " + new

    def _follow_speech(self, assistant: np.ndarray) -> None:
        """Notes the audible part of what will be played during the next block."""
        audible = np.flatnonzero(np.abs(assistant) > AUDIBLE)
        if len(audible) and self.answers:
            answer, start = self.answers[-1], (self.blocks + 1) * self.clock.samples_out
            if answer.onset < 0:
                answer.onset = start + int(audible[0])
            answer.end = start + int(audible[-1]) + 1

    def _finish(self, answer: Answer, unfinished: bool) -> None:
        """An answer is cut off if its words were not over, or its audio was still playing, or was too short for its words."""
        answer.back = self.blocks
        now = (self.blocks + 1) * self.clock.samples_out  # the end of the block that is over
        playing = now - answer.end < CUT_BLOCKS * self.clock.samples_out
        seconds = (answer.end - answer.onset) / self.clock.output_rate
        too_short = seconds * SPOKEN_CHARACTERS_PER_S < COMPLETE * len(answer.text)
        answer.interrupted = unfinished or answer.onset < 0 or playing or too_short

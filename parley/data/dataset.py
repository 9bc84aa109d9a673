"""A manifest of dialogues -> training batches. Batch `step` is a pure function of (seed, step), so a run resumes at any step."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import cast

import numpy as np
from lhotse import MonoCut
from scipy.fft import irfft, next_fast_len, rfft

from parley.clock import Clock
from parley.data import manifest
from parley.data.channel.channel import delayed, noise
from parley.data.channel.room import ROOMS, in_room, one_room
from parley.data.shards.cuts import crowded, too_long
from parley.dialogue import Dialogue, Kind, Segment, Speaker
from parley.llm.batch import Batch, Heard, Row, collate
from parley.llm.layout import Layout, LayoutConfig, lay_out
from parley.llm.tokens import Tokens

ENDED_MS = 400  # so long the end of what was said is news
HEARD = {Kind.INTERRUPTION: Heard.INTERRUPTION, Kind.BACKCHANNEL: Heard.BACKCHANNEL, Kind.CHAT: Heard.CHAT}
BANDS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)  # of the equaliser, as parts of half the sample rate


class Part(StrEnum):
    """How much of a dialogue is trained on. The last two begin `lead_in` blocks before the first speech."""

    WHOLE = "whole"
    ANSWER = "answer"  # to the end of the first answer's words, without the assistant stream (stage 1)
    HEARD = "heard"  # to `lead_out` blocks after the last that is heard of people, the assistant only as an echo (the encoder)


@dataclass(frozen=True)
class DatasetConfig:
    """`seconds`: recording time a batch, padding included; a dialogue that is longer is a batch of its own."""

    seconds: float = 96.0
    part: Part = Part.WHOLE
    lead_in: int = 4
    lead_out: int = 5
    gain_db: tuple[float, float] = (-12.0, 6.0)
    room_share: float = 0.0  # of the dialogues: people are heard through a room
    noise_share: float = 0.0  # ... and more noise is added
    snr_db: tuple[float, float] = (0.0, 30.0)  # of that noise under the speech
    tint_db: float = 4.0  # standard deviation of a random smooth equaliser: rooms, microphones and voice engines differ in colour
    echo: tuple[float, float] = (0.0, 1.0)  # the echo factor of a dialogue is drawn from this range ...
    echo_share: float = 0.6  # ... for this share of the dialogues, and is 0 for the others
    echo_delay_ms: tuple[float, float] = (0.0, 0.0)
    echo_room: float = 0.0  # share of the echoes that come through a room
    moved: tuple[int, int] = (0, 0)  # the first answer comes so many blocks after its time, drawn ...
    moved_share: float = 0.0  # ... for this share of the dialogues: a model that decides early or late still answers right
    seed: int = 0


class DialogueDataset:
    """Dialogues of similar length share a batch; every dialogue is seen once an epoch."""

    def __init__(
        self,
        cuts: list[MonoCut],
        clock: Clock,
        tokens: Tokens,
        layout: LayoutConfig,
        config: DatasetConfig,
        spoken: dict[str, list[int]] | None = None,
    ):
        if not cuts:
            raise ValueError("the manifest holds no dialogue; build one with `parley data build`")
        self.cuts, self.clock, self.tokens, self.layout, self.config, self.spoken = cuts, clock, tokens, layout, config, spoken
        self.parts = [self.part_of(cut) for cut in cuts]
        self.blocks = np.array([part.stop - part.start for part in self.parts])
        for cut, blocks in zip(cuts, self.blocks):
            if problem := too_long(clock.seconds(int(blocks))):
                raise ValueError(f"{cut.id}: {problem}; `parley data check` names all of them")
        self.batches = self.cut(np.argsort(self.blocks, kind="stable"))

    def part_of(self, cut: MonoCut) -> slice:
        """The blocks of a dialogue that are trained on."""
        manifest.check_rate(cut, self.clock.input_rate)
        blocks, segments = self.clock.blocks(cast(int, cut.num_samples)), manifest.segments(cut)
        if problem := next(crowded(segments, self.clock, self.layout), ""):
            raise ValueError(f"{cut.id}: {problem}; `parley data check` names all of them")
        people = [segment for segment in segments if segment.speaker != Speaker.AGENT]
        if self.config.part == Part.WHOLE or not segments or self.config.part == Part.HEARD and not people:
            return slice(0, blocks)
        start = max(0, min(segment.start for segment in segments) // self.clock.samples_in - self.config.lead_in)
        if self.config.part == Part.HEARD:
            last = max(segment.end for segment in people)
            return slice(start, min(blocks, self.clock.blocks(last) + self.config.lead_out))
        answers = [segment for segment in segments if segment.speaker == Speaker.AGENT]
        if answers:
            shift = answers[0].start // self.clock.samples_in - self.layout.lead - 1
            latest = max(0, self.config.moved[1])
            start = min(start, shift)
            blocks = min(blocks, shift + len(self.tokens.encode(answers[0].text)) + 3 + latest)
        return slice(start, blocks)

    def cut(self, order: np.ndarray) -> list[np.ndarray]:
        """Cut numbers by rising length, cut where the padded batch would exceed the configured time."""
        limit = int(self.config.seconds * 1000 / self.clock.block_ms)
        batches, start = [], 0
        for end in range(1, len(order) + 1):
            if end == len(order) or (end + 1 - start) * self.blocks[order[end]] > limit:
                batches.append(order[start:end])
                start = end
        return batches

    def order(self, epoch: int) -> np.ndarray:
        """Which of `batches`, which stand by length, comes at each step of an epoch."""
        return np.random.default_rng((self.config.seed, epoch)).permutation(len(self.batches))

    def batch(self, step: int) -> Batch:
        epoch, index = divmod(step, len(self.batches))
        rng = np.random.default_rng((self.config.seed, 1, step))
        rows = [self.row(number, rng) for number in self.batches[self.order(epoch)[index]]]
        return collate(rows, self.clock.samples_in, silent=self.config.part != Part.WHOLE, spoken=self.spoken)

    def row(self, number: int, rng: np.random.Generator) -> Row:
        """One dialogue as a microphone hears it, whose gain and colour are those of people and echo alike: so much louder than people
        that nothing is understood the echo never is."""
        dialogue = manifest.to_dialogue(self.cuts[number])
        layout = self.laid_out(dialogue)
        if self.config.moved_share and rng.random() < self.config.moved_share:
            late = int(rng.integers(self.config.moved[0], self.config.moved[1] + 1))
            dialogue, layout = self.moved(dialogue, layout, late)
        row = cropped(dialogue, layout, self.parts[number], self.tokens, self.clock)
        heard = self.worsened(row.environment, rng)
        share, factor = rng.uniform(), np.float32(rng.uniform(*self.config.echo))
        echoes = share < self.config.echo_share and self.config.part != Part.ANSWER
        echo = factor * self.echoed(row.assistant, rng) if echoes else None
        curve = rng.normal(0.0, self.config.tint_db, len(BANDS)) + rng.uniform(*self.config.gain_db)
        heard = tinted(heard if echo is None else heard + echo, curve)
        return replace(row, environment=heard, echo=None if echo is None else tinted(echo, curve))

    def laid_out(self, dialogue: Dialogue) -> Layout:
        return lay_out(dialogue, self.clock, self.tokens, self.layout)

    def moved(self, dialogue: Dialogue, layout: Layout, late: int) -> tuple[Dialogue, Layout]:
        """The first answer `late` blocks after its time, and learned as ever. When to begin is not, but for this: who has let the time go
        by still begins. Unchanged where the answer would be in the way of what else is said."""
        if not layout.turns or layout.turns[0].interrupted or not late:
            return dialogue, layout
        turn, move = layout.turns[0], late * self.clock.samples_in
        answer = turn.segment
        begins, over = answer.start + min(0, move), answer.end + max(0, move) + (self.layout.linger + 1) * self.clock.samples_in
        next_shift = over + (self.layout.lead + 1) * self.clock.samples_in
        others = [segment for segment in dialogue.segments if segment != answer]
        meets = any(s.start < (next_shift if s.speaker == Speaker.AGENT else over) and s.end > begins for s in others)
        if turn.shift + late < 0 or over > len(dialogue.assistant) or meets:
            return dialogue, layout
        assistant = dialogue.assistant.copy()
        assistant[answer.start : answer.end] = 0.0
        assistant[answer.start + move : answer.end + move] = dialogue.assistant[answer.start : answer.end]
        there = replace(answer, start=answer.start + move, end=answer.end + move)
        segments = tuple(sorted([*others, there], key=lambda segment: segment.start))
        dialogue = replace(dialogue, assistant=assistant, segments=segments)
        layout = self.laid_out(dialogue)
        undecided = range(turn.shift, turn.shift + late) if late > 0 else (turn.shift + late,)
        weights = [0.0 if block in undecided else weight for block, weight in enumerate(layout.weights)]
        return dialogue, replace(layout, weights=tuple(weights))

    def worsened(self, heard: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """What people say (samples,) in a room or in more noise than it was recorded with."""
        if self.config.room_share and rng.random() < self.config.room_share:
            heard = in_room(heard, one_room(int(rng.integers(ROOMS)), self.clock.input_rate))[: len(heard)]
        if self.config.noise_share and rng.random() < self.config.noise_share:
            loud = np.square(heard[np.abs(heard) > 0.02])  # of speech, whose peak is 0.4
            power = float(loud.mean()) if len(loud) else 0.0
            heard = heard + noise(len(heard), rng) * np.float32(np.sqrt(power / 10 ** (rng.uniform(*self.config.snr_db) / 10)))
        return heard

    def echoed(self, assistant: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """(samples,) on its way from the loudspeaker to the microphone."""
        if self.config.echo_room and rng.random() < self.config.echo_room:
            assistant = in_room(assistant, one_room(int(rng.integers(ROOMS)), self.clock.input_rate))[: len(assistant)]
        if self.config.echo_delay_ms == (0.0, 0.0):
            return assistant
        return delayed(assistant, round(rng.uniform(*self.config.echo_delay_ms) * self.clock.input_rate / 1000), len(assistant))


def tinted(pcm: np.ndarray, curve: np.ndarray) -> np.ndarray:
    """`pcm` (samples,) through an equaliser of `curve` dB at the points of `BANDS`, linear in between, without delay."""
    length = cast(int, next_fast_len(len(pcm), real=True))
    at = np.linspace(0.0, 1.0, length // 2 + 1)
    gain = 10 ** (np.interp(at, BANDS, curve) / 20)
    spectrum = cast(np.ndarray, rfft(pcm, length)) * gain.astype(np.float32)
    return cast(np.ndarray, irfft(spectrum, length))[: len(pcm)].astype(np.float32)


def cropped(dialogue: Dialogue, layout: Layout, part: slice, tokens: Tokens, clock: Clock) -> Row:
    """The blocks `part`, padded with silence to whole ones; the first of them reads `<bos>`."""
    samples = slice(part.start * clock.samples_in, part.stop * clock.samples_in)

    def fit(stream: np.ndarray) -> np.ndarray:
        return np.pad(stream[samples], (0, max(0, samples.stop - len(stream))))

    kept = Layout(
        (tokens.bos, *layout.labels[part][:-1]),
        layout.labels[part],
        layout.weights[part],
        layout.modes[part],
        layout.turns if part.start == 0 else (),
    )
    people = sorted((s for s in dialogue.segments if s.speaker != Speaker.AGENT), key=lambda segment: segment.start)
    return Row(
        fit(dialogue.environment),
        fit(dialogue.assistant),
        kept,
        transcript=" ".join(segment.text for segment in people if segment.end <= samples.stop),
        heard=tuple(heard_at((block + 1) * clock.samples_in, people, dialogue.rate) for block in range(part.start, part.stop)),
        answers=tuple(
            (turn.shift - part.start, tuple(tokens.encode(turn.segment.text)))
            for turn in layout.turns
            if part.start <= turn.shift < part.stop
        ),
    )


def heard_at(time: int, people: list[Segment], rate: int) -> Heard:
    """What the environment holds just before `time` (samples); of people who speak at once, the one who began last."""
    just_ended = time - rate * ENDED_MS // 1000
    label = Heard.NOTHING
    for segment in people:
        asks = segment.kind == Kind.QUESTION or bool(segment.keywords)
        if segment.start < time <= segment.end:
            label = Heard.QUESTION if asks else HEARD[segment.kind]
        elif just_ended < segment.end < time and segment.kind in (Kind.QUESTION, Kind.INTERRUPTION):
            label = Heard.QUESTION_ENDED if asks else Heard.INTERRUPTION
    return label

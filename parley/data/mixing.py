"""Mixing: a scenario, voices and random draws in, a `Dialogue` with exact event times out.

The environment holds the user, a third person and the background noise; the assistant's echo is added where it is heard, unless
the channel is told to. A dialogue is a pure function of its configuration and its random generator. Times are samples.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import lru_cache

import numpy as np

from parley.clock import Clock
from parley.data.channel.channel import ChannelConfig, draw_channel, noise
from parley.data.voices import Voice, sample_voice, speak
from parley.data.world.drawn.conversation import TURNS, conversation
from parley.data.world.drawn.hesitation import hesitant, unfinished
from parley.data.world.drawn.repeat import repetition
from parley.data.world.drawn.unknown import unknown
from parley.data.world.wordings import Fact
from parley.data.world.world import FIRST, FULL, STORIES, Split, answer_to, check_world, facts, world
from parley.dialogue import Dialogue, Kind, Segment, Speaker

AssistantSpeech = Callable[[str], np.ndarray]  # text -> (samples,) at the clock's output rate


class Scenario(StrEnum):
    """What happens in a dialogue."""

    QUESTION = "question"  # one question, one answer
    QUESTIONS = "questions"  # two or three in a row
    STORY = "story"  # a question for a long answer, which nothing disturbs
    PAUSED = "paused"  # the user pauses inside the question
    CHAT = "chat"  # speech not addressed to the assistant, then perhaps a question
    SILENCE = "silence"  # nobody speaks
    INTERRUPTED = "interrupted"  # a long answer is stopped by the user or the third person
    REPLACED = "replaced"  # a long answer is stopped by a new question
    BACKCHANNELED = "backchanneled"  # a long answer goes on over backchannels
    BYSTANDER = "bystander"  # a long answer goes on over somebody's chat
    ACKNOWLEDGED = "acknowledged"  # a short answer gets a backchannel during or after it
    UNKNOWN = "unknown"  # a question outside the world
    # ... and in the world `full` alone:
    REPEAT = "repeat"  # words that are drawn, to be said again
    CONVERSATION = "conversation"  # two to five questions, the last of which needs the others
    HESITANT = "hesitant"  # the user looks for words inside the question
    RELATED = "related"  # a long answer is stopped by a question about it


OF_FULL = {Scenario.REPEAT, Scenario.CONVERSATION, Scenario.HESITANT, Scenario.RELATED}

MIXES: dict[str, dict[Scenario, float]] = {
    "stage1": {
        Scenario.QUESTION: 0.56,
        Scenario.UNKNOWN: 0.06,
        Scenario.STORY: 0.08,
        Scenario.PAUSED: 0.18,
        Scenario.CHAT: 0.10,
        Scenario.SILENCE: 0.02,
    },
    "stage2": {
        Scenario.QUESTION: 0.12,
        Scenario.QUESTIONS: 0.07,
        Scenario.STORY: 0.04,
        Scenario.PAUSED: 0.10,
        Scenario.UNKNOWN: 0.05,
        Scenario.CHAT: 0.10,
        Scenario.SILENCE: 0.02,
        Scenario.INTERRUPTED: 0.16,
        Scenario.REPLACED: 0.05,
        Scenario.BACKCHANNELED: 0.16,
        Scenario.BYSTANDER: 0.08,
        Scenario.ACKNOWLEDGED: 0.05,
    },
    "full_stage1": {
        Scenario.QUESTION: 0.46,
        Scenario.STORY: 0.06,
        Scenario.PAUSED: 0.12,
        Scenario.HESITANT: 0.08,
        Scenario.CHAT: 0.10,
        Scenario.SILENCE: 0.02,
        Scenario.REPEAT: 0.10,
        Scenario.UNKNOWN: 0.06,
    },
    "full_stage2": {
        Scenario.QUESTION: 0.13,
        Scenario.QUESTIONS: 0.05,
        Scenario.STORY: 0.03,
        Scenario.PAUSED: 0.07,
        Scenario.HESITANT: 0.05,
        Scenario.CHAT: 0.08,
        Scenario.SILENCE: 0.02,
        Scenario.REPEAT: 0.06,
        Scenario.UNKNOWN: 0.05,
        Scenario.CONVERSATION: 0.10,
        Scenario.INTERRUPTED: 0.10,
        Scenario.REPLACED: 0.03,
        Scenario.RELATED: 0.04,
        Scenario.BACKCHANNELED: 0.10,
        Scenario.BYSTANDER: 0.06,
        Scenario.ACKNOWLEDGED: 0.03,
    },
    "questions": {Scenario.QUESTION: 1.0},
    "paused": {Scenario.PAUSED: 1.0},
    "chat": {Scenario.CHAT: 1.0},
    "events": {Scenario.INTERRUPTED: 0.5, Scenario.BACKCHANNELED: 0.5},
    "backchanneled": {Scenario.BACKCHANNELED: 1.0},
    "bystander": {Scenario.BYSTANDER: 1.0},
    "replaced": {Scenario.REPLACED: 1.0},
    "unknown": {Scenario.UNKNOWN: 1.0},
    **{str(scenario): {scenario: 1.0} for scenario in Scenario if scenario in OF_FULL},
}


@dataclass(frozen=True)
class MixConfig:
    """Durations are seconds, levels decibels."""

    scenarios: Mapping[Scenario, float]
    voices: tuple[Voice, ...]
    held_out_phrasings: bool = False
    evaluation_events: bool = False  # which interruptions, backchannels and chat are said
    domains: tuple[str, ...] = ()  # of the questions; empty for all
    pause_s: tuple[float, float] = (0.2, 1.0)
    gap_s: tuple[float, float] = (0.4, 2.5)  # from the end of an answer to the next question
    before_s: tuple[float, float] = (0.2, 1.5)
    after_s: tuple[float, float] = (0.8, 1.6)
    gain_db: float = 6.0  # every segment is up to so much louder or softer
    snr_db: tuple[float, float] = (5.0, 40.0)
    quiet: float = 0.2  # share of the dialogues without any noise
    shift_after_ms: int = 240  # the answer is decided so long after the question's end
    yield_after_ms: int = 80  # ... and the stop so long after the interruption's end
    yield_latest_ms: tuple[int, int] = (900, 1300)  # ... or so long after its start, drawn: it is not over, but what it is can be told
    onset_blocks: int = 5  # from the block of the decision to the block of the first sound
    clock: Clock = field(default_factory=Clock)
    channel: ChannelConfig = ChannelConfig()
    world: str = FIRST

    def __post_init__(self) -> None:
        check_mix(self.scenarios, self.world)

    @property
    def cuttable_s(self) -> float:
        """So much of an answer must be left when an interruption begins that it can be cut: to yield takes its time."""
        return self.yield_latest_ms[1] / 1000 + 0.2


def check_mix(scenarios: Iterable[Scenario], name: str) -> None:
    """ValueError where the world has none of what is to happen."""
    check_world(name)
    if name != FULL and (missing := sorted(OF_FULL.intersection(scenarios))):
        raise ValueError(f"the world {name!r} has no {', '.join(missing)}; take --world {FULL}")


def mix(config: MixConfig, name: str, rng: np.random.Generator, assistant_speech: AssistantSpeech) -> Dialogue:
    """One dialogue called `name`."""
    scenarios = sorted(config.scenarios)
    weights = np.array([config.scenarios[scenario] for scenario in scenarios])
    scenario = scenarios[rng.choice(len(scenarios), p=weights / weights.sum())]
    tape = Tape(config, rng, assistant_speech)
    tape.wait(*config.before_s)
    match scenario:
        case Scenario.QUESTION:
            tape.answer(tape.ask(tape.fact()))
        case Scenario.QUESTIONS:
            for turn in range(int(rng.integers(2, 4))):
                if turn:
                    tape.wait(*config.gap_s)
                tape.answer(tape.ask(tape.short_fact()))
        case Scenario.STORY:
            tape.answer(tape.ask(tape.story()))
        case Scenario.PAUSED:
            tape.answer(tape.ask(tape.short_fact(), pauses=int(rng.integers(1, 3))))
        case Scenario.HESITANT:
            tape.answer(tape.hesitate(tape.short_fact()))
        case Scenario.REPEAT:
            tape.answer(tape.ask(repetition(rng, unseen=config.held_out_phrasings)))
        case Scenario.UNKNOWN:
            tape.answer(tape.ask(unknown(rng, config.held_out_phrasings, config.world)))
        case Scenario.CONVERSATION:
            _conversation(tape, rng)
        case Scenario.RELATED:
            _related(tape)
        case Scenario.CHAT:
            _chat(tape, rng)
        case Scenario.SILENCE:
            tape.wait(2.0, 6.0)
        case Scenario.INTERRUPTED:
            _interrupted(tape, rng)
        case Scenario.REPLACED:
            answer = tape.answer(tape.ask(tape.story()))
            tape.now = tape.into(answer, 0.8)
            fact, question = tape.ask(tape.short_fact(), Kind.INTERRUPTION)
            tape.cut(question)
            tape.answer((fact, question))
        case Scenario.BACKCHANNELED:
            _backchanneled(tape, rng)
            _goes_on(tape, rng)
        case Scenario.BYSTANDER:
            answer = tape.answer(tape.ask(tape.story()))
            tape.now = tape.inside(answer, 0.5, 0.5)
            tape.say(Speaker.OTHER, Kind.CHAT, tape.chat())
            _goes_on(tape, rng)
        case Scenario.ACKNOWLEDGED:
            answer = tape.answer(tape.ask(tape.short_fact()))
            tape.now = tape.inside(answer, 0.2, 0.1) if rng.random() < 0.5 else answer.end + tape.samples(0.4, 1.5)
            tape.say(Speaker.USER, Kind.BACKCHANNEL, tape.backchannel())
            _goes_on(tape, rng)
    return tape.dialogue(name)


def _chat(tape: "Tape", rng: np.random.Generator) -> None:
    """Nothing of this is for the assistant; what it hears while it is silent cannot interrupt it either."""
    for _ in range(int(rng.integers(1, 3))):
        speaker = Speaker.OTHER if rng.random() < 0.6 else Speaker.USER
        if rng.random() < 0.75:
            tape.say(speaker, Kind.CHAT, tape.chat())
        elif rng.random() < 0.5:
            tape.say(speaker, Kind.BACKCHANNEL, tape.backchannel())
        else:
            tape.say(speaker, Kind.INTERRUPTION, tape.interruption())
        tape.wait(0.5, 1.5)
    if rng.random() < 0.5:
        tape.answer(tape.ask(tape.short_fact()))


def _conversation(tape: "Tape", rng: np.random.Generator) -> None:
    for turn, fact in enumerate(conversation(world(tape.config.world), rng, int(rng.integers(TURNS[0], TURNS[1] + 1)))):
        if turn:
            tape.wait(*tape.config.gap_s)
        tape.answer(tape.ask(fact))


def _related(tape: "Tape") -> None:
    detail = tape.detail()
    answer = tape.answer(tape.ask(tape.story_of(detail)))
    tape.now = tape.into(answer, 0.8)
    fact, question = tape.ask(detail, Kind.INTERRUPTION)
    tape.cut(question)
    tape.answer((fact, question))


def _interrupted(tape: "Tape", rng: np.random.Generator) -> None:
    answer = tape.answer(tape.ask(tape.story()))
    if rng.random() < 0.2:
        tape.now = tape.samples(0.4, 0.6) + answer.start
        tape.say(Speaker.USER, Kind.BACKCHANNEL, tape.backchannel())
        tape.now = tape.into(answer, (tape.now - answer.start) / tape.rate + 0.6)
    else:
        tape.now = tape.into(answer, 0.8)
    speaker = Speaker.OTHER if rng.random() < 0.3 else Speaker.USER
    tape.cut(tape.say(speaker, Kind.INTERRUPTION, tape.interruption()))
    if rng.random() < 0.35:
        tape.wait(0.5, 1.5)
        tape.answer(tape.ask(tape.short_fact()))


def _backchanneled(tape: "Tape", rng: np.random.Generator) -> None:
    answer = tape.answer(tape.ask(tape.story()))
    count = int(rng.integers(1, 4))
    room = answer.end - answer.start - tape.rate * 12 // 10
    tape.now = answer.start + tape.rate // 2
    for index in range(count):
        earliest = tape.now
        tape.now = max(earliest, answer.start + tape.rate // 2 + round(room * (index + rng.uniform(0.0, 0.7)) / count))
        tape.say(Speaker.USER, Kind.BACKCHANNEL, tape.backchannel())
        tape.wait(0.3, 0.6)


def _goes_on(tape: "Tape", rng: np.random.Generator) -> None:
    """Perhaps a question, when the answer into which somebody spoke is over."""
    if rng.random() < 0.35:
        tape.now = max(segment.end for segment in tape.segments)
        tape.wait(*tape.config.gap_s)
        tape.answer(tape.ask(tape.short_fact()))


class Tape:
    """Records a dialogue from its beginning to its end; `now` is where the next speech is placed."""

    def __init__(self, config: MixConfig, rng: np.random.Generator, assistant_speech: AssistantSpeech) -> None:
        self.config, self.rng, self.assistant_speech = config, rng, assistant_speech
        self.clock, self.rate = config.clock, config.clock.input_rate
        self.channel = draw_channel(config.channel, self.rate, rng)
        self.now = 0
        self.heard: list[tuple[int, np.ndarray]] = []  # start and speech in the environment
        self.played: list[tuple[int, np.ndarray]] = []  # start and speech of the assistant
        self.segments: list[Segment] = []
        self.voices = {speaker: sample_voice(config.voices, rng) for speaker in (Speaker.USER, Speaker.OTHER)}
        while self.voices[Speaker.OTHER].name == self.voices[Speaker.USER].name and len({v.name for v in config.voices}) > 1:
            self.voices[Speaker.OTHER] = sample_voice(config.voices, rng)
        self.gains = {Speaker.USER: 0.0, Speaker.OTHER: -rng.uniform(0.0, 6.0)}

    # ---- what is said

    def fact(self) -> Fact:
        return self._choose(lambda fact: fact.domain in (self.config.domains or (fact.domain,)))

    def short_fact(self) -> Fact:
        return self._choose(lambda fact: fact.domain != STORIES and fact.domain in (self.config.domains or (fact.domain,)))

    def story(self) -> Fact:
        return self._choose(lambda fact: fact.domain == STORIES)

    def detail(self) -> Fact:
        """What a listener of a long answer may ask."""
        return self._choose(lambda fact: bool(fact.of_story))

    def story_of(self, detail: Fact) -> Fact:
        return self._choose(lambda fact: fact.domain == STORIES and fact.about == detail.of_story)

    def _choose(self, fits: Callable[[Fact], bool]) -> Fact:
        choices = [fact for fact in facts(self.config.world) if fits(fact)]
        if not choices:
            raise ValueError(f"no fact of {', '.join(self.config.domains)} is asked for here; give another mix, or more domains")
        return choices[self.rng.integers(len(choices))]

    def interruption(self) -> str:
        return self._phrase(world(self.config.world).interruptions)

    def backchannel(self) -> str:
        return self._phrase(world(self.config.world).backchannels)

    def chat(self) -> str:
        return self._phrase(world(self.config.world).chat)

    def asks(self, text: str) -> str:
        """The answer that the words alone already ask for, or ""."""
        return answer_to(text, self.config.world)

    def _phrase(self, split: Split) -> str:
        phrases = split.of(self.config.evaluation_events)
        return phrases[self.rng.integers(len(phrases))]

    # ---- when it is said

    def samples(self, low_s: float, high_s: float) -> int:
        return round(self.rng.uniform(low_s, high_s) * self.rate)

    def wait(self, low_s: float, high_s: float) -> None:
        self.now += self.samples(low_s, high_s)

    def inside(self, segment: Segment, after_s: float, before_s: float) -> int:
        """A random time from `after_s` after the segment's start to `before_s` before its end."""
        first, last = segment.start + round(after_s * self.rate), segment.end - round(before_s * self.rate)
        return int(self.rng.integers(first, max(first, last) + 1))

    def into(self, answer: Segment, after_s: float) -> int:
        """A random time from `after_s` after the answer's start at which what begins to be said can still stop it."""
        return self.inside(answer, after_s, self.config.cuttable_s)

    def block_ending(self, time: int) -> int:
        """The first block whose end is at or after `time`."""
        return self.clock.blocks(time) - 1

    # ---- recording

    def say(self, speaker: Speaker, kind: Kind, text: str, keywords: tuple[str, ...] = (), pauses: int = 0) -> Segment:
        """Puts `text` on the environment at `now` and moves to its end."""
        voice = self.voices[speaker]
        speech, silences = speak_with_pauses(text, voice, pauses, self.config.pause_s, self.rng, self.asks)
        return self.hear(speaker, kind, text, speech, str(voice), keywords, silences)

    def hear(
        self,
        speaker: Speaker,
        kind: Kind,
        text: str,
        speech: np.ndarray,
        voice: str,
        keywords: tuple[str, ...] = (),
        silences: Iterable[tuple[int, int]] = (),
    ) -> Segment:
        """Puts `speech` (samples,) on the environment at `now` and moves to its end."""
        gain_db = self.gains[speaker] + self.rng.uniform(-self.config.gain_db, self.config.gain_db)
        self.heard.append((self.now, speech * np.float32(10 ** (gain_db / 20))))
        segment = Segment(
            speaker,
            kind,
            text,
            self.now,
            self.now + len(speech),
            voice=voice,
            pauses=tuple((self.now + start, self.now + end) for start, end in silences),
            keywords=keywords,
        )
        self.segments.append(segment)
        self.now = segment.end
        return segment

    def ask(self, fact: Fact, kind: Kind = Kind.QUESTION, pauses: int = 0) -> tuple[Fact, Segment]:
        texts = fact.held_out if self.config.held_out_phrasings else fact.known
        return fact, self.say(Speaker.USER, kind, texts[self.rng.integers(len(texts))], fact.keywords, pauses)

    def hesitate(self, fact: Fact) -> tuple[Fact, Segment]:
        """Asks with a hesitation inside, and a pause behind that."""
        texts = fact.held_out if self.config.held_out_phrasings else fact.known
        text = texts[self.rng.integers(len(texts))]
        before, rest = hesitant(text, self.asks, self.rng, self.config.evaluation_events)
        voice, parts = self.voices[Speaker.USER], [part for part in (before, rest) if part]
        speech, silences = with_pauses([said(part, voice) for part in parts], self.config.pause_s, self.rng)
        return fact, self.hear(Speaker.USER, Kind.QUESTION, " ".join(parts), speech, str(voice), fact.keywords, silences)

    def answer(self, asked: tuple[Fact, Segment]) -> Segment:
        """The assistant's answer, always the same number of blocks after its decision."""
        fact, question = asked
        return self.reply(fact.answer, self.assistant_speech(fact.answer), question)

    def reply(self, text: str, speech: np.ndarray, question: Segment) -> Segment:
        """What the assistant says, `speech` (samples,), to `question`."""
        decided = self.block_ending(question.end + self.rate * self.config.shift_after_ms // 1000)
        start = (decided + self.config.onset_blocks) * self.clock.samples_in
        self.played.append((start, speech))
        segment = Segment(Speaker.AGENT, Kind.ANSWER, text, start, start + len(speech), voice="assistant")
        self.segments.append(segment)
        self.now = segment.end
        return segment

    def cut(self, interruption: Segment) -> None:
        """The last answer ends with the block in which the assistant yields to `interruption`."""
        latest_ms = int(self.rng.integers(self.config.yield_latest_ms[0], self.config.yield_latest_ms[1] + 1))
        after, latest = (self.rate * ms // 1000 for ms in (self.config.yield_after_ms, latest_ms))
        end = (self.block_ending(min(interruption.end + after, interruption.start + latest)) + 1) * self.clock.samples_in
        start, speech = self.played[-1]
        index = max(i for i, segment in enumerate(self.segments) if segment.speaker == Speaker.AGENT)
        if not start < end < start + len(speech):
            raise ValueError("the answer is too short to be interrupted; give a slower voice")
        self.played[-1] = (start, speech[: end - start])
        self.segments[index] = replace(self.segments[index], end=end, interrupted=True)
        self.now = max(self.now, end)

    def dialogue(self, name: str) -> Dialogue:
        """All that was recorded, with noise, in whole blocks."""
        last = max((segment.end for segment in self.segments), default=self.now)
        blocks = self.clock.blocks(max(self.now, last) + self.samples(*self.config.after_s))
        length = blocks * self.clock.samples_in
        speakers = [segment.speaker for segment in self.segments if segment.speaker != Speaker.AGENT]
        heard = [(start, self.channel.spoken(sound, speaker)) for (start, sound), speaker in zip(self.heard, speakers)]
        environment, assistant = (place(parts, length) for parts in (heard, self.played))
        if self.rng.random() >= self.config.quiet:
            speech_power = float(np.mean(np.square(self.heard[0][1]))) if self.heard else 0.005
            snr_db = self.rng.uniform(*self.config.snr_db)
            environment += noise(length, self.rng) * np.float32(np.sqrt(speech_power / 10 ** (snr_db / 10)))
        segments = tuple(sorted(self.segments, key=lambda segment: segment.start))
        return Dialogue(name, self.rate, np.clip(self.channel.sent(environment, assistant), -1, 1), assistant, segments)


def place(parts: list[tuple[int, np.ndarray]], length: int) -> np.ndarray:
    """The sum of all `parts` (start, samples) on a silent tape of shape (length,), which ends where a room's tail does not."""
    tape = np.zeros(length, np.float32)
    for start, samples in parts:
        tape[start : start + len(samples)] += samples[: length - start]
    return tape


said = lru_cache(maxsize=256)(speak)  # the conditions of an evaluation say the same, one after the other


def speak_with_pauses(
    text: str, voice: Voice, pauses: int, pause_s: tuple[float, float], rng: np.random.Generator, asks: Callable[[str], str]
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """Speech of shape (samples,) and the silences (start, end) at `pauses` word boundaries at which the question is `unfinished`."""
    words = text.split()
    places = unfinished(words, asks)
    chosen = sorted(rng.choice(places, min(pauses, len(places)), replace=False)) if places and pauses else []
    parts = [" ".join(words[start:end]) for start, end in zip([0, *chosen], [*chosen, len(words)], strict=True)]
    spoken = [said(part, voice) for part in parts] if rng.random() < 0.5 else split_speech(said(text, voice), parts)
    return with_pauses(spoken, pause_s, rng)


def with_pauses(
    spoken: list[np.ndarray], pause_s: tuple[float, float], rng: np.random.Generator
) -> tuple[np.ndarray, list[tuple[int, int]]]:
    """All parts as one speech (samples,), with a silence (start, end) between each two."""
    speech, silences = [spoken[0]], []
    for part in spoken[1:]:
        start, pause = sum(map(len, speech)), round(rng.uniform(*pause_s) * 16000)
        silences.append((start, start + pause))
        speech += [np.zeros(pause, np.float32), part]
    return np.concatenate(speech), silences


def split_speech(speech: np.ndarray, parts: list[str]) -> list[np.ndarray]:
    """Cuts `speech` where it is quietest near the boundaries between the texts of `parts`, none of which is left empty."""
    hop = 80  # 5 ms
    power = np.convolve(np.square(speech), np.ones(4 * hop, np.float32), "same")[::hop]
    letters = np.cumsum([len(part) for part in parts])
    cuts = [0]
    for share in letters[:-1] / letters[-1]:
        near = min(0.08, share / 2, (1 - share) / 2)
        low = max(cuts[-1] // hop + 1, round((share - near) * len(power)))
        high = max(low + 1, round((share + near) * len(power)))
        cuts.append(min(len(speech), hop * (low + int(np.argmin(power[low:high], axis=0)))) if low < len(power) else len(speech))
    return [speech[start:end] for start, end in zip(cuts, [*cuts[1:], len(speech)], strict=True)]

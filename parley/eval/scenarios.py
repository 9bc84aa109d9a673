"""What the model is measured on: conditions, and the scenes of each. A scene is a pure function of (world, condition, seed, index)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cache
from zlib import crc32

import numpy as np
from scipy.signal import fftconvolve

from parley.clock import Clock
from parley.data.channel.channel import noise
from parley.data.channel.room import RT60_S, responses
from parley.data.mixing import MixConfig, Tape
from parley.data.voices import HELD_OUT_ENGINE_VOICES, HELD_OUT_VOICES, MARGIN, Voice, assistant_speech, available
from parley.data.world.drawn.conversation import NEEDS, conversation
from parley.data.world.drawn.repeat import repetition
from parley.data.world.drawn.unknown import unknown
from parley.data.world.wordings import Fact
from parley.data.world.world import STORIES, Split, facts, world
from parley.dialogue import Kind, Segment, Speaker
from parley.eval.metrics.turn_taking import START_S
from parley.eval.rollout import After, Cue, Scene

SNR_DB = (10.0, 40.0)  # of the noise, where a condition sets none
PATIENCE_S = 3.0  # the row goes on so long after its last cue
PAUSE_S = (0.3, 0.8)
LONG_PAUSE_S = (0.3, 1.2)
SPEAKING_S = (1.0, 3.0)  # how long the assistant has audibly been speaking when an event comes
REMAINING_S = 2.5  # of the reference answer after the event's first sample: a natural end cannot pass for a yield
GAP_S = (0.5, 1.5)  # from an answer to the next question
ECHO_DELAY_S = (0.01, 0.16)  # of an echo in a room: what loudspeaker, air and microphone take
LONG_S = 30 * 60.0
LONG_TURNS = 480  # more than fill LONG_S, as 3.75 s each would


class Event(StrEnum):
    """What comes into a long answer."""

    NONE = "none"
    STOP = "stop"  # even indices: an interruption, by the user or a third speaker; odd ones: the user's backchannel
    CONTEXT = "context"  # even indices: a new question, by the user or a third speaker; odd ones: a third speaker's chat, or nothing
    RELATED = "related"  # as CONTEXT, but: a question about what the assistant says; a third speaker's about something else, or nothing


class Asked(StrEnum):
    """What the questions are."""

    FACTS = "facts"  # those that the world lists
    REPEAT = "repeat"  # word sequences, of which training never says two words one after the other
    UNKNOWN = "unknown"  # outside the world
    CONVERSATION = "conversation"  # the last one needs the others
    NOTHING = "nothing"  # other people talk to each other


@dataclass(frozen=True)
class Distortion:
    """What happens to the sound on its way."""

    snr_db: float | None = None  # of the noise under the question; None: drawn as in training
    reverb_s: float = 0.0  # the time in which the room's echo falls by 60 dB
    rate: float = 0.0  # of the user's speech; 0: drawn
    gain_db: float = 0.0  # of all that is heard; what exceeds full scale is clipped


@dataclass(frozen=True)
class Condition:
    """The voices are held out in all of them. Conditions that are `like` another one play its scenes and differ in what is said here."""

    name: str
    like: str = ""
    held_out_phrasing: bool = False
    held_out_engine: bool = False  # a voice engine that training never heard
    asked: Asked = Asked.FACTS
    paused: bool = False  # one pause inside the question
    pause_s: tuple[float, float] = PAUSE_S
    hesitant: bool = False  # the pause follows an "um"
    event: Event = Event.NONE
    echo: float = 0.0
    echo_in_room: bool = False  # it comes late and through a room, both drawn; else at once and as it was played
    turns: tuple[int, int] = (1, 1)  # questions in a row, drawn
    distortion: Distortion = field(default=Distortion())
    oracle: bool = False  # the model is made to answer at the end of the question, and at no other time
    patient: bool = False  # the model is asked for patience
    limit_s: float = 30.0  # no row lasts longer
    most: int = 0  # dialogues a seed at most; 0: as many as are asked for
    in_all: int = 40  # dialogues a seed in the suite of all conditions, unless another number is asked for
    timed: bool = False  # one row an engine, and no other process beside it
    full: bool = False  # only for a model of the world `full`


KNOWN = Condition("known_phrasing", in_all=300)
HELD_OUT = Condition("held_out_phrasing", held_out_phrasing=True, in_all=300)
ENGINE = Condition("held_out_engine", held_out_engine=True, in_all=300)
ORACLE = Condition("oracle", like="known_phrasing", oracle=True)
PAUSE = Condition("pause", paused=True, in_all=300)
PATIENT = Condition("patient", like="known_phrasing", patient=True, in_all=300)
PATIENT_PAUSE = Condition("patient_pause", like="pause", paused=True, patient=True, in_all=300)
BARGE_IN = Condition("barge_in", event=Event.STOP, in_all=300)
BARGE_IN_ECHO_LOW = replace(BARGE_IN, name="barge_in_echo_0.1", like="barge_in", echo=0.1, in_all=40)
BARGE_IN_ECHO = replace(BARGE_IN, name="barge_in_echo_1.0", like="barge_in", echo=1.0)
BARGE_IN_ECHO_ROOM = replace(BARGE_IN_ECHO, name="barge_in_echo_room", echo_in_room=True, in_all=40)
CONTEXT = Condition("context", event=Event.CONTEXT)
CONTEXT_ECHO_LOW = replace(CONTEXT, name="context_echo_0.1", like="context", echo=0.1)
CONTEXT_ECHO = replace(CONTEXT, name="context_echo_1.0", like="context", echo=1.0)
CONTEXT_ECHO_ROOM = replace(CONTEXT_ECHO, name="context_echo_room", echo_in_room=True)
STOPS = (BARGE_IN, BARGE_IN_ECHO_LOW, BARGE_IN_ECHO, BARGE_IN_ECHO_ROOM)
CONTEXTS = (CONTEXT, CONTEXT_ECHO_LOW, CONTEXT_ECHO, CONTEXT_ECHO_ROOM)
MULTI_TURN = Condition("multi_turn", turns=(2, 5), limit_s=90.0)
ROBUSTNESS = tuple(
    Condition(name, like="known_phrasing", distortion=distortion)
    for name, distortion in {
        "noise_20db": Distortion(snr_db=20.0),
        "noise_10db": Distortion(snr_db=10.0),
        "noise_5db": Distortion(snr_db=5.0),
        "noise_0db": Distortion(snr_db=0.0),
        "reverberation": Distortion(reverb_s=0.5),
        "fast": Distortion(rate=1.5),
        "slow": Distortion(rate=0.7),
        "soft": Distortion(gain_db=-20.0),
        "loud": Distortion(gain_db=10.0),
    }.items()
)
LONG = Condition("long", turns=(LONG_TURNS, LONG_TURNS), limit_s=LONG_S, most=2, in_all=1)
NEW = Condition("new", held_out_phrasing=True, full=True)  # voices and phrasings, as in all that follow
OF_NEW = replace(NEW, like="new")
NEW_NOISE = replace(OF_NEW, name="new_10db", distortion=Distortion(snr_db=10.0))
NEW_ENGINE = replace(NEW, name="new_engine", held_out_engine=True)
NEW_PAUSE = replace(NEW, name="new_pause", paused=True, pause_s=LONG_PAUSE_S)
HESITANT = replace(NEW_PAUSE, name="hesitant", hesitant=True)
REPEAT = replace(NEW, name="repeat", asked=Asked.REPEAT)
UNKNOWN = replace(NEW, name="unknown", asked=Asked.UNKNOWN, full=False, in_all=300)
CONVERSATION = replace(NEW, name="conversation", asked=Asked.CONVERSATION, turns=(2, 5), limit_s=90.0)
TALK = replace(NEW, name="talk", asked=Asked.NOTHING, full=False, in_all=300)
NEWS = (NEW, NEW_NOISE, NEW_ENGINE, NEW_PAUSE, HESITANT, REPEAT, UNKNOWN, CONVERSATION, TALK)
HEARD = (KNOWN, ORACLE, NEW)  # the speech of these is listened to
SCORED = (KNOWN, HELD_OUT, ENGINE, ORACLE, NEW, NEW_NOISE, NEW_ENGINE, MULTI_TURN)  # a judge is asked about the answers of these
RELATED = replace(NEW, name="related", event=Event.RELATED)
RELATED_ECHO = replace(RELATED, name="related_echo_1.0", like="related", echo=1.0)
RELATED_ECHO_ROOM = replace(RELATED_ECHO, name="related_echo_room", echo_in_room=True)
RELATEDS = (RELATED, RELATED_ECHO, RELATED_ECHO_ROOM)
LATENCY = Condition("latency", in_all=16, timed=True)  # played twice, the second time to compare waveforms


@cache
def voices(condition: Condition) -> tuple[Voice, ...]:
    """Those that this machine can speak with. ValueError when there is none."""
    found = available(wanted(condition))
    if not found:
        none = ", ".join(map(str, wanted(condition)))
        raise ValueError(f"no voice for {condition.name}: none of {none} works; pip install -e '.[eval]'")
    return found


def wanted(condition: Condition) -> tuple[Voice, ...]:
    return HELD_OUT_ENGINE_VOICES if condition.held_out_engine else HELD_OUT_VOICES


def not_installed(conditions: Iterable[Condition]) -> list[str]:
    """The engines of held-out voices that these conditions do without on this machine."""
    return sorted({voice.engine for condition in conditions for voice in {*wanted(condition)} - {*voices(condition)}})


def draws(condition: Condition, seed: int, index: int) -> np.random.Generator:
    """All random draws of one scene."""
    return np.random.default_rng([seed, crc32((condition.like or condition.name).encode()), index])


def scene(condition: Condition, seed: int, index: int, clock: Clock, name: str) -> Scene:
    """Scene `index` of the seed in the world `name`. ValueError where a voice cannot say its line."""
    rng, asked = draws(condition, seed, index), asked_in(condition, seed, index, name)
    config = MixConfig(
        {},
        voices(condition),
        held_out_phrasings=condition.held_out_phrasing,
        evaluation_events=True,
        pause_s=condition.pause_s,
        snr_db=SNR_DB,
        clock=clock,
        world=name,
    )
    tape = Tape(config, rng, assistant_speech)
    if condition.distortion.rate:
        tape.voices = {speaker: replace(voice, rate=condition.distortion.rate) for speaker, voice in tape.voices.items()}
    cues = [question(tape, asked[0], condition)] if asked else talk(tape, index)
    if condition.event != Event.NONE:
        cues += event(tape, asked, condition, index)
    else:
        for fact in asked[1:]:
            delay = tape.samples(*GAP_S)
            tape.ask(fact)
            cues.append(last_said(tape, After.ANSWER, delay))
    background = background_noise(tape, cues[0], condition)
    room = Room(condition.distortion, clock.input_rate, np.random.default_rng([seed, index]))
    cues = [replace(cue, pcm=room.heard(cue.pcm)) for cue in cues]
    tail = round((START_S if condition.timed else PATIENCE_S) * clock.input_rate)  # only what is said is timed
    stays = condition.event == Event.NONE or len(cues) == 1
    scene_id, path = scene_name(condition, seed, index), echo_path(clock.input_rate, seed, index) if condition.echo_in_room else None
    return Scene(scene_id, room.level(background), tuple(cues), condition.echo, tail, stays, condition.oracle, condition.patient, path)


def echo_path(rate: int, seed: int, index: int) -> np.ndarray:
    """The response (samples,) of unit energy between loudspeaker and microphone."""
    rng = np.random.default_rng([seed, index, 2])
    late = np.zeros(round(rng.uniform(*ECHO_DELAY_S) * rate), np.float32)
    return np.concatenate([late, *responses(1, RT60_S, rate, rng)])


def scene_name(condition: Condition, seed: int, index: int) -> str:
    return f"{condition.name}-{seed}-{index:04d}"


def asked_in(condition: Condition, seed: int, index: int, name: str) -> tuple[Fact, ...]:
    """What scene `index` asks in the world `name`, in this order: all its facts in an order of the seed, so that each is asked equally
    often, or what is drawn.

    A scene with an event begins with a long answer; the second fact is what the event may ask.
    """
    if condition.asked != Asked.FACTS:
        return drawn_in(condition, seed, index, name)
    order = np.random.default_rng(seed).permutation(len(facts(name)))
    ordered, half = [facts(name)[place] for place in order], index // 2
    if condition.event == Event.RELATED:
        detail = shifting([fact for fact in ordered if fact.of_story], half)
        story = next(fact for fact in ordered if fact.domain == STORIES and fact.about == detail.of_story)
        others = [fact for fact in ordered if fact.domain != STORIES and not fact.of_story]
        return story, detail if is_positive(condition, index) else others[half % len(others)]
    long, short = ([fact for fact in ordered if (fact.domain == STORIES) == is_long] for is_long in (True, False))
    if condition.event != Event.NONE:
        return shifting(long, half), short[half % len(short)]
    fewest, most = condition.turns
    if most == 1:
        return (ordered[index % len(ordered)],)
    turns = fewest + index % (most - fewest + 1)
    return tuple(short[(index * most + turn) % len(short)] for turn in range(turns))


def shifting(asked: Sequence[Fact], number: int) -> Fact:
    """Each in turn, and every round begins one further on: so each meets all that alternates, or comes in rounds of its own."""
    return asked[(number + number // len(asked)) % len(asked)]


def drawn_in(condition: Condition, seed: int, index: int, name: str) -> tuple[Fact, ...]:
    """Conversations of every length and every need equally often."""
    rng = np.random.default_rng([seed, crc32(condition.asked.encode()), index, 1])
    match condition.asked:
        case Asked.REPEAT:
            return (repetition(rng, unseen=True),)
        case Asked.UNKNOWN:
            return (unknown(rng, condition.held_out_phrasing, name),)
        case Asked.CONVERSATION:
            fewest, most = condition.turns
            lengths = most - fewest + 1
            return conversation(world(name), rng, fewest + index % lengths, NEEDS[index // lengths % len(NEEDS)])
        case _:
            return ()


def talk(tape: Tape, index: int) -> list[Cue]:
    """One to three sentences that a third speaker says to somebody else."""
    cues = []
    for _ in range(1 + index % 3):
        delay = tape.samples(*tape.config.before_s)
        tape.say(Speaker.OTHER, Kind.CHAT, tape.chat())
        cues.append(last_said(tape, After.CUE, delay))
    return cues


def question(tape: Tape, fact: Fact, condition: Condition) -> Cue:
    """In a paused condition a wording that has a place for a pause."""
    delay = tape.samples(*tape.config.before_s)
    while True:
        if condition.hesitant:
            tape.hesitate(fact)
        else:
            tape.ask(fact, pauses=int(condition.paused))
        if not condition.paused or tape.segments[-1].pauses:
            return last_said(tape, After.CUE, delay)


def is_positive(condition: Condition, index: int) -> bool:
    """Whether the event of scene `index` asks the model to stop speaking."""
    return condition.event != Event.NONE and index % 2 == 0


def is_silent(condition: Condition, index: int) -> bool:
    """Whether nothing is said into the answer of scene `index`, which is to be given to its end."""
    return condition.event in (Event.CONTEXT, Event.RELATED) and index % 4 == 3


def event(tape: Tape, asked: tuple[Fact, ...], condition: Condition, index: int) -> list[Cue]:
    """What is said into the answer. All sentences in turn."""
    reference_s = len(assistant_speech(asked[0].answer)) / tape.rate
    delay = tape.samples(SPEAKING_S[0], min(SPEAKING_S[1], reference_s - REMAINING_S))
    half, said = index // 2, world(tape.config.world)
    anyone = Speaker.USER if tape.rng.random() < 0.5 else Speaker.OTHER
    if condition.event == Event.STOP and is_positive(condition, index):
        tape.say(anyone, Kind.INTERRUPTION, nth(said.interruptions, half))
    elif condition.event == Event.STOP:
        tape.say(Speaker.USER, Kind.BACKCHANNEL, nth(said.backchannels, half))
    elif is_silent(condition, index):
        return []
    elif is_positive(condition, index) or condition.event == Event.RELATED:
        texts = asked[1].held_out if condition.held_out_phrasing else asked[1].known
        who, kind = (anyone, Kind.INTERRUPTION) if is_positive(condition, index) else (Speaker.OTHER, Kind.CHAT)
        tape.say(who, kind, texts[tape.rng.integers(len(texts))], asked[1].keywords)
    else:
        tape.say(Speaker.OTHER, Kind.CHAT, nth(said.chat, half // 2))
    return [last_said(tape, After.ONSET, delay)]


def nth(split: Split, number: int) -> str:
    """Of the sentences for evaluation, again from the first after the last."""
    return split.evaluation[number % len(split.evaluation)]


def last_said(tape: Tape, after: After, delay: int) -> Cue:
    """What was put on the tape last, from its first to its last audible sample."""
    (start, pcm), said = tape.heard[-1], tape.segments[-1]
    pcm = pcm[MARGIN : len(pcm) - MARGIN]
    pauses = tuple((max(0, a - start - MARGIN), b - start - MARGIN) for a, b in said.pauses)  # one may begin inside the margin
    segment = Segment(said.speaker, said.kind, said.text, 0, len(pcm), voice=said.voice, pauses=pauses, keywords=said.keywords)
    return Cue(segment, pcm, after, delay)


def background_noise(tape: Tape, first: Cue, condition: Condition) -> np.ndarray:
    """Noise (samples,) relative to the question; as in training there is silence in some rows, unless the condition sets a level."""
    samples, fixed = round(condition.limit_s * tape.rate), condition.distortion.snr_db
    if tape.rng.random() < tape.config.quiet and fixed is None:
        return np.zeros(samples, dtype=np.float32)
    drawn = tape.rng.uniform(*tape.config.snr_db)
    power = float(np.mean(np.square(first.pcm)))
    return noise(samples, tape.rng) * np.float32(np.sqrt(power / 10 ** ((drawn if fixed is None else fixed) / 10)))


class Room:
    """The way from the speakers' mouths to the microphone: reverberation (direct sound, then exponentially falling noise), and level."""

    def __init__(self, distortion: Distortion, rate: int, rng: np.random.Generator) -> None:
        self.gain = np.float32(10 ** (distortion.gain_db / 20))
        self.response = np.ones(1, dtype=np.float32)
        if distortion.reverb_s:
            time = np.arange(round(distortion.reverb_s * rate)) / rate
            late = rng.standard_normal(len(time)) * 10 ** (-3 * time / distortion.reverb_s)
            late[: round(0.003 * rate)] = 0.0  # the first reflection comes 3 ms after the direct sound
            self.response = np.concatenate([[1.0], late[1:] / np.sqrt(np.sum(late**2))]).astype(np.float32)  # as strong as the direct sound

    def heard(self, speech: np.ndarray) -> np.ndarray:
        """Speech (samples,) in this room, longer by the reverberation."""
        return self.level(fftconvolve(speech, self.response).astype(np.float32) if len(self.response) > 1 else speech)

    def level(self, sound: np.ndarray) -> np.ndarray:
        return np.clip(sound * self.gain, -1.0, 1.0) if self.gain != 1.0 else sound

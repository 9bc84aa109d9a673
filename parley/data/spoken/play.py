"""A script, voices and random draws in, a `Dialogue` with exact event times out."""

from itertools import takewhile
from pathlib import Path

import numpy as np
import soundfile

from parley.data.corpora.recorded import Recorded
from parley.data.corpora.script import Clip, Script, Turn
from parley.data.mixing import AssistantSpeech, MixConfig, Tape
from parley.data.shards.cuts import LONGEST_S
from parley.data.spoken.voice_text import voice_text
from parley.data.voices import speak, trimmed
from parley.dialogue import Dialogue, Kind, Segment, Speaker

OVERLAPS = (Kind.INTERRUPTION, Kind.BACKCHANNEL, Kind.CHAT)
LETTERS_A_SECOND = 20  # nobody speaks faster; what is longer by this is not even tried


def play(config: MixConfig, script: Script, name: str, rng: np.random.Generator, assistant_speech: AssistantSpeech) -> Dialogue:
    """The dialogue called `name`. ValueError for a script that cannot be spoken."""
    spoken = [(turn, None if turn.clip else voice_text(turn.text)) for turn in script.turns]
    expected_s = sum(len(text) / LETTERS_A_SECOND if text else length_of(turn.clip) for turn, text in spoken)
    if expected_s > LONGEST_S:
        raise ValueError(f"its turns last {expected_s:.0f} s or more, but a dialogue at most {LONGEST_S:.0f} s; shorten it")
    tape = Tape(config, rng, assistant_speech)
    tape.wait(*config.before_s)
    asked: Segment | None = None
    answer: Segment | None = None  # the last one, while it can still be talked into
    for at, (turn, text) in enumerate(spoken):
        if turn.speaker == Speaker.AGENT:
            assert asked and text, script.id
            answer = tape.reply(turn.text, assistant_speech(text), asked)
            continue
        if answer and turn.kind != Kind.QUESTION:
            tape.now = into(tape, answer, script.turns[at:])
        elif tape.segments:
            tape.now = max(tape.now, answer.end if answer else 0)
            tape.wait(*config.gap_s)
        asked = said(tape, turn, text)
        if turn.kind == Kind.INTERRUPTION and answer:
            tape.cut(asked)
        if turn.kind in (Kind.INTERRUPTION, Kind.QUESTION):
            answer = None
    dialogue = tape.dialogue(name)
    if len(dialogue.environment) > LONGEST_S * tape.rate:
        raise ValueError(f"it lasts {len(dialogue.environment) / tape.rate:.0f} s, but at most {LONGEST_S:.0f} s; shorten it")
    return dialogue


def said(tape: Tape, turn: Turn, text: str | None) -> Segment:
    """Puts a turn of the user or of somebody else on the tape: its clip, or `text` in that person's voice."""
    if turn.clip:
        speech, voice = clip_speech(turn.clip, tape.rate), f"recordings:{turn.clip.path}"
    else:
        assert text, turn
        voice = str(tape.voices[turn.speaker])
        speech = speak(text, tape.voices[turn.speaker])
    return tape.hear(turn.speaker, turn.kind, turn.text, speech, voice, turn.keywords)


def into(tape: Tape, answer: Segment, turns: tuple[Turn, ...]) -> int:
    """Where in the answer, and after what was said into it before, the first of `turns` begins; those after it find their place too."""
    kind, still = turns[0].kind, len(list(takewhile(lambda turn: turn.kind in OVERLAPS, turns)))
    after_s, before_s = (0.8, tape.config.cuttable_s) if kind == Kind.INTERRUPTION else (0.3, 0.2)
    first = max(answer.start + round(after_s * tape.rate), talked_until(tape))
    latest = answer.end - round(before_s * tape.rate)
    if first > latest:
        raise ValueError(f"the answer {answer.text[:40]!r} is too short for the {kind} that falls into it")
    return int(tape.rng.integers(first, first + (latest - first) // still + 1))


def talked_until(tape: Tape) -> int:
    """The end of all that people have said, with a breath behind it."""
    return max(segment.end for segment in tape.segments if segment.speaker != Speaker.AGENT) + tape.rate // 4


def length_of(clip: Clip | None) -> float:
    """Seconds, by the header of the file."""
    assert clip
    if clip.duration_s is not None:
        return clip.duration_s
    try:
        return soundfile.info(clip.path).duration - clip.start_s
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{clip.path}: cannot be read as audio ({error.error_string})") from error


def clip_speech(clip: Clip, rate: int) -> np.ndarray:
    """(samples,) at the level of all speech, its audible part."""
    return trimmed(Recorded(Path(clip.path), rate, 0, clip.start_s, clip.duration_s)(), f"{clip.path} holds only silence")

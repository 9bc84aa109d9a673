"""The recordings that come with the package: questions, interruptions and a listener's "uh huh", by voices held out of training.

Each is a folder with `input.wav`, what the microphone hears, and `meta.json`, who says what and when. Interruptions and backchannels
are timed to fall into an answer that begins about where a trained model begins.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from parley.audio import write_wav
from parley.data.voices import HELD_OUT_ENGINE_VOICES, HELD_OUT_VOICES, RATE, Voice, assistant_speech, speak
from parley.data.world.world import FIRST, facts
from parley.dialogue import Kind

LEAD_S = 0.4  # silence before the first word
WAIT_S = 0.8  # from the end of a question to the first sound of its answer, generously
REST_S = 0.5  # silence after the last answer
YIELD_S = 1.5  # silence after an interruption


@dataclass(frozen=True)
class Utterance:
    """`after_s`: seconds of silence since the utterance before; inside one question, a pause of the user."""

    text: str
    kind: Kind = Kind.QUESTION
    after_s: float = LEAD_S


@dataclass(frozen=True)
class Script:
    name: str
    voice: str
    utterances: tuple[Utterance, ...]


SCRIPTS = (
    Script("question-baby", "awb", (Utterance("what is a baby cat called"),)),
    Script("question-capital", "joe", (Utterance("what is the capital of france"),)),
    Script("question-color", "en-gb-scotland+f4", (Utterance("can you tell me what color the sky is"),)),
    Script("question-job", "en-us+Gene", (Utterance("where does a doctor work"),)),
    Script("question-name", "ked_diphone", (Utterance("what is your name"),)),
    Script("question-sound", "en-us+belinda", (Utterance("what sound does a cow make"),)),
    Script("question-tool", "joe", (Utterance("for which purpose would i use a telescope"),)),
    Script("question-with-pause", "en-us+belinda", (Utterance("what is the opposite"), Utterance("of hot", after_s=0.5))),
    Script(
        "interruption-enough", "awb", (Utterance("tell me about bees"), Utterance("okay that is enough", Kind.INTERRUPTION, after_s=4.0))
    ),
    Script(
        "interruption-question",
        "joe",
        (Utterance("tell me about castles"), Utterance("what is the capital of spain", Kind.INTERRUPTION, after_s=3.0)),
    ),
    Script(
        "interruption-stop", "joe", (Utterance("tell me about the moon"), Utterance("stop that please", Kind.INTERRUPTION, after_s=3.5))
    ),
    Script(
        "backchannel",
        "en-us+Gene",
        (
            Utterance("tell me about volcanoes"),
            Utterance("uh huh uh huh", Kind.BACKCHANNEL, after_s=2.5),
            Utterance("oh that's cool", Kind.BACKCHANNEL, after_s=2.0),
        ),
    ),
)


def voice_named(name: str) -> Voice:
    (voice,) = (voice for voice in (*HELD_OUT_VOICES, *HELD_OUT_ENGINE_VOICES) if voice.name == name)
    return voice


def answer_to(question: str) -> str:
    """The answer of the world `first`; "" for what asks nothing."""
    return next((fact.answer for fact in facts(FIRST) if question in fact.known or question in fact.held_out), "")


def record(script: Script) -> tuple[np.ndarray, dict]:
    """The sound (samples,) and its description."""
    voice, parts, segments, expected = voice_named(script.voice), [], [], []
    now = answered = 0  # samples
    asked = ""
    for utterance in script.utterances:
        speech = speak(utterance.text, voice)
        start = now + round(utterance.after_s * RATE)
        parts += [np.zeros(start - now, np.float32), speech]
        now = start + len(speech)
        said = {"speaker": "user", "kind": utterance.kind, "text": utterance.text, "voice": str(voice)}
        segments.append(said | {"start_s": round(start / RATE, 4), "end_s": round(now / RATE, 4)})
        if utterance.kind != Kind.BACKCHANNEL:
            asked = f"{asked} {utterance.text}".strip() if utterance.kind == Kind.QUESTION else utterance.text
            answer = answer_to(asked)
            length = round(WAIT_S * RATE) + len(assistant_speech(answer)) if answer else round(YIELD_S * RATE)
            answered = now + length
            expected += [answer] if answer else []
    parts.append(np.zeros(max(now, answered) + round(REST_S * RATE) - now, np.float32))
    return np.concatenate(parts), {"expected": expected, "segments": segments}


def write_recordings(folder: Path) -> None:
    """Writes every recording into a folder of its own below `folder`."""
    for script in SCRIPTS:
        (folder / script.name).mkdir(parents=True, exist_ok=True)
        pcm, description = record(script)
        write_wav(folder / script.name / "input.wav", pcm, RATE)
        (folder / script.name / "meta.json").write_text(json.dumps(description, indent=1) + "\n")

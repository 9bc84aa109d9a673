"""The recordings that come with the package: enough of them, of the right format, by voices and with words as described."""

import json
from pathlib import Path

import soundfile

from parley.data.recordings import SCRIPTS, answer_to, voice_named
from parley.data.voices import ENGINE_SHARES, TRAINING_VOICES
from parley.dialogue import Kind

FOLDER = Path(__file__).parent.parent / "parley/recordings"


def test_every_script_is_recorded_as_described():
    assert sorted(path.parent.name for path in FOLDER.glob("*/input.wav")) == sorted(script.name for script in SCRIPTS)
    for script in SCRIPTS:
        info = soundfile.info(FOLDER / script.name / "input.wav")
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        segments = json.loads((FOLDER / script.name / "meta.json").read_text())["segments"]
        assert [(each["text"], each["kind"]) for each in segments] == [(each.text, each.kind) for each in script.utterances]
        ends = [0.0, *(time for each in segments for time in (each["start_s"], each["end_s"])), info.duration]
        assert ends == sorted(ends)


def test_there_are_questions_interruptions_and_a_backchannel():
    kinds = [{utterance.kind for utterance in script.utterances} for script in SCRIPTS]
    assert sum(each == {Kind.QUESTION} for each in kinds) >= 6
    assert sum(Kind.INTERRUPTION in each for each in kinds) >= 2
    assert sum(Kind.BACKCHANNEL in each for each in kinds) >= 1
    assert sum(path.stat().st_size for path in FOLDER.rglob("*")) < 2_500_000


def test_the_questions_are_of_the_world_and_the_voices_are_not_of_the_training():
    trained = {(voice.engine, voice.name) for voice in TRAINING_VOICES}
    for script in SCRIPTS:
        voice = voice_named(script.voice)
        assert voice.engine in ENGINE_SHARES and (voice.engine, voice.name) not in trained
        assert answer_to(" ".join(each.text for each in script.utterances if each.kind == Kind.QUESTION))

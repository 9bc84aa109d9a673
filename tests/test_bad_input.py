"""Bad input ends with one line on stderr, exit code 2 and nothing half-written; or it simply works."""

import errno
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from parrot import Parrot
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from parley import cli
from parley.clock import Clock
from parley.commands import talking
from parley.llm.tokens import Tokens
from parley.models import checkpoint
from tests.test_salmonn_omni import build, tokens  # noqa: F401  (tokens is a fixture)

RATE = 16000
TONE = 0.3 * np.sin(np.arange(RATE) * 0.1)


@pytest.fixture(autouse=True)
def parrot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking, "find_model", Path)
    monkeypatch.setattr(talking, "load_model", lambda path: Parrot())


def refuses(capsys: pytest.CaptureFixture[str], says: str, *arguments: object, command: str = "converse") -> None:
    """One line, and exit code 2."""
    assert cli.main([*command.split(), *map(str, arguments)]) == 2
    shown = capsys.readouterr()
    assert shown.err.count("\n") == 1 and shown.err.startswith("parley: ") and "Traceback" not in shown.err
    assert says in shown.err, shown.err


def sample(path: Path, pcm: np.ndarray, subtype: str = "PCM_16", rate: int = RATE) -> Path:
    soundfile.write(path, pcm, rate, subtype=subtype)
    return path


def truncated(path: Path) -> Path:
    content = sample(path, TONE).read_bytes()
    path.write_bytes(content[: len(content) // 2])
    return path


def text(path: Path) -> Path:
    path.write_text("this is a letter, not a sound\n" * 50)
    return path


def empty(path: Path) -> Path:
    path.touch()
    return path


def piped(path: Path) -> Path:
    """A FLAC file as ffmpeg leaves it that could not go back to its header: STREAMINFO tells 0 samples."""
    soundfile.write(path, TONE, RATE, format="FLAC")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    path.write_bytes(content)
    return path


REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing": (lambda path: path, "no such file"),
    "empty": (empty, "empty"),
    "0 samples": (lambda path: sample(path, np.zeros(0)), "no samples"),
    "NaN-filled": (lambda path: sample(path, np.full(RATE, np.nan), "FLOAT"), "nan"),
    "infinite": (lambda path: sample(path, np.where(np.arange(RATE) > 9000, np.inf, 0), "FLOAT"), "inf"),
    "truncated": (truncated, "truncated"),
    "piped FLAC": (piped, "does not tell how long it is"),
    "not audio": (text, "cannot be read as audio"),
    "without a header": (lambda path: text(path.with_suffix(".raw")), "does not say its rate"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_a_recording_is_refused(case: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    make, says = REFUSED[case]
    recording = make(tmp_path / "in.wav")
    before = sorted(tmp_path.iterdir())
    refuses(capsys, says, recording, "--output", tmp_path / "o.wav", "--timeline", tmp_path / "o.jsonl", "--plot", tmp_path / "o.png")
    assert sorted(tmp_path.iterdir()) == before


WORKS: dict[str, tuple[np.ndarray, str, int]] = {
    "8-bit": (TONE, "PCM_U8", RATE),
    "24-bit": (TONE, "PCM_24", RATE),
    "float": (TONE, "FLOAT", RATE),
    "44.1 kHz": (TONE, "PCM_16", 44100),
    "stereo": (np.stack([TONE, 0 * TONE], axis=1), "PCM_16", RATE),
    "one sample": (TONE[:1], "PCM_16", RATE),
    "louder than full scale": (9 * TONE, "FLOAT", RATE),
}


@pytest.mark.parametrize("case", WORKS)
def test_unusual_recordings_simply_work(case: str, tmp_path: Path):
    pcm, subtype, rate = WORKS[case]
    recording = sample(tmp_path / "in.wav", pcm, subtype, rate)
    assert cli.main(["converse", str(recording), "--output", str(tmp_path / "o.wav"), "--plot", str(tmp_path / "o.png")]) == 0
    assert abs(soundfile.info(tmp_path / "o.wav").duration - len(pcm) / rate) <= 0.08


def test_three_hours_stream_at_constant_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(talking, "load_model", lambda path: Parrot(Clock(block_ms=8000, output_rate=1000)))  # fewer passes
    recording, size = tmp_path / "in.wav", 3 * 3600 * RATE * 2
    with recording.open("wb") as file:  # digital silence: a header and a hole
        file.write(b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt " + struct.pack("<IHHIIHH", 16, 1, 1, RATE, 2 * RATE, 2, 16))
        file.write(b"data" + struct.pack("<I", size))
        file.truncate(44 + size)
    tracemalloc.start()
    assert cli.main(["converse", str(recording), "--timeline", str(tmp_path / "o.jsonl"), "--plot", str(tmp_path / "o.png")]) == 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len((tmp_path / "o.jsonl").read_text().splitlines()) == 1 + 3 * 3600 // 8
    assert peak < 100e6, f"{peak / 1e6:.0f} MB; the whole recording is {4 * size / 2e6:.0f} MB as float32"


@pytest.mark.parametrize("option", ["--output", "--timeline", "--plot"])
def test_an_output_that_cannot_be_written_is_refused_before_the_model_runs(
    option: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    recording = sample(tmp_path / "in.wav", TONE)
    ending = ".wav" if option == "--output" else ".png"
    (tmp_path / f"folder{ending}").mkdir()
    others = ["--output", tmp_path / "good.wav"] if option != "--output" else ["--timeline", tmp_path / "good.jsonl"]
    refuses(capsys, "cannot be written", recording, *others, option, tmp_path / "missing" / f"o{ending}")
    refuses(capsys, "cannot be written", recording, *others, option, recording / f"o{ending}")
    refuses(capsys, "not an ordinary file", recording, *others, option, tmp_path / f"folder{ending}")
    refuses(capsys, "recording itself", recording, *others, option, recording)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"folder{ending}", "in.wav"]


def test_two_outputs_may_not_share_a_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    recording = sample(tmp_path / "in.wav", TONE)
    refuses(capsys, "named twice", recording, "--output", tmp_path / "o.wav", "--timeline", tmp_path / "o.wav")
    assert sorted(tmp_path.iterdir()) == [recording]


def test_what_a_kill_has_left_of_an_output_is_in_nobodys_way(tmp_path: Path):
    """In a container every run has the same process number."""
    recording = sample(tmp_path / "in.wav", TONE)
    (tmp_path / f".o.{os.getpid()}.part.wav").write_text("half of it")
    assert cli.main(["converse", str(recording), "--output", str(tmp_path / "o.wav")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wav", "o.wav"] and soundfile.info(tmp_path / "o.wav").frames == 16640


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), SafetensorError("No space left on device")])
def test_a_full_disk_is_said_with_what_to_do(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """Whoever writes: the system names no file where one that is open cannot grow, and safetensors has errors of its own."""

    def full(*_: object) -> None:
        raise error

    monkeypatch.setattr(talking, "load_model", full)
    refuses(capsys, "No space left on device; make room and run the same command again", sample(tmp_path / "in.wav", TONE))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_device_is_not_replaced_by_an_output(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    refuses(capsys, "not an ordinary file", sample(tmp_path / "in.wav", TONE), "--timeline", "/dev/full")


def test_a_failure_at_the_end_leaves_the_old_outputs_as_they_were(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    pcm = np.concatenate([np.tile(TONE, 20), [np.nan]])
    recording = sample(tmp_path / "in.wav", pcm, "FLOAT")
    (tmp_path / "o.wav").write_text("from before")
    refuses(capsys, "nan", recording, "--output", tmp_path / "o.wav", "--timeline", tmp_path / "o.jsonl")
    assert (tmp_path / "o.wav").read_text() == "from before"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.wav", "o.wav"]


def test_options_out_of_range_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    recording = sample(tmp_path / "in.wav", TONE)
    refuses(capsys, "--echo is -1.0", recording, "--echo", -1)
    refuses(capsys, "--tail is nan", recording, "--tail", "nan")
    refuses(capsys, "--threads is 0", recording, "--threads", 0)
    refuses(capsys, "--device abacus cannot be used", recording, "--device", "abacus")
    for measure in ("eval pause --out out", "bench load", "bench session"):
        refuses(capsys, "--device abacus cannot be used", "--device", "abacus", command=measure)
    refuses(capsys, ".png, .pdf, .svg", recording, "--plot", tmp_path / "o.docx")
    refuses(capsys, "--output-dir goes with a directory", recording, "--output-dir", tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == [recording]


def test_a_directory_without_recordings_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    refuses(capsys, "holds no */input.wav", tmp_path)
    (tmp_path / "one").mkdir()
    sample(tmp_path / "one/input.wav", TONE)
    refuses(capsys, "every dialogue of", tmp_path, "--output", "../same.wav")


def test_a_bad_description_beside_a_recording_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "one").mkdir()
    sample(tmp_path / "one/input.wav", TONE)
    wrong = {"speaker": "user", "text": "hello", "start_s": 0.1, "end_s": None}
    for content in ("not json", "[1, 2]", '{"segments": [{"speaker": "user"}]}', json.dumps({"segments": [wrong]})):
        (tmp_path / "one/meta.json").write_text(content)
        refuses(capsys, "meta.json", tmp_path)


def flip_a_byte(model: Path) -> None:
    content = bytearray((model / "weights.safetensors").read_bytes())
    content[-100] ^= 1
    (model / "weights.safetensors").write_bytes(content)


def change_weights(model: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    weights = load_file(model / "weights.safetensors")
    change(weights)
    save_file(weights, model / "weights.safetensors")


DAMAGE: dict[str, tuple[Callable[[Path], object], str]] = {
    "flipped byte": (flip_a_byte, "damaged"),
    "missing tensor": (lambda model: change_weights(model, lambda weights: weights.pop("connector.up.weight")), "connector.up.weight"),
    "wrong shape": (lambda model: change_weights(model, lambda weights: weights.update(stream=torch.zeros(7))), "stream has the shape"),
    "no weights": (lambda model: (model / "weights.safetensors").unlink(), "weights.safetensors is missing"),
    "no model": (shutil.rmtree, "no model named"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_model_is_refused(
    case: str, tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]  # noqa: F811
):
    monkeypatch.setattr(talking, "find_model", checkpoint.find_model)
    monkeypatch.setattr(talking, "load_model", checkpoint.load_model)
    recording, model = sample(tmp_path / "in.wav", TONE), tmp_path / "model"
    checkpoint.save_model(build(tokens), model)
    assert cli.main(["converse", str(recording), "--model", str(model)]) == 0
    capsys.readouterr()
    damage, says = DAMAGE[case]
    damage(model)
    refuses(capsys, says, recording, "--model", model, "--output", tmp_path / "o.wav")
    assert {path.name for path in tmp_path.iterdir()} <= {"in.wav", "model"}


def test_an_unknown_model_or_option_ends_with_code_2(tmp_path: Path):
    recording = sample(tmp_path / "in.wav", TONE)
    for arguments, says in (([str(recording), "--model", "gigantic"], "gigantic"), ([str(recording), "--speed", "2"], "--speed")):
        run = subprocess.run([sys.executable, "-m", "parley.cli", "converse", *arguments], capture_output=True, text=True)
        assert run.returncode == 2 and says in run.stderr and "Traceback" not in run.stderr and not run.stdout


def test_a_terminated_run_leaves_nothing_behind(tmp_path: Path):
    recording = sample(tmp_path / "in.wav", np.tile(TONE, 60))
    script = (
        "import sys; sys.path.insert(0, 'tests'); import parrot; from parley import cli; from parley.commands import talking;"
        "talking.find_model = str; talking.load_model = lambda path: parrot.Parrot(); sys.exit(cli.main(sys.argv[1:]))"
    )
    arguments = ["converse", str(recording), "--realtime", "--output", str(tmp_path / "o.wav"), "--timeline", str(tmp_path / "o.jsonl")]
    run = subprocess.Popen([sys.executable, "-c", script, *arguments], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 300
    while len(list(tmp_path.iterdir())) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(list(tmp_path.iterdir())) >= 3, "the run did not start to write"
    os.kill(run.pid, signal.SIGTERM)
    _, error = run.communicate(timeout=300)
    assert run.returncode == 130 and error.count("\n") == 1
    assert sorted(tmp_path.iterdir()) == [recording]

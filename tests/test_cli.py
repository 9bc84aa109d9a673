"""The command contract: `parley converse` on a file and on a directory, `parley data world`, and what the terminal shows."""

import io
import json
import queue
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
from parrot import Parrot
from rich.console import Console

from parley import cli
from parley.audio import write_wav
from parley.commands import talking
from parley.data import manifest
from parley.dialogue import Dialogue, Kind, Segment, Speaker
from parley.runtime import talk
from parley.runtime.engine import Engine

BLOCK, RATE = 1280, 16000


@pytest.fixture(autouse=True)
def parrot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(talking, "find_model", Path)
    monkeypatch.setattr(talking, "load_model", lambda path: Parrot())


def question(blocks: int = 6, rest: int = 50) -> np.ndarray:
    """Half a second of sound after two quiet blocks, then silence."""
    sound = np.random.default_rng(0).normal(0, 0.05, blocks * BLOCK)
    return np.concatenate([np.zeros(2 * BLOCK), sound, np.zeros(rest * BLOCK)]).astype(np.float32)


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def converse(*arguments: object) -> None:
    assert cli.main(["converse", *map(str, arguments)]) == 0


def test_the_output_and_the_timeline_keep_the_recordings_clock(tmp_path: Path):
    write_wav(tmp_path / "in.wav", question()[:-300], RATE)
    converse(tmp_path / "in.wav", "--output", tmp_path / "out.wav", "--timeline", tmp_path / "out.jsonl", "--plot", tmp_path / "out.png")

    played, rate = soundfile.read(tmp_path / "out.wav")
    assert rate == RATE and played.ndim == 1 and 0 <= len(played) - (len(question()) - 300) < BLOCK
    *rows, last = lines(tmp_path / "out.jsonl")
    assert [row["block"] for row in rows] == list(range(58))
    assert all(set(row) == {"block", "start_s", "mode", "token", "text", "compute_ms"} for row in rows)
    assert rows[25]["start_s"] == 2.0
    assert [row["token"] for row in rows[9:16]] == ["<think>", "<shift>", " all", " is", " well", " here", "<think>"]
    assert [row["mode"] for row in rows[9:12]] == ["listening", "speaking", "speaking"]
    assert [row["text"] for row in rows[9:12]] == ["", "", " all"]
    (answer,) = last["summary"]["answers"]
    assert answer["text"] == answer["spoken"] == "all is well here" and not answer["interrupted"]
    assert answer["shift_s"] == pytest.approx(11 * 0.08)
    first_audible = np.flatnonzero(np.abs(played) > 0.01)[0] / RATE
    assert answer["onset_s"] == pytest.approx(first_audible, abs=1e-3) and last["summary"]["onsets"] == [answer["onset_s"]]
    assert answer["onset_s"] - answer["shift_s"] == pytest.approx(0.32, abs=1e-3)
    assert 0 < last["summary"]["real_time_factor"] < 1
    assert (tmp_path / "out.png").read_bytes().startswith(b"\x89PNG")


def test_the_tail_lets_a_last_answer_finish(tmp_path: Path):
    write_wav(tmp_path / "in.wav", question(rest=5), RATE)
    for tail, text in ((0, "all"), (3, "all is well here")):
        converse(tmp_path / "in.wav", "--output", tmp_path / "out.wav", "--timeline", tmp_path / "out.jsonl", "--tail", tail)
        assert lines(tmp_path / "out.jsonl")[-1]["summary"]["answers"][0]["text"].startswith(text)
        assert abs(soundfile.info(tmp_path / "out.wav").frames - (13 * BLOCK + tail * RATE)) <= BLOCK


def test_a_recording_that_ends_in_half_a_character_of_the_answer_has_its_timeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    class Halved(Parrot):
        """Its words are the first byte of a character."""

        def piece(self, token: int) -> str:
            return " \udce2" if super().piece(token) else ""

    monkeypatch.setattr(talking, "load_model", lambda path: Halved())
    write_wav(tmp_path / "in.wav", question(rest=5), RATE)
    converse(tmp_path / "in.wav", "--output", tmp_path / "out.wav", "--timeline", tmp_path / "out.jsonl")
    (answer,) = lines(tmp_path / "out.jsonl")[-1]["summary"]["answers"]
    assert set(answer["text"].split()) == {"\ufffd"}


@pytest.mark.parametrize("rate", [8000, 44100])
def test_stereo_of_any_rate_is_heard_on_the_left(tmp_path: Path, rate: int):
    left = question()[::2] if rate == 8000 else np.interp(np.arange(58 * 3528) / 44100, np.arange(58 * BLOCK) / RATE, question())
    right = np.random.default_rng(1).normal(0, 0.3, len(left))
    soundfile.write(tmp_path / "in.flac", np.stack([left, right], axis=1), rate)
    converse(tmp_path / "in.flac", "--output", tmp_path / "out.wav", "--timeline", tmp_path / "out.jsonl")
    assert abs(soundfile.info(tmp_path / "out.wav").duration - len(left) / rate) <= 0.08
    assert len(lines(tmp_path / "out.jsonl")[-1]["summary"]["answers"]) == 1


def test_the_stereo_output_holds_the_user_left_and_the_model_right(tmp_path: Path):
    write_wav(tmp_path / "in.wav", question(), RATE)
    converse(tmp_path / "in.wav", "--output", tmp_path / "mono.wav")
    converse(tmp_path / "in.wav", "--output", tmp_path / "both.wav", "--stereo")
    both, _ = soundfile.read(tmp_path / "both.wav")
    np.testing.assert_allclose(both[:, 0], question(), atol=1e-4)
    np.testing.assert_array_equal(both[:, 1], soundfile.read(tmp_path / "mono.wav")[0])


def test_the_echo_is_heard_and_can_stop_a_model(tmp_path: Path):
    write_wav(tmp_path / "in.wav", question(), RATE)
    for factor, stopped in ((0.0, False), (0.3, False), (1.0, True)):  # a parrot stops at its own loud voice
        converse(tmp_path / "in.wav", "--timeline", tmp_path / "out.jsonl", "--echo", factor)
        assert lines(tmp_path / "out.jsonl")[-1]["summary"]["answers"][0]["interrupted"] is stopped


def test_a_directory_gets_its_outputs_beside_every_input(tmp_path: Path):
    for name in ("one", "deep/two"):
        (tmp_path / name).mkdir(parents=True)
        write_wav(tmp_path / name / "input.wav", question(), RATE)
    converse(tmp_path)
    for name in ("one", "deep/two"):
        assert sorted(path.name for path in (tmp_path / name).iterdir()) == ["input.wav", "output.wav", "timeline.jsonl"]
        assert soundfile.info(tmp_path / name / "output.wav").frames == 58 * BLOCK


def test_a_directory_can_be_written_elsewhere_with_captions(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "in/one").mkdir(parents=True)
    write_wav(tmp_path / "in/one/input.wav", question(), RATE)
    segment = {"speaker": "user", "text": "how are you", "start_s": 0.16, "end_s": 0.64}
    (tmp_path / "in/one/meta.json").write_text(json.dumps({"segments": [segment]}))
    converse(tmp_path / "in", "--output-dir", tmp_path / "out", "--output", "dialogue.wav", "--plot", "dialogue.png", "--stereo")
    assert sorted(path.name for path in (tmp_path / "out/one").iterdir()) == ["dialogue.png", "dialogue.wav", "timeline.jsonl"]
    assert sorted(path.name for path in (tmp_path / "in/one").iterdir()) == ["input.wav", "meta.json"]
    shown = capsys.readouterr().out
    assert shown.index("how are you") < shown.index("all is well here")


def test_one_file_for_all_dialogues_of_a_directory_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write_wav(tmp_path / name / "input.wav", question(), RATE)
    for option in ("--output", "--timeline", "--plot"):
        assert cli.main(["converse", str(tmp_path), option, str(tmp_path / "all.png")]) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1 and "every dialogue of" in error
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["input.wav", "input.wav", "one", "two"]


def test_sound_under_a_name_of_another_format_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_wav(tmp_path / "in.wav", question(), RATE)
    assert cli.main(["converse", str(tmp_path / "in.wav"), "--output", str(tmp_path / "said.mp3")]) == 2
    assert "said.mp3: what the model says is written as WAV; give it a name that ends in .wav" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]


def test_realtime_takes_at_least_as_long_as_the_recording(tmp_path: Path):
    write_wav(tmp_path / "in.wav", question(rest=2), RATE)
    start = time.monotonic()
    converse(tmp_path / "in.wav", "--realtime")
    assert time.monotonic() - start >= 10 * 0.08


def test_a_long_dialogue_is_drawn_in_rows(tmp_path: Path):
    write_wav(tmp_path / "in.wav", np.tile(question(), 10), RATE)
    converse(tmp_path / "in.wav", "--plot", tmp_path / "out.svg")
    assert "<svg" in (tmp_path / "out.svg").read_text()


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    class Stopped(Parrot):
        def piece(self, token: int) -> str:
            if token:
                raise KeyboardInterrupt
            return ""

    monkeypatch.setattr(talking, "load_model", lambda path: Stopped())
    write_wav(tmp_path / "in.wav", question(), RATE)
    outputs = ["--output", str(tmp_path / "a.wav"), "--timeline", str(tmp_path / "a.jsonl")]
    assert cli.main(["converse", str(tmp_path / "in.wav"), *outputs]) == 130
    assert [path.name for path in tmp_path.iterdir()] == ["in.wav"]
    assert "stopped" in capsys.readouterr().err


def test_data_world_prints_one_question_a_line(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["data", "world"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert len(rows) > 450 and all(set(row) == {"domain", "question", "answer", "keywords", "split"} for row in rows)


def test_data_show_prints_a_dialogue_block_by_block(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """A question from 0.2 to 1.0 s, an answer from 2.0 to 3.2 s, whose first sound is made five blocks after the block of its `<shift>`."""
    segments = (
        Segment(Speaker.USER, Kind.QUESTION, "what is it", RATE // 5, RATE),
        Segment(Speaker.AGENT, Kind.ANSWER, "It is tea.", 2 * RATE, 16 * RATE // 5),
    )
    silence = np.zeros(5 * RATE, dtype=np.float32)
    folder = manifest.write([Dialogue("tea", RATE, silence, silence, segments)], tmp_path).parent
    assert cli.main(["data", "show", str(folder), "tea"]) == 0
    head, *blocks = (line for line in capsys.readouterr().out.splitlines() if line.strip())
    assert head.split()[:3] == ["time", "block", "heard"] and [int(line.split()[1]) for line in blocks] == list(range(63))
    assert [block for block, line in enumerate(blocks) if "user:question" in line] == list(range(2, 13))
    shifts = [block for block, line in enumerate(blocks) if "<shift>" in line.partition("->")[2]]
    assert shifts[0] == 25 - 5 and len(shifts) == 2 and shifts[1] > 3.2 / 0.08
    assert {line.split()[-1] for line in blocks[: shifts[0]]} == {"0.3"}  # the weight of thinking in the shipped model's layout
    assert cli.main(["data", "show", str(folder), "coffee"]) == 2
    assert "holds no dialogue 'coffee'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says", "helper"),
    [
        (
            "--nonsense",
            "Unrecognized options: --nonsense; Available subcommands: converse, talk, serve, eval, bench, data, train; ",
            "parley",
        ),
        ("eval --nonsense", "Unrecognized options: --nonsense; Available subcommands: turn_taking, ", "parley eval"),
        ("bunch load", "parley: parley has no command 'bunch'; did you mean bench?", "parley"),
        ("eval turn_takin --out x", "parley: parley eval has no command 'turn_takin'; did you mean turn_taking?", "parley eval"),
        ("data nonsense x", "parley: parley data has no command 'nonsense'; choose world, read, ", "parley data"),
        ("eval", "Expected one of {turn_taking, ", "parley eval"),
        ("eval barge_in", "Missing from parley eval barge_in: --out PATH", "parley eval barge_in"),
        ("eval barge_in --out x --colour 3", "Unrecognized options: --colour, 3; ", "parley eval barge_in"),
        ("talk --threads many", "Error parsing --threads: ", "parley talk"),
        ("data build x --n 0", "parley: --n is 0; ask for at least one dialogue", "parley data build"),
        ("data build x --n 3 --pause-s 2 1", "parley: --pause-s is 2.0 1.0; give the shortest and the longest", "parley data build"),
        ("data build x --n 3 --snr-db nan 3", "parley: --snr-db is nan 3.0; give the lowest and the highest", "parley data build"),
        ("data build x --n 3 --quiet 2", "parley: --quiet is 2.0; give a share", "parley data build"),
        ("data build x --n 3 --seed -1", "parley: --seed is -1; give 0 or more", "parley data build"),
        ("serve --port 70000", "parley: --port is 70000; give 0 to 65535", "parley serve"),
        ("converse in.wav --echo", "Missing value for argument '--echo'", "parley converse"),
    ],
)
def test_a_wrong_command_is_one_line_that_names_its_help(arguments: str, says: str, helper: str, capsys: pytest.CaptureFixture[str]):
    assert cli.main(arguments.split()) == 2
    shown = capsys.readouterr()
    assert says in shown.err and shown.err.count("\n") == 1 and not shown.out
    assert shown.err.rstrip().endswith(f"; see {helper} --help")


def test_what_the_system_refuses_is_told_by_the_name_of_the_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "file").touch()
    assert cli.main(["data", "build", str(tmp_path / "file" / "below"), "--n", "1"]) == 2
    said = f"parley: {tmp_path / 'file' / 'below'}: Not a directory; a file is where a folder should be, name another"
    assert capsys.readouterr().err.strip().endswith(said)


def test_a_device_without_room_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def run(arguments: list[str]) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB.\nmore")

    monkeypatch.setattr(cli, "run", run)
    assert cli.main([]) == 2 and capsys.readouterr().err.count("\n") == 1


def test_version_and_help(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("parley 0.")
    for arguments in (["--help"], ["converse", "--help"], ["data", "--help"]):
        with pytest.raises(SystemExit) as stop:
            cli.main(arguments)
        assert stop.value.code == 0


def test_help_tells_of_every_command_what_its_own_help_does():
    for name, told in cli.TALKING.items():
        assert cli.about(talking.COMMANDS[name]).splitlines()[0] == told, name
    for group in cli.GROUPS.values():
        assert all(cli.about(command) for command in cli.loaded(group.module).values())


def test_help_and_what_is_misspelt_load_no_model_code():
    """They are answered at once: PyTorch alone takes seconds to load on a small machine."""
    program = "import sys; from parley import cli\ntry: cli.main([sys.argv[1]])\nexcept SystemExit: pass\nassert 'torch' not in sys.modules"
    for argument in ("--help", "--version", "serv"):
        subprocess.run([sys.executable, "-c", program, argument], check=True, capture_output=True)


def test_output_that_nobody_reads_to_its_end_is_no_error():
    program = "import sys; from parley import cli; cli.run = lambda _: [print(n) for n in range(10**6)]; sys.exit(cli.main([]))"
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as talks:
        assert talks.stdout and talks.stderr
        assert talks.stdout.readline() == b"0\n"
        talks.stdout.close()
        assert talks.stderr.read() == b"" and talks.wait() == 1


def test_talking_plays_each_block_after_the_one_that_was_heard():
    played: list[np.ndarray] = []
    console = Console(file=io.StringIO())
    talk.hold(Engine(Parrot(), rows=1), iter(question().reshape(-1, BLOCK)), played.append, console)
    assert len(played) == 58 and not np.any(played[:14]) and np.abs(played[14]).max() > 0.4
    assert "all is well here" in console.file.getvalue()  # type: ignore[attr-defined]


def test_words_are_printed_as_they_are(monkeypatch: pytest.MonkeyPatch):
    """Whatever a big vocabulary has in it."""
    console = Console(file=io.StringIO())
    monkeypatch.setattr(Parrot, "piece", lambda self, token: " [/i] [bold]" if token == 2 else "")
    talk.hold(Engine(Parrot(), rows=1), iter(question().reshape(-1, BLOCK)), lambda _: None, console)
    assert " [/i] [bold]" in console.file.getvalue()  # type: ignore[attr-defined]


def test_half_a_second_waits_to_be_played_and_silence_goes_first():
    to_play: queue.Queue[np.ndarray] = queue.Queue()
    for number in (1, 2, 0, 3, 4, 5, 6, 7):  # the third is silent
        talk.play_soon(to_play, np.full(BLOCK, number, np.float32))
    assert [int(block[0]) for block in to_play.queue] == [2, 3, 4, 5, 6, 7]


def test_a_microphone_that_went_away_is_told_in_one_line():
    heard: queue.Queue[np.ndarray] = queue.Queue()
    heard.put(np.zeros(BLOCK, np.float32))
    blocks = talk.waiting(heard, Parrot().clock, Console(file=io.StringIO()), lost_s=0.05)
    next(blocks)
    with pytest.raises(ValueError, match="the microphone has sent nothing for 0.05 s"):
        next(blocks)


def test_talking_without_sounddevice_or_a_device_says_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    assert cli.main(["talk"]) == 2
    assert "pip install -e '.[talk]'" in capsys.readouterr().err

    class PortAudioError(Exception):
        pass

    def no_device(*arguments: object, callback: object) -> None:
        raise PortAudioError("Error querying device -1")

    fake = SimpleNamespace(InputStream=no_device, OutputStream=no_device, PortAudioError=PortAudioError)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    assert cli.main(["talk"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "Error querying device" in error


def test_a_slow_machine_is_told_once_that_it_is_behind():
    heard: queue.Queue[np.ndarray] = queue.Queue()
    for _ in range(2 * talk.BEHIND):
        heard.put(np.zeros(BLOCK, np.float32))
    console = Console(file=io.StringIO(), width=200)
    blocks = talk.waiting(heard, Parrot().clock, console)
    for _ in range(5):
        next(blocks)
    assert console.file.getvalue().count("behind") == 1  # type: ignore[attr-defined]

"""Builds from scripts, as shards or plain: the same bytes after a kill, on a full disk, and on Ray; checked line by line, and converted."""

import errno
import gzip
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lhotse import CutSet, MultiCut
from lhotse.shar import SharWriter

from parley.clock import Clock
from parley.data import build as building
from parley.data import manifest, voices
from parley.data.build import BuildConfig, build
from parley.data.channel.channel import ChannelConfig
from parley.data.corpora.entries import Failed
from parley.data.corpora.script import Script, Turn, agent, to_line, user
from parley.data.remote.speech import Down
from parley.data.shards import convert as converting
from parley.data.shards.check import check
from parley.data.shards.cluster import failures_in, row_of
from parley.data.shards.convert import Form, convert, read_any
from parley.data.shards.cuts import crowded
from parley.data.shards.shar import read_shard, shards_of
from parley.dialogue import Dialogue, Kind, Segment, Speaker
from parley.llm.layout import LayoutConfig, lay_out
from parley.llm.tokens import Tokens, train_tokenizer

RATE = 16000
TEXTS = ("what is red", "blood", "tell me more", "it is in the veins and it goes round and round", "stop that")


def tone(seconds: float, hertz: float = 300.0) -> np.ndarray:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> BuildConfig:
    """Six scripts, and a folder of recordings that can say all of them but the fifth."""
    folder = tmp_path_factory.mktemp("spoken")
    for number, text in enumerate(TEXTS):
        (folder / f"{number}.txt").write_text(text)
        soundfile.write(folder / f"{number}.wav", tone(0.08 * len(text), 200.0 + 50 * number), RATE)
    short, stop = (user(TEXTS[0], ("blood",)), agent(TEXTS[1])), Turn(Speaker.USER, TEXTS[4], Kind.INTERRUPTION)
    scripts = [Script(str(number), "qa", short if number % 2 else (user(TEXTS[2]), agent(TEXTS[3]), stop)) for number in range(6)]
    scripts[4] = Script("4", "qa", (user("nobody says this"), agent(TEXTS[1])))
    (folder / "scripts.jsonl").write_text("".join(map(to_line, scripts)))
    voice = f"recordings:{folder}"
    return BuildConfig(scripts=folder / "scripts.jsonl", voice=(voice,), assistant=voice, shard=2, shar=True, seed=3)


@pytest.fixture(scope="module")
def shards(spoken: BuildConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("built")
    assert build(out, spoken) == out / "shar"
    return out


@pytest.fixture(scope="module")
def plain(spoken: BuildConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("plain")
    build(out, replace(spoken, shar=False))
    return out


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_shards_hold_what_the_plain_manifest_holds_and_lhotse_reads_them(shards: Path, plain: Path):
    ours, theirs = list(manifest.read(shards)), list(manifest.read(plain))
    assert [each.id for each in ours] == [f"scripts-3-00000{number}" for number in (0, 1, 2, 3, 5)]
    for one, other in zip(ours, theirs, strict=True):
        assert one.segments == other.segments and one.segments[0].voice.startswith("recordings:")
        assert np.array_equal(one.environment, other.environment) and np.array_equal(one.assistant, other.assistant)
    assert any(segment.interrupted for segment in ours[0].segments)
    cuts = list(CutSet.from_shar(in_dir=str(shards / "shar")))
    assert [cut.id for cut in cuts] == [each.id for each in ours]
    np.testing.assert_allclose(cuts[2].load_audio()[0], ours[2].environment, atol=1e-6)
    np.testing.assert_allclose(cuts[2].load_target_audio()[0], ours[2].assistant, atol=1e-6)


def test_what_a_voice_cannot_say_is_reported_left_out_and_counted(shards: Path, caplog: pytest.LogCaptureFixture, spoken: BuildConfig):
    (failed,) = map(json.loads, (shards / "failed.jsonl").read_text().splitlines())
    assert failed["id"] == "scripts-3-000004" and failed["reason"].startswith("scripts.jsonl:5: recordings:")
    assert "has no recording of 'nobody says this'" in failed["reason"]
    build(shards, spoken)  # nothing is left to do, and what failed is still counted
    assert "1 of 6 dialogues failed and are left out" in caplog.text


def test_nothing_but_failures_is_an_error_with_the_first_of_them(tmp_path: Path, spoken: BuildConfig):
    (tmp_path / "s.jsonl").write_text('{"id": "a", "turns": 3}\n{"broken\n')
    with pytest.raises(ValueError, match="none of the 2 dialogues can be made; the first: s.jsonl:1: is no script"):
        build(tmp_path / "out", replace(spoken, scripts=tmp_path / "s.jsonl"))
    with pytest.raises(ValueError, match="holds no recordings with transcripts"):
        build(tmp_path / "out", replace(spoken, voice=(f"recordings:{tmp_path / 'out'}",)))
    with pytest.raises(ValueError, match="'pico' is no voice"):
        build(tmp_path / "out", replace(spoken, voice=("pico",)))
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(ValueError, match="empty.jsonl: holds no script"):
        build(tmp_path / "none", replace(spoken, scripts=tmp_path / "empty.jsonl"))


def test_scripts_begin_again_with_other_draws_and_other_settings_are_refused(tmp_path: Path, spoken: BuildConfig):
    config = replace(spoken, n=7, shar=False, shard=64, channel=ChannelConfig(telephone_share=1.0))
    build(tmp_path, config)
    dialogues = {dialogue.id[-1]: dialogue for dialogue in manifest.read(tmp_path)}
    assert list(dialogues) == list("012356") and dialogues["0"].segments[0].text == dialogues["6"].segments[0].text
    assert dialogues["0"].segments != dialogues["6"].segments
    with pytest.raises(ValueError, match="holds a build with other settings"):
        build(tmp_path, replace(config, channel=ChannelConfig()))


BUILD = """
import pickle, sys, time
from parley.data import build
made = build._dialogue
build._dialogue = lambda config, mixing, name, index: made(config, mixing, name, index) if index < 3 else time.sleep(600)
build.build(*pickle.load(sys.stdin.buffer))
"""  # stops inside the second of three shards


def test_a_killed_build_goes_on_without_a_duplicate_or_a_hole(tmp_path: Path, shards: Path, spoken: BuildConfig):
    import pickle

    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", BUILD], stdin=subprocess.PIPE, env=environment, start_new_session=True)
    assert process.stdin
    process.stdin.write(pickle.dumps((tmp_path, spoken)))
    process.stdin.close()
    while process.poll() is None and not (tmp_path / "unfinished-recording.000001.tar").exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert [path.name for path in shards_of(tmp_path)] == ["cuts.000000.jsonl.gz"]
    build(tmp_path, spoken)
    assert contents(tmp_path) == contents(shards)


@pytest.mark.parametrize("shar", [True, False])
def test_a_full_disk_is_said_and_the_build_goes_on_when_there_is_room(
    shar: bool, tmp_path: Path, spoken: BuildConfig, shards: Path, plain: Path
):
    full = tmp_path / ("unfinished-target_audio.000001.tar" if shar else "audio/scripts-3-000003-agent.flac")
    full.parent.mkdir(exist_ok=True)
    full.symlink_to("/dev/full")  # whatever is written to it finds no space left on the device
    config = replace(spoken, shar=shar)
    with pytest.raises(ValueError, match="the disk is full; make room and run the same command again, what is finished stays"):
        build(tmp_path, config)
    finished = shards_of(tmp_path) if shar else sorted(tmp_path.glob("shard-*"))
    assert [path.name for path in finished] == ["cuts.000000.jsonl.gz" if shar else "shard-00000.jsonl"]
    full.unlink()
    build(tmp_path, config)
    assert contents(tmp_path) == contents(shards if shar else plain)


def test_a_disk_that_is_full_from_the_start_costs_no_settings(tmp_path: Path, spoken: BuildConfig, shards: Path):
    full = tmp_path / "unfinished-build.json"
    for _ in range(2):
        full.symlink_to("/dev/full")
        with pytest.raises(ValueError, match="the disk is full"):
            build(tmp_path, spoken)
        assert not (tmp_path / "build.json").exists()
        full.unlink()
    build(tmp_path, spoken)
    full.symlink_to("/dev/full")
    build(tmp_path, spoken)  # the settings are there already and are not written again
    full.unlink()
    assert contents(tmp_path) == contents(shards)


@pytest.mark.parametrize("stopped", [True, False])
def test_after_an_error_or_a_stop_no_further_shard_is_begun(
    stopped: bool, tmp_path: Path, spoken: BuildConfig, monkeypatch: pytest.MonkeyPatch
):
    begun: list[int] = []

    def build_shard(out: Path, config: BuildConfig, voices: object, shard: int) -> list[Failed]:
        begun.append(shard)
        time.sleep(0.05)
        if shard == 1 and not stopped:
            raise OSError(errno.ENOSPC, "no space left")
        return []

    monkeypatch.setattr(building, "build_shard", build_shard)
    monkeypatch.setattr(building, "ProcessPoolExecutor", lambda jobs, context: ThreadPoolExecutor(1))
    finished = building._build_shards(tmp_path, spoken, (), list(range(40)), 2, False)
    if stopped:
        assert next(finished) == (0, [])
        finished.close()
    else:
        with pytest.raises(OSError, match="no space left"):
            list(finished)
    time.sleep(0.1)
    assert 1 <= len(begun) < 10


def test_ray_gives_the_same_bytes(tmp_path: Path, shards: Path, spoken: BuildConfig):
    ray = pytest.importorskip("ray")
    pytest.importorskip("ray.data")
    try:
        ray.init(num_cpus=1, include_dashboard=False, log_to_driver=False)
    except Exception as error:  # its own limit of 30 s is short on a machine that is busy
        pytest.skip(f"Ray does not start here: {error}")
    try:
        build(tmp_path, spoken, ray=True)
    finally:
        ray.shutdown()
    assert contents(tmp_path) == contents(shards)


@pytest.mark.parametrize(
    ("error", "kind"), [(OSError(errno.ENOSPC, "no room", "a.tar"), OSError), (ValueError("bad"), ValueError), (Down("nobody"), Down)]
)
def test_what_ends_a_shard_on_another_machine_ends_it_here_alike(error: Exception, kind: type[Exception]):
    def work(shard: int) -> list[Failed]:
        if shard:
            raise error
        return [Failed("a", "why")]

    assert failures_in(row_of(work, 0)) == [Failed("a", "why")]
    row = json.loads(json.dumps(row_of(work, 1)))
    assert row["shard"] == 1 and row_of(work, 0).keys() == row.keys()
    with pytest.raises(kind) as raised:
        failures_in(row)
    assert type(raised.value) is type(error) or kind is OSError
    assert str(raised.value) == str(error)
    assert not isinstance(raised.value, OSError) or raised.value.errno == (error.errno if isinstance(error, OSError) else None)


def test_without_ray_one_line_says_what_to_install(tmp_path: Path, spoken: BuildConfig, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ValueError, match=r"pip install -e '.\[scale\]'"):
        build(tmp_path, spoken, ray=True)


# ---- check --------------------------------------------------------------------------------------------------------------------


def dialogue(name: str = "a") -> Dialogue:
    environment, assistant = np.zeros((2, 3 * RATE), np.float32)
    environment[RATE // 2 : RATE], assistant[RATE * 3 // 2 : RATE * 2] = tone(0.5), tone(0.5)
    segments = (
        Segment(Speaker.USER, Kind.QUESTION, "who", RATE // 2, RATE),
        Segment(Speaker.AGENT, Kind.ANSWER, "me", RATE * 3 // 2, RATE * 2),
        Segment(Speaker.OTHER, Kind.CHAT, "well", RATE * 5 // 2, RATE * 11 // 4),
    )
    return Dialogue(name, RATE, environment, assistant, segments)


def test_good_manifests_have_nothing_wrong(shards: Path, plain: Path, spoken: BuildConfig):
    assert check(shards) == check(shards / "shar") == check(plain) == check(plain / "cuts.jsonl") == (5, [])
    assert spoken.scripts
    count, said = check(spoken.scripts)  # three of them say what one before says
    assert count == 6 and [line.split(" ")[0] for line in said] == [f"scripts.jsonl:{number}:" for number in (3, 4, 6)]
    assert all("duplicate: " in line for line in said)
    with pytest.raises(ValueError, match="no such file or folder"):
        check(plain / "nowhere")


def edited(folder: Path, change) -> list[str]:
    """What is wrong after `change` to the second of two cuts."""
    manifest.write([dialogue("a"), dialogue("b")], folder)
    lines = [json.loads(line) for line in (folder / "cuts.jsonl").read_text().splitlines()]
    change(lines[1])
    (folder / "cuts.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    count, problems = check(folder)
    assert count == 2
    return problems


WRONG = {
    "another speaker": (lambda cut: cut["supervisions"][1].update(speaker="assistant"), "the speaker 'assistant' is none of user, User"),
    "no text": (lambda cut: cut["supervisions"][1].update(text=" "), "supervision b-1 has no text"),
    "beyond the end": (lambda cut: cut["supervisions"][1].update(duration=9.0), "supervision b-1 lies at [1.5, 10.5]"),
    "another rate": (lambda cut: cut["recording"].update(sampling_rate=8000, num_samples=24000), "says 8000 Hz, the file 16000 Hz"),
    "another length": (lambda cut: cut["recording"].update(num_samples=47999), "says 47999 samples, the file has 48000"),
    "a kind": (lambda cut: cut["supervisions"][0]["custom"].update(kind="shout"), "is of the kind 'shout'"),
    "a user who answers": (lambda cut: cut["supervisions"][0]["custom"].update(kind="answer"), "b-0 of the user is of the kind answer"),
    "an agent that asks": (
        lambda cut: cut["supervisions"][1]["custom"].update(kind="question"),
        "b-1 of the agent is of the kind question",
    ),
    "a silent answer": (lambda cut: cut["supervisions"][1].update(start=2.1), "the agent's answer 'me' is silent in target_audio"),
    "no recording": (lambda cut: cut["recording"]["sources"][0].update(source="audio/none.flac"), "no such file"),
    "the same id": (lambda cut: cut.update(id="a"), "has the id of cuts.jsonl:1"),
    "twice at once": (lambda cut: cut["supervisions"][1].update(speaker="user", start=0.6), "overlap, both by user"),
    "no target": (lambda cut: cut["custom"].pop("target_audio"), "in channel [0], the agent in [0]"),
    "no cut": (lambda cut: cut.pop("duration"), "is no lhotse cut"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_named_with_its_line(case: str, tmp_path: Path):
    change, complaint = WRONG[case]
    (problem,) = edited(tmp_path, change)
    assert problem.startswith("cuts.jsonl:2 (") and complaint in problem and "\n" not in problem


def test_broken_lines_files_and_shards_are_named(tmp_path: Path, shards: Path):
    manifest.write([dialogue("a")], tmp_path)
    with (tmp_path / "cuts.jsonl").open("a") as file:
        file.write("{\n[]\n")
    assert [problem.split(":")[1] for problem in check(tmp_path)[1]] == ["2", "3"]
    (tmp_path / "audio" / "a-agent.flac").write_bytes(b"fLaC")
    assert "cannot be read as audio" in check(tmp_path)[1][0]
    whole = (shards / "shar" / "cuts.000000.jsonl.gz").read_bytes()
    (tmp_path / "shar").mkdir()
    (tmp_path / "shar" / "cuts.000000.jsonl.gz").write_bytes(whole)
    (problem,) = check(tmp_path)[1]
    assert problem.startswith("cuts.000000.jsonl.gz: ") and "recording.000000.tar: cannot be read" in problem
    (tmp_path / "shar" / "cuts.000000.jsonl.gz").write_bytes(whole[:-30])
    assert any("the file cannot be read from here on" in problem for problem in check(tmp_path)[1])
    (tmp_path / "s.jsonl").write_text('{"id": "a", "turns": []}\n')
    assert check(tmp_path / "s.jsonl") == (1, ["s.jsonl:1: there is no turn in it"])


def test_a_manifest_of_others_without_our_custom_fields_is_read_as_it_stands(tmp_path: Path):
    whole = replace(dialogue("a"), segments=dialogue("a").segments[:2])
    manifest.write([whole], tmp_path)
    (line,) = (json.loads(line) for line in (tmp_path / "cuts.jsonl").read_text().splitlines())
    line["supervisions"].reverse()
    for each in line["supervisions"]:
        del each["custom"]
    (tmp_path / "cuts.jsonl").write_text(json.dumps(line) + "\n")
    assert check(tmp_path) == (1, [])
    (read,) = manifest.read(tmp_path)
    assert read.segments == whole.segments


def test_a_file_of_another_kind_is_no_flood(tmp_path: Path):
    (tmp_path / "report.json").write_text("{\n" + 98 * '"a": 1,\n' + "}\n")
    count, problems = check(tmp_path / "report.json")
    assert count == 100 and len(problems) == 21 and problems[0].startswith("report.json:1: is not JSON")
    assert problems[-1] == "report.json: 80 more lines are not JSON; a manifest has one JSON object a line"


def test_what_cannot_be_read_of_a_manifest_is_named_with_its_file_and_id(tmp_path: Path):
    path = manifest.write([dialogue("a"), dialogue("b")], tmp_path)
    good, sound = path.read_text(), tmp_path / "audio" / "b-user.flac"
    for line, complaint in (("{broken", "cuts.jsonl:3: is not JSON"), ('{"id": "x", "a": 1}', "cuts.jsonl: x is no lhotse cut")):
        path.write_text(f"{good}{line}\n")
        with pytest.raises(ValueError, match=complaint):
            list(manifest.read_cuts(path))
    part = json.loads(good.splitlines()[0]) | {"id": "p", "start": 1.0, "duration": 2.0, "supervisions": []}
    path.write_text(json.dumps(part) + "\n")
    with pytest.raises(ValueError, match="p is a part of its recording"):
        list(manifest.read_cuts(path))
    path.write_text(good)
    whole = sound.read_bytes()
    for content in (whole[: len(whole) // 2], b"fLaC", None):
        sound.unlink() if content is None else sound.write_bytes(content)
        with pytest.raises(ValueError, match=f"b: {sound}"):
            list(manifest.read(path))


def crowd(name: str, *answers: tuple[int, int]) -> Dialogue:
    """One whose agent speaks in these blocks."""
    segments = [Segment(Speaker.AGENT, Kind.ANSWER, f"one {start}", start * 1280, end * 1280) for start, end in answers]
    environment, assistant = np.zeros((2, 60 * 1280), np.float32)
    assistant[:] = tone(4.8)
    return Dialogue(name, RATE, environment, assistant, tuple(segments))


def test_answers_that_no_layout_has_room_for_are_named_by_check_and_left_out_by_convert(tmp_path: Path):
    crowds = [crowd("first-ok", (5, 20)), crowd("first", (4, 20)), crowd("gap-ok", (6, 20), (29, 40)), crowd("gap", (6, 20), (28, 40))]
    tokens = Tokens.of(train_tokenizer(["one two three four"] * 9, 320))
    for each in crowds:
        problems = list(crowded(each.segments, Clock(), LayoutConfig()))
        with nullcontext() if each.id.endswith("ok") else pytest.raises(ValueError):
            lay_out(each, Clock(), tokens, LayoutConfig())
        assert len(problems) == (0 if each.id.endswith("ok") else 1)
    manifest.write(crowds, tmp_path)
    first, gap = check(tmp_path)[1]
    assert first.startswith("cuts.jsonl:2 (first): the answer 'one 4' begins 0.08 s too soon after the beginning")
    assert gap.startswith("cuts.jsonl:4 (gap): the answer 'one 28' begins 0.08 s too soon after the answer before it")
    path, failed = convert(tmp_path, tmp_path / "out", Form.PLAIN)
    assert [each.id for each in failed] == ["first", "gap"] and "too soon" in failed[0].reason
    assert [cut.id for cut in manifest.read_cuts(path)] == ["first-ok", "gap-ok"]


def test_a_dialogue_that_is_too_long_is_named_by_check_and_left_out_by_convert(tmp_path: Path):
    silence = np.zeros(178 * RATE, np.float32)
    whole = dialogue("b")
    long = replace(whole, environment=np.append(whole.environment, silence), assistant=np.append(whole.assistant, silence))
    manifest.write([dialogue("a"), long], tmp_path)
    assert check(tmp_path) == (2, ["cuts.jsonl:2 (b): it lasts 181 s, but a dialogue at most 180 s; cut it into shorter ones"])
    path, (failed,) = convert(tmp_path, tmp_path / "out", Form.PLAIN)
    assert failed.id == "b" and failed.reason.startswith("it lasts 181 s") and [cut.id for cut in manifest.read_cuts(path)] == ["a"]


def test_a_cut_of_a_shard_that_cannot_be_used_is_left_out_by_convert_and_ends_training(tmp_path: Path):
    manifest.write([dialogue(name) for name in "abc"], tmp_path)
    first, second, third = manifest.read_cuts(tmp_path)
    second.custom = None
    channels = MultiCut("multi", 0.0, 3.0, [0], recording=first.recording, custom=first.custom)
    (tmp_path / "shar").mkdir()
    with SharWriter(str(tmp_path / "shar"), fields={"recording": "flac", "target_audio": "flac"}, shard_size=4) as writer:
        for cut in (first, second, channels, third):
            writer.write(cut)
    with tarfile.open(tmp_path / "shar" / "target_audio.000000.tar") as archive:
        assert "b.nodata" in archive.getnames()
    path, failed = convert(tmp_path / "shar", tmp_path / "out", Form.PLAIN)
    reason = "is no dialogue; need a MonoCut with target_audio"
    assert check(tmp_path / "shar") == (4, [f"cuts.000000.jsonl.gz:{at} ({name}): {reason}" for at, name in ((2, "b"), (3, "multi"))])
    assert failed == [Failed("b", reason), Failed("multi", reason)] and [cut.id for cut in manifest.read_cuts(path)] == ["a", "c"]
    with pytest.raises(ValueError, match=f"cuts.000000.jsonl.gz: b: {reason}"):
        list(manifest.read_cuts(tmp_path / "shar"))


# ---- NeMo ---------------------------------------------------------------------------------------------------------------------


def test_nemo_gets_its_convention_and_comes_back(tmp_path: Path):
    manifest.write([dialogue("a"), dialogue("b")], tmp_path / "ours")
    path, failed = convert(tmp_path / "ours", tmp_path / "nemo", Form.NEMO)
    assert not failed and check(path) == (2, [])
    cut = next(iter(CutSet.from_shar(in_dir=str(path))))
    assert cut.recording.sampling_rate == RATE and cut.target_audio.sampling_rate == 22050
    assert [each.speaker for each in cut.supervisions] == ["user", "agent"]  # exact, and nobody else's turn
    assert abs(cut.load_target_audio().shape[1] - 3 * 22050) <= 1
    back, failed = convert(tmp_path / "nemo", tmp_path / "back", Form.PLAIN)
    assert not failed and check(back) == (2, [])
    (one, _), whole = manifest.read(tmp_path / "back"), dialogue("a")
    assert one.segments == whole.segments[:2]
    np.testing.assert_allclose(one.environment, whole.environment, atol=1e-4)
    quiet = slice(RATE * 3 // 2 + 400, RATE * 2 - 400)
    np.testing.assert_allclose(one.assistant[quiet], whole.assistant[quiet], atol=0.01)


def test_a_manifest_of_nemo_with_its_other_role_names_and_two_channels_is_read(tmp_path: Path):
    manifest.write([dialogue("a")], tmp_path)
    (line,) = (json.loads(line) for line in (tmp_path / "cuts.jsonl").read_text().splitlines())
    line["supervisions"] = [each for each in line["supervisions"] if each["speaker"] != "other"]
    for each, name in zip(line["supervisions"], ("User", "Assistant"), strict=True):
        each["speaker"] = name
        del each["custom"]
    (tmp_path / "nemo.jsonl.gz").write_bytes(gzip.compress(json.dumps(line).encode() + b"\n"))
    (read,) = read_any(tmp_path / "nemo.jsonl.gz")
    assert isinstance(read, Dialogue)
    assert [(each.speaker, each.kind, each.text, each.start, each.end) for each in read.segments] == [
        (each.speaker, each.kind, each.text, each.start, each.end) for each in dialogue().segments[:2]
    ]
    np.testing.assert_allclose(read.assistant, dialogue().assistant, atol=1e-4)
    soundfile.write(tmp_path / "both.wav", np.stack([dialogue().environment, dialogue().assistant], axis=1), RATE)
    both = {"id": "r", "sources": [{"type": "file", "channels": [0, 1], "source": "both.wav"}], "sampling_rate": RATE, "num_samples": 48000}
    line["recording"] = both | {"duration": 3.0, "channel_ids": [0, 1]}
    line |= {"type": "MultiCut", "channel": [0, 1], "custom": {}}
    line["supervisions"][1]["channel"] = 1
    (tmp_path / "two.jsonl").write_text(json.dumps(line) + "\n")
    (read,) = read_any(tmp_path / "two.jsonl")
    assert isinstance(read, Dialogue) and np.abs(read.assistant - dialogue().assistant).max() < 1e-3
    with pytest.raises(ValueError, match="is there already"):
        convert(tmp_path / "two.jsonl", tmp_path, Form.PLAIN)


def nemo(folder: Path, **changes: dict) -> list[str]:
    """What is wrong with a plain manifest of one dialogue whose supervisions, by speaker, are changed."""
    manifest.write([dialogue("a")], folder)
    (line,) = (json.loads(line) for line in (folder / "cuts.jsonl").read_text().splitlines())
    line["supervisions"] = [
        {name: value for name, value in each.items() if name != "custom"} | changes[each["speaker"]]
        for each in line["supervisions"]
        if each["speaker"] in changes
    ]
    (folder / "cuts.jsonl").write_text(json.dumps(line) + "\n")
    return check(folder)[1]


def test_nemos_other_roles_are_right_and_the_times_of_words_are_not_read(tmp_path: Path):
    timed = "<|0|> Hey <|3|> <|3|> how <|5|> <|7|> are <|8|> <|8|> <|10|> you? <|12|>"
    assert nemo(tmp_path, user={"speaker": "User", "text": timed}, agent={"speaker": "Assistant", "text": "fine"}) == []
    (read,) = manifest.read(tmp_path)
    assert [segment.text for segment in read.segments] == ["Hey how are you?", "fine"]
    assert nemo(tmp_path, user={"text": "<|0|> <|4|>"}, agent={}) == ["cuts.jsonl:1 (a): supervision a-0 has no text"]


@pytest.mark.parametrize(("start", "end", "interrupted"), [(1.7, 2.0, True), (1.4, 2.0, False), (1.6, 3.0, True), (1.4, 3.0, False)])
def test_a_plain_answer_that_ends_soon_after_the_user_begins_in_it_was_interrupted(
    start: float, end: float, interrupted: bool, tmp_path: Path
):
    assert nemo(tmp_path, user={"start": start, "duration": 0.2}, agent={"start": 1.5, "duration": end - 1.5}) == []
    (read,) = manifest.read(tmp_path)
    assert [segment.interrupted for segment in read.segments if segment.speaker == Speaker.AGENT] == [interrupted]


def test_a_cut_that_cannot_be_used_is_left_out_and_named(tmp_path: Path):
    manifest.write([dialogue("a"), dialogue("b")], tmp_path)
    (tmp_path / "audio" / "b-user.flac").unlink()
    path, (failed,) = convert(tmp_path, tmp_path / "out", Form.SHAR)
    assert failed.id == "b" and "no such file" in failed.reason
    assert [cut.id for cut in read_shard(shards_of(path)[0])] == ["a"]


def test_a_part_of_a_dialogue_has_that_part_of_the_agents_recording(tmp_path: Path):
    """As lhotse and NeMo read it."""
    manifest.write([dialogue("a")], tmp_path)
    (line,) = (json.loads(line) for line in (tmp_path / "cuts.jsonl").read_text().splitlines())
    line.update(start=1.0, duration=2.0, supervisions=[])
    (tmp_path / "cuts.jsonl").write_text(json.dumps(line) + "\n")
    (part,), whole = read_any(tmp_path), dialogue("a")
    assert isinstance(part, Dialogue)
    np.testing.assert_allclose(part.assistant, whole.assistant[RATE:], atol=1e-4)
    np.testing.assert_allclose(part.environment, whole.environment[RATE:], atol=1e-4)
    assert not any("equally long" in problem for problem in check(tmp_path)[1])
    line["custom"]["target_audio"]["duration"] = 0.5
    (tmp_path / "cuts.jsonl").write_text(json.dumps(line) + "\n")
    (failed,) = read_any(tmp_path)
    assert isinstance(failed, Failed) and failed.reason == "target_audio ends at 0.50 s, before the cut begins"


def test_an_id_that_is_too_long_for_a_shard_costs_that_dialogue_alone(tmp_path: Path):
    manifest.write([dialogue("a"), dialogue(96 * "b"), dialogue(95 * "c")], tmp_path)
    path, (failed,) = convert(tmp_path, tmp_path / "out", Form.SHAR)
    assert failed.id == 96 * "b" and failed.reason == "its id has more than 95 bytes; give it a shorter one"
    assert [cut.id for cut in read_shard(shards_of(path)[0])] == ["a", 95 * "c"]
    assert not convert(tmp_path, tmp_path / "plain", Form.PLAIN)[1]


def test_ids_of_others_are_no_paths_and_each_is_used_once(tmp_path: Path):
    manifest.write([dialogue("one"), dialogue("two"), dialogue("three")], tmp_path)
    lines = (tmp_path / "cuts.jsonl").read_text()
    for before, after in {"one": "../../out of it", "two": "a/b", "three": "a_b"}.items():
        lines = lines.replace(f'"id": "{before}"', f'"id": "{after}"')
    (tmp_path / "cuts.jsonl").write_text(lines)
    path, (failed,) = convert(tmp_path, tmp_path / "deep" / "in" / "out", Form.PLAIN)
    assert failed.id == "a_b" and "another dialogue has this id" in failed.reason
    assert [each.id for each in manifest.read(path)] == [".._.._out_of_it", "a_b"]
    assert {each.parent for each in tmp_path.rglob("*of_it*")} == {path.parent / "audio"}


@pytest.mark.parametrize("form", [Form.PLAIN, Form.SHAR])
def test_what_is_converted_appears_when_it_is_whole(form: Form, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    manifest.write([dialogue("a"), dialogue("b"), dialogue("c")], tmp_path / "in")
    (tmp_path / "unfinished-out" / "shar").mkdir(parents=True)  # what a kill has left
    (tmp_path / "unfinished-out" / "shar" / "cuts.000009.jsonl.gz").write_bytes(b"")
    seen: list[bool] = []

    def some(source: Path, longest: int) -> Iterator[Dialogue | Failed]:
        yield from manifest.read(source)
        seen.append((tmp_path / "out").exists())
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(converting, "SHARD", 1)
    with monkeypatch.context() as broken, pytest.raises(ValueError, match="out: the disk is full; make room and run the same command"):
        broken.setattr(converting, "read_any", some)
        convert(tmp_path / "in", tmp_path / "out", form)
    assert seen == [False] and [path.name for path in tmp_path.iterdir()] == ["in"]
    path, failed = convert(tmp_path / "in", tmp_path / "out", form)
    assert path.exists() and not failed and check(path) == (3, []) and {each.name for each in tmp_path.iterdir()} == {"in", "out"}


def test_training_reads_shards_like_a_plain_manifest(shards: Path, plain: Path):
    for one, other in zip(manifest.read_cuts(shards), manifest.read_cuts(plain), strict=True):
        assert manifest.segments(one) == manifest.segments(other)
    assert building.FAILED in contents(shards)


FLITE = """#!/bin/sh
while [ $# -gt 0 ]; do case "$1" in -t) text="$2";; -o) out="$2";; esac; shift; done
case "$text" in
*hang*) sleep 60;;
*fail*) exit 1;;
*silence*) cp {folder}/silence.wav "$out";;
*) cp {folder}/good.wav "$out";;
esac
"""


class Impatient(voices.Helper):
    def ask(self, text: str, voice: voices.Voice, timeout_s: float = 3.0) -> voices.Pcm:
        return super().ask(text, voice, timeout_s if "hang" in text else 60.0)


def test_an_engine_that_fails_hangs_or_is_silent_for_one_item_costs_that_item_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    program, texts = tmp_path / "flite", ("all is well", "please fail", "please hang", "please silence", "all is well again")
    program.write_text(FLITE.format(folder=tmp_path))
    program.chmod(0o755)
    for name, sound in (("good", tone(0.5)), ("silence", np.zeros(RATE, np.float32))):
        soundfile.write(tmp_path / f"{name}.wav", sound, RATE, subtype="PCM_16")
    (tmp_path / "s.jsonl").write_text("".join(to_line(Script(text, "qa", (user(text), agent("yes")))) for text in texts))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    helper = Impatient()
    monkeypatch.setattr(voices, "_helper", lambda neural: helper)
    voices.assistant_speech.cache_clear()
    build(tmp_path / "out", BuildConfig(scripts=tmp_path / "s.jsonl", voice=("flite:slt",), assistant="flite:slt"))
    voices.assistant_speech.cache_clear()
    helper.process.kill()
    failed = [json.loads(line) for line in (tmp_path / "out" / "failed.jsonl").read_text().splitlines()]
    assert [each["id"][-1] for each in failed] == ["1", "2", "3"]
    assert all(word in each["reason"] for word, each in zip(("wrote no file", "hung for 3 s", "only silence"), failed, strict=True))
    assert [cut.id[-1] for cut in manifest.read_cuts(tmp_path / "out")] == ["0", "4"]

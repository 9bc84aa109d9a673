"""`parley data read`, `build`, `check` and `convert` from the command line: what they print, and one line for what goes wrong."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from parley.cli import main
from parley.data import build as building
from parley.data.build import BuildConfig
from parley.data.corpora.script import read_scripts

RATE = 16000
WRITER = ("--url", "http://localhost:1/v1", "--model", "m")


def recordings(folder: Path) -> Path:
    for number, text in enumerate(("what is red", "blood is red")):
        folder.mkdir(exist_ok=True)
        (folder / f"{number}.txt").write_text(text)
        soundfile.write(folder / f"{number}.wav", 0.3 * np.sin(np.arange(RATE) / (9 + number)), RATE)
    return folder


def test_from_a_corpus_to_checked_shards(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    entry = {"instruction": "What is red?", "input": "", "output": "Blood is red."}
    bad = {"instruction": "", "output": "x"}
    corpus, scripts, out = tmp_path / "alpaca_data.json", tmp_path / "s.jsonl", tmp_path / "out"
    corpus.write_text(json.dumps([entry, entry, bad]))
    assert main(["data", "read", "alpaca", str(corpus), str(scripts)]) == 0
    assert capsys.readouterr().out == f"{scripts}: 1 scripts, 1 left out (bad), 1 left out (duplicate)\n"
    assert len(list(read_scripts(scripts))) == 1
    voice = f"recordings:{recordings(tmp_path / 'voice')}"
    arguments = ["--scripts", str(scripts), "--voice", voice, "--assistant", voice, "--shar", "--telephone-share", "1.0"]
    assert main(["data", "build", str(out), *arguments]) == 0
    assert capsys.readouterr().out.endswith(f"{out / 'shar'}\n")
    assert main(["data", "check", str(out)]) == 0 and capsys.readouterr().out == f"{out}: 1 lines, nothing wrong\n"
    assert main(["data", "convert", str(out), str(tmp_path / "nemo"), "--to", "nemo"]) == 0
    (tmp_path / "nemo" / "shar" / "target_audio.000000.tar").unlink()
    assert main(["data", "check", str(tmp_path / "nemo")]) == 2
    said = capsys.readouterr()
    assert "target_audio.000000.tar: cannot be read" in said.out and said.err.count("\n") == 1 and "Traceback" not in said.err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["read", "squad", "nowhere.json", "s.jsonl"], "nowhere.json: no such file or folder"),
        (["write", "answers", "none.jsonl", "o.jsonl", "--url", "localhost", "--model", "m"], "is no endpoint's URL"),
        (["read", "squad", "none.json", "s.jsonl", "--limit", "0"], "--limit is 0, --rounds is 1; give 1 or more"),
        (["write", "answers", "s.jsonl", "o.jsonl", *WRITER, "--limit", "-1"], "--limit is -1, --parallel is 4; give 1 or more"),
        (["write", "answers", "s.jsonl", "o.jsonl", *WRITER, "--parallel", "0"], "--parallel is 0; give 1 or more"),
        (["write", "answers", "s.jsonl", "o.jsonl", *WRITER, "--temperature", "nan"], "--temperature is nan; give 0 or more"),
        (["build", "out", "--scripts", "none.jsonl"], "none.jsonl: no such file of scripts"),
        (["build", "out"], "--n is 0; ask for at least one dialogue"),
        (["build", "out", "--n", "9", "--domains", "colours", "capital"], "the world 'first' has no domain 'capital'; it has: "),
        (["build", "out", "--n", "9", "--low-pass-hz", "2500", "9000"], "low_pass_hz is 2500 9000; give the lowest and"),
        (["build", "out", "--n", "9", "--echo-delay-ms", "-10", "90"], "echo_delay_ms is -10 90; give the lowest and"),
        (["build", "out", "--n", "9", "--telephone-share", "2"], "parley: --telephone-share is 2.0; give a share of the dialogues"),
        (["build", "out", "--n", "9", "--jobs", "0"], "--jobs is 0; give 1 or more"),
        (["check", "nowhere"], "nowhere: no such file or folder"),
        (["convert", "nowhere", "out"], "nowhere: no such manifest"),
    ],
)
def test_what_goes_wrong_is_one_line(
    arguments: list[str], complaint: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(building, "available", lambda voices: voices)
    assert main(["data", *arguments]) == 2
    error = capsys.readouterr().err
    assert complaint in error and error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_settings_that_are_not_set_are_not_named(tmp_path: Path):
    """So a build that was begun before there were such settings goes on."""
    building._claim(tmp_path, BuildConfig(n=3), ())
    named = json.loads((tmp_path / "build.json").read_text())
    assert set(named) == {
        "n", "seed", "mix", "voices", "held_out_phrasings", "evaluation_events", "pause_s", "domains", "shard", "engines"
    }  # fmt: skip

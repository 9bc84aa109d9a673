"""The stages as the commands run them, from folders: killed at any moment and started again, and what they refuse."""

import json
import math
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from safetensors.torch import load_file, save_file

from parley import recipes
from parley.cli import main
from parley.data import manifest, voices
from parley.data.dataset import DatasetConfig, DialogueDataset, Part
from parley.dialogue import Dialogue, Kind, Segment, Speaker
from parley.llm.backbone import LlamaSize
from parley.llm.batch import Batch
from parley.llm.tokens import Tokens
from parley.models.checkpoint import load_model, save_model, shipped
from parley.synthesizer.flow import MelDecoderConfig
from parley.synthesizer.synthesizer import Synthesizer
from parley.train.distill import ENCODER
from parley.train.listening import ListeningConfig
from parley.train.loop import LoopConfig
from parley.train.stage2 import HEADS
from tests.test_salmonn_omni import build, tokens  # noqa: F401  (tokens is a fixture)

BLOCK = 1280
LOOP = LoopConfig(steps=5, rate=1e-3, warmup=1, log_every=1, validate_every=3, save_every=2)


def question(number: int) -> Dialogue:
    rng = np.random.default_rng(number)
    environment, assistant = rng.normal(0, 0.05, (2, 30 * BLOCK)).astype(np.float32)
    said = Segment(Speaker.USER, Kind.QUESTION, "and then", 2 * BLOCK, (6 + number) * BLOCK)
    answer = Segment(Speaker.AGENT, Kind.ANSWER, "one two", 14 * BLOCK, 20 * BLOCK)
    return Dialogue(f"d{number}", 16000, environment, assistant, (said, answer))


@pytest.fixture
def work(tokens: Tokens, tmp_path: Path) -> Path:  # noqa: F811
    """All that stage 1 starts from."""
    tokens.tokenizer.save_pretrained(tmp_path / "tokenizer")
    (tmp_path / "encoder").mkdir()
    save_file(build(tokens).encoder.state_dict(), tmp_path / "encoder" / ENCODER)
    manifest.write([question(number) for number in range(6)], tmp_path / "data" / "train")
    manifest.write([question(number) for number in range(2)], tmp_path / "data" / "validation")
    return tmp_path


def recipe(folder: Path) -> recipes.Recipe:
    """`tiny`, much smaller, on the features that training disturbs."""
    tiny, known = recipes.tiny(), Tokens.load(folder / "tokenizer")
    data = DatasetConfig(seconds=5.0, part=Part.ANSWER, moved=(-1, 1), moved_share=0.5, noise_share=0.5)
    llm = LlamaSize(0, hidden_size=32, intermediate_size=48, num_hidden_layers=2, num_attention_heads=2)
    return replace(tiny, model=build(known).config, llm=llm, stage1=replace(tiny.stage1, loop=LOOP), stage1_data=data, validation_batches=1)


def run(folder: Path, name: str, data: Path | None = None) -> None:
    recipes.run_stage1(recipe(folder), folder / "tokenizer", folder / "encoder", data or folder / "data", folder / name, "cpu")


def run_and_die(folder: str, name: str) -> None:
    """Kills itself while it reads the fourth step's batch, as nobody could."""
    read = DialogueDataset.batch

    def batch(self: DialogueDataset, step: int) -> Batch:
        if step == 3 and len(self.cuts) == 6:
            os.kill(os.getpid(), signal.SIGKILL)
        return read(self, step)

    DialogueDataset.batch = batch  # type: ignore[method-assign]
    run(Path(folder), name)


def test_stage_1_killed_by_sigkill_goes_on_to_the_same_numbers(work: Path):
    run(work, "whole")
    code = f"from tests.test_recipes import run_and_die; run_and_die({str(work)!r}, 'killed')"
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": str(torch.get_num_threads())}
    assert subprocess.run([sys.executable, "-c", code], env=environment, timeout=240).returncode == -signal.SIGKILL
    assert json.loads((work / "killed" / "latest.json").read_text())["step"] == 2 and not (work / "killed" / "model").exists()
    run(work, "killed")
    logs = [[json.loads(line) for line in (work / name / "log.jsonl").read_text().splitlines()] for name in ("whole", "killed")]
    whole, killed = ([{**line, "seconds": 0} for line in log] for log in logs)
    assert whole == killed and [line["step"] for line in whole] == [1, 2, 3, 4, 5] and "validation/loss" in whole[2]
    for file in ("weights.safetensors", "llm/model.safetensors", "config.json"):
        assert (work / "whole" / "model" / file).read_bytes() == (work / "killed" / "model" / file).read_bytes()


def test_a_run_knows_its_data_and_tokenizer_by_what_they_hold(work: Path, monkeypatch: pytest.MonkeyPatch):
    run(work, "run")
    (work / "data").rename(work / "elsewhere")
    monkeypatch.chdir(work)
    run(work, "run", Path("elsewhere"))  # another path, and a relative one
    manifest.write([question(number) for number in range(5)], work / "elsewhere" / "train")
    with pytest.raises(ValueError, match=r"run is of another configuration: data.train/cuts.jsonl was '\w{16}' and is '\w{16}' now"):
        run(work, "run", Path("elsewhere"))
    manifest.write([question(number) for number in range(6)], work / "elsewhere" / "train")
    file = work / "tokenizer" / "tokenizer.json"
    file.write_text(json.dumps(json.loads(file.read_text())))
    with pytest.raises(ValueError, match="from.tokenizer was"):
        run(work, "run", Path("elsewhere"))


def test_a_recipe_of_ones_own_is_a_function_in_a_file(tmp_path: Path):
    file = tmp_path / "mine.py"
    file.write_text("from parley.recipes import tiny\n\n\ndef wide():\n    return tiny()\n\n\ndef none():\n    return 5\n")
    assert recipes.named(f"{file}:wide") == recipes.tiny() == recipes.named("tiny")
    wrong = {f"{file}:none": "is no function that returns", f"{file}:gone": "'gone' is no function", "big": "is no recipe"}
    for name, why in wrong.items():
        with pytest.raises(ValueError, match=why):
            recipes.named(name)
    with pytest.raises(ValueError, match="no such file"):
        recipes.named(f"{tmp_path / 'other.py'}:wide")


def test_several_stages_2_with_other_layers_go_on_from_one_stage_1():
    recipe = recipes.tiny()
    other = replace(recipe, model=replace(recipe.model, backbone=replace(recipe.model.backbone, speech_layer=2), speech_loss=0.7))
    model = recipes.load_from_stage1(other, shipped("tiny"))
    assert (model.backbone.config.speech_layer, model.config.backbone.speech_layer, model.config.speech_loss) == (2, 2, 0.7)
    with pytest.raises(ValueError, match="speech_layer was 3 and is 2 now"):
        recipes.load_for(other, shipped("tiny"))
    with pytest.raises(ValueError, match="speech_layer is 9; this LLM has the layers 0 to 4"):
        deep = replace(recipe, model=replace(recipe.model, backbone=replace(recipe.model.backbone, speech_layer=9)))
        recipes.load_from_stage1(deep, shipped("tiny"))
    with pytest.raises(ValueError, match="context_blocks was 320 and is 9 now"):
        narrow = replace(recipe, model=replace(recipe.model, backbone=replace(recipe.model.backbone, context_blocks=9)))
        recipes.load_from_stage1(narrow, shipped("tiny"))


def test_the_papers_speech_tokens_are_the_codes_of_its_levels():
    model = recipes.paper().model
    with torch.device("meta"), pytest.raises(ValueError, match="are not the codes of the levels"):
        Synthesizer(replace(model.synthesizer, mel_decoder=MelDecoderConfig()), 8, 9)
    for recipe in (recipes.paper(), recipes.small(), recipes.tiny()):
        levels = recipe.model.synthesizer.mel_decoder.levels
        assert recipe.synthesizer.tokenizer.levels == levels and recipe.model.synthesizer.lm.speech_tokens == math.prod(levels)


def test_a_model_of_another_recipe_is_refused_by_the_first_difference(work: Path):
    run(work, "run")
    other = replace(recipe(work), model=replace(recipe(work).model, layout=recipes.tiny().model.layout))
    said = "run/model is of another configuration: layout.think was 0.1 and is 0.3 now"
    with pytest.raises(ValueError, match=said):
        recipes.load_for(other, work / "run" / "model")
    (work / "synthesizer").mkdir()
    with pytest.raises(ValueError, match=said):
        recipes.run_stage2(other, work / "run" / "model", work / "synthesizer", work / "data", work / "two", "cpu")
    with pytest.raises(ValueError, match=said):
        recipes.run_mine(other, work / "run" / "model", work / "data" / "train", work / "mined", "cpu")
    assert not (work / "two").exists() and not (work / "mined").exists()
    recipes.load_for(recipes.tiny(), shipped("tiny"))  # its thresholds were set after training


def test_stage_2_and_the_encoder_go_on_from_a_finished_model(work: Path):
    """The encoder with new heads, which learn alone first; then the model with that encoder, everything else as it was."""
    run(work, "run")
    finished, base = work / "run" / "model", recipe(work)
    loop = replace(LOOP, steps=2)
    data = replace(base.stage1_data, part=Part.WHOLE, moved_share=0.0)
    encoding = replace(base.encoder, loop=loop, heads=2)
    on = replace(base, encoder=encoding, encoder_data=data, stage2=replace(base.stage2, loop=replace(loop, rate=0.0)), stage2_data=data)
    for stage in ("stage1", "stage2"):
        (work / "both").mkdir(exist_ok=True)
        (work / "both" / stage).symlink_to(work / "data")
    recipes.run_encoder(on, work / "tokenizer", work / "both", work / "encoder2", "cpu", finished)
    model = recipes.load_for(on, finished)
    before = {name: value.clone() for name, value in model.encoder.state_dict().items()}
    alone = load_file(work / "encoder2" / "heads" / "step-0000002" / "model.safetensors")
    trained = load_file(work / "encoder2" / "step-0000002" / "model.safetensors")
    assert alone and all(name.startswith("listening.") for name in alone)  # the encoder has not moved
    assert any(not torch.equal(trained[f"encoder.{name}"], value) for name, value in before.items())

    voice = work / "voice"
    voice.mkdir()
    save_file(model.synthesizer.state_dict(), voice / "synthesizer.safetensors")
    (voice / "spoken.json").write_text(json.dumps({"one two": [1, 2, 3, 4, 5, 6]}))
    (voice / "tokenizer.safetensors").write_bytes(b"")
    recipes.run_stage2(on, finished, voice, work / "data", work / "two", "cpu", work / "encoder2")
    after = recipes.load_for(on, work / "two" / "model").state_dict()
    for name, value in model.state_dict().items():
        wanted = trained[name] if name.startswith("encoder.") else value
        assert torch.equal(after[name], wanted), name


    learns = replace(on, stage2=replace(on.stage2, loop=replace(loop, rate=1e-3), listening=0.5))
    recipes.run_stage2(learns, finished, voice, work / "data", work / "along", "cpu", work / "encoder2")
    along = load_file(work / "along" / "step-0000002" / "model.safetensors")
    assert not torch.equal(along["model.encoder.conv1.weight"], trained["encoder.conv1.weight"])
    assert not torch.equal(along["listening.to_heard.weight"], trained["listening.to_heard.weight"])
    of_model = {name.removeprefix("model.") for name in along if not name.startswith(HEADS)}
    still = after.keys() - of_model
    assert of_model <= after.keys() and {name.split(".")[1] for name in still} == {"mel_decoder", "vocoder"}  # of the synthesizer


@pytest.fixture
def finished(work: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A finished model, all that is needed to go on from it, and a recipe `tiny` of its size."""
    run(work, "run")
    base = recipe(work)
    loop, data = replace(LOOP, steps=1), replace(base.stage1_data, part=Part.WHOLE, moved_share=0.0)
    voice = replace(base.synthesizer, autoencoder=loop, sounding=4, held_out=2, rows=2)
    on = replace(base, encoder=replace(base.encoder, loop=loop, heads=1), encoder_data=data, stage2=replace(base.stage2, loop=loop))
    on = replace(on, stage2_data=data, synthesizer=voice, stage3=replace(base.stage3, loop=replace(loop, batches=1), pairs=1))
    monkeypatch.setitem(recipes.RECIPES, "tiny", lambda: on)
    monkeypatch.setattr(recipes, "answers", lambda world: ["one two", "three"])
    monkeypatch.setattr(voices, "speak", lambda text, voice: 0.3 * np.sin(np.arange(8000) / (5 + len(text))).astype(np.float32))
    for stage in ("stage1", "stage2"):
        (work / "both").mkdir(exist_ok=True)
        (work / "both" / stage).symlink_to(work / "data")
    return work


def test_the_commands_go_on_from_a_finished_model_to_the_end(finished: Path, capsys: pytest.CaptureFixture[str]):
    """What `relearn` leaves is enough for stages 2 and 3; of the model's voice nothing has changed."""
    model, data = finished / "run" / "model", finished / "data"
    run_line(capsys, f"relearn {finished}/voice --model {model}")
    old, new = load_model(model).synthesizer.state_dict(), load_file(finished / "voice" / "synthesizer.safetensors")
    assert old.keys() == new.keys() and all(torch.equal(old[name], new[name]) for name in old)
    assert set(json.loads((finished / "voice" / "spoken.json").read_text())) == {"one two", "three"}
    run_line(capsys, f"encoder {finished}/encoder2 --model {model} --tokenizer {model}/llm --data {finished}/both")
    run_line(capsys, f"stage2 {finished}/two --model {model} --encoder {finished}/encoder2 --synthesizer {finished}/voice --data {data}")
    pair = {"id": "d0", "error": "user_stop", "echo": 0.0, "audio": "d0.flac"}
    known = load_model(model).tokens
    sides = {"chosen": [known.shift, known.think], "rejected": [known.shift, known.shift]}
    (finished / "pairs" / "train").mkdir(parents=True)
    (finished / "pairs" / "train" / "pairs.jsonl").write_text(json.dumps(pair | sides) + "\n")
    soundfile.write(finished / "pairs" / "train" / "d0.flac", np.zeros((2 * BLOCK, 3)), 16000)
    run_line(capsys, f"stage3 {finished}/three --model {model} --pairs {finished}/pairs --synthesizer {finished}/voice --data {data}")
    load_model(finished / "three" / "model")

    spoke = load_model(finished / "two" / "model")
    with torch.no_grad():
        spoke.synthesizer.lm.marks.add_(1.0)
    save_model(spoke, finished / "two" / "model")
    run_line(capsys, f"stage2 {finished}/on --model {finished}/two/model --synthesizer {finished}/voice --data {data}")
    kept = load_model(finished / "on" / "model").synthesizer.lm.marks
    assert (kept - spoke.synthesizer.lm.marks).abs().max() < 0.1  # its own, not what `relearn` found in the model before

    (finished / "encoder2" / "latest.json").write_text('{"step": 0, "folder": "step-0000001"}')
    begun = f"stage2 {finished}/no --model {model} --encoder {finished}/encoder2 --synthesizer {finished}/voice --data {data}"
    assert "encoder2 is not finished (0 steps are done); start its stage again" in run_line(capsys, begun)
    other = replace(recipes.RECIPES["tiny"](), listening=ListeningConfig(event=7.0))
    with pytest.raises(ValueError, match="listening.event was 5.0 and is 7.0 now"):
        recipes.run_encoder(other, model / "llm", finished / "both", finished / "encoder2", "cpu", model)


def run_line(capsys: pytest.CaptureFixture[str], line: str) -> str:
    """What the command says of an error; "" where all is well."""
    code, said = main(["train", *line.split()]), capsys.readouterr().err.splitlines()
    assert code == 2 and len(said) == 1 or code == 0, said
    return said[0] if code else ""


def test_what_cannot_be_gone_on_from_is_one_line_and_claims_no_folder(
    finished: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    model, new, rest = finished / "run" / "model", finished / "new", f"--synthesizer {finished}/voice --data {finished}/data"
    (finished / "voice").mkdir()
    wrong = {
        f"stage2 {new} {rest}": "give what stage 2 begins with",
        f"stage2 {new} --model {finished}/none {rest}": "there is no model named",
        f"stage2 {new} --model {model} {rest}": "voice/synthesizer.safetensors: no such file; make it with the step before this one",
        f"stage2 {new} --model {model} --encoder {finished}/none {rest}": "none holds no checkpoint; run the stage before this one first",
        f"stage2 {new} --model tiny {rest}": "is of another configuration: ",
        f"relearn {new} --model tiny": "is of another configuration: ",
        f"encoder {new} --model tiny --tokenizer {model}/llm --data {finished}/both": "is of another configuration: ",
        f"encoder {new} --tokenizer {finished}/none --data {finished}/both": "none/tokenizer.json: no such file",
        f"mine {new} --model none --data {finished}/data/train": "there is no model named 'none'",
        f"tokenizer {model}/config.json": "File exists; a file is where a folder should be, name another",
        f"stage3 {new} --model none --pairs {finished} {rest}": "there is no model named 'none'",
    }
    for line, complaint in wrong.items():
        assert complaint in (said := run_line(capsys, line)), (line, said)
    for left in ("tokenizer.safetensors", "spoken.json"):
        (finished / "voice" / left).write_text("{}")
    save_file({"x": torch.zeros(1)}, finished / "voice" / "synthesizer.safetensors")
    assert "is of another configuration: the tensor" in run_line(capsys, f"stage2 {new} --model {model} {rest}")
    along = recipes.RECIPES["tiny"]()
    monkeypatch.setitem(recipes.RECIPES, "tiny", lambda: replace(along, stage2=replace(along.stage2, listening=0.2)))
    said = "in stage 2 of the recipe tiny the encoder learns along: give --encoder, the folder of `train encoder`"
    assert said in run_line(capsys, f"stage2 {new} --model {model} {rest}")
    assert not new.exists()

"""Model directories: the round trip is exact, and damage is named in one line."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from parley.commands.training import export
from parley.llm.tokens import Tokens
from parley.models.checkpoint import blend, find_model, load_model, save_model, shipped
from tests.test_salmonn_omni import build, noise, play, tokens  # noqa: F401  (tokens is a fixture)


@pytest.fixture
def directory(tokens: Tokens, tmp_path: Path) -> Path:  # noqa: F811
    save_model(build(tokens), tmp_path / "model")
    return tmp_path / "model"


@torch.inference_mode()
def test_a_loaded_model_behaves_exactly_as_the_saved_one(tokens: Tokens, directory: Path):  # noqa: F811
    model, loaded = build(tokens), load_model(directory)
    assert loaded.config == model.config
    given, active = noise(1, 20), torch.tensor([True])
    for ours, theirs in zip(play(model, given, model.init_state(1), active), play(loaded, given, loaded.init_state(1), active)):
        assert torch.equal(ours, theirs)


def test_the_world_of_a_model_is_kept_and_was_the_first_before_it_had_a_name(tokens: Tokens, tmp_path: Path):  # noqa: F811
    model = build(tokens)
    model.config = replace(model.config, world="full")
    save_model(model, tmp_path / "full")
    assert load_model(tmp_path / "full").world == "full"
    file = tmp_path / "full" / "config.json"
    content = json.loads(file.read_text())
    del content["config"]["world"], content["checksum"]
    file.write_text(json.dumps(content))
    assert load_model(tmp_path / "full").world == load_model(find_model("tiny")).world == "first"


def test_half_precision_on_disk_is_float32_in_memory(tokens: Tokens, tmp_path: Path):  # noqa: F811
    save_model(build(tokens), tmp_path / "half", torch.float16)
    loaded = load_model(tmp_path / "half")
    assert {parameter.dtype for parameter in loaded.parameters()} == {torch.float32}
    assert load_file(tmp_path / "half" / "weights.safetensors")["stream"].dtype == torch.float16


def flip_a_byte(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-100] ^= 1
    file.write_bytes(content)


def rewrite(file: Path, change: str, name: str) -> None:
    weights = load_file(file)
    match change:
        case "missing":
            del weights[name]
        case "shape":
            weights[name] = weights[name][..., :-1].contiguous()
        case "extra":
            weights["stranger"] = torch.zeros(1)
    save_file(weights, file)


@pytest.mark.parametrize("file", ["weights.safetensors", "llm/model.safetensors", "llm/tokenizer.json"])
def test_a_flipped_byte_is_noticed(directory: Path, file: str):
    flip_a_byte(directory / file)
    with pytest.raises(ValueError, match="damaged|cannot be used"):
        load_model(directory)


def test_a_flipped_bit_of_the_tokenizer_or_the_llms_configuration_is_noticed_or_changes_nothing(directory: Path):
    """Wherever it is: the libraries that read these files raise of every kind."""
    for file in ("llm/tokenizer.json", "llm/config.json"):
        whole = (directory / file).read_bytes()
        for place in np.random.default_rng(0).integers(len(whole), size=40):
            content = bytearray(whole)
            content[place] ^= 1
            (directory / file).write_bytes(content)
            with pytest.raises(ValueError, match="model"):
                load_model(directory)
        (directory / file).write_bytes(whole)
    load_model(directory)
    (directory / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="config.json is damaged: it holds no object"):
        load_model(directory)


@pytest.mark.parametrize(
    "file, name", [("weights.safetensors", "connector.up.weight"), ("llm/model.safetensors", "model.layers.0.self_attn.q_proj.weight")]
)
@pytest.mark.parametrize("change, said", [("missing", "is missing"), ("shape", "has the shape"), ("extra", "is not part of")])
def test_missing_misshapen_and_foreign_tensors_are_named(directory: Path, file: str, name: str, change: str, said: str):
    rewrite(directory / file, change, name)
    with pytest.raises(ValueError, match=said):
        load_model(directory)


@pytest.mark.parametrize("file", ["weights.safetensors", "llm/model.safetensors", "config.json", "llm/config.json"])
def test_missing_and_truncated_files_are_named(directory: Path, file: str):
    whole = (directory / file).read_bytes()
    (directory / file).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=str(directory)):
        load_model(directory)
    (directory / file).unlink()
    with pytest.raises(ValueError, match=str(directory)):
        load_model(directory)


def test_a_configuration_with_an_unknown_value_is_refused(directory: Path):
    content = json.loads((directory / "config.json").read_text())
    content["config"]["backbone"]["speech_layer"] = 77
    del content["checksum"]
    (directory / "config.json").write_text(json.dumps(content))
    with pytest.raises(ValueError, match="speech_layer is 77"):
        load_model(directory)


def test_a_changed_digit_in_the_configuration_is_noticed(directory: Path):
    """A loss weight has no part in the shapes: nothing but the checksum tells."""
    file = directory / "config.json"
    whole = file.read_text()
    for was, is_ in (('"speech_loss": 0.5', '"speech_loss": 0.7'), ('"checksum"', '"checksul"')):
        assert whole.count(was) == 1
        file.write_text(whole.replace(was, is_))
        with pytest.raises(ValueError, match="config.json is damaged: its checksum is not the one that it names"):
            load_model(directory)


def test_weights_that_lie_beside_those_of_the_llm_are_not_read(directory: Path):
    before = load_model(directory).backbone.llm.state_dict()
    stray = {name: torch.zeros_like(value) for name, value in load_file(directory / "llm" / "model.safetensors").items()}
    save_file(stray, directory / "llm" / "model_old.safetensors")
    after = load_model(directory).backbone.llm.state_dict()
    assert all(torch.equal(value, before[name]) for name, value in after.items())


def test_a_folder_without_a_model_does_not_hide_a_shipped_one_of_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path)
    assert find_model("tiny") == shipped("tiny") and find_model("other") == Path("other")
    (tmp_path / "tiny" / "config.json").touch()
    assert find_model("tiny") == Path("tiny")


def test_names_that_are_no_model_list_what_there_is():
    with pytest.raises(ValueError, match="there is no model named 'gigantic'"):
        find_model("gigantic")


def test_a_model_that_cannot_be_written_whole_leaves_the_one_before(
    tokens: Tokens, tmp_path: Path, monkeypatch: pytest.MonkeyPatch  # noqa: F811
):
    torch.manual_seed(0)
    before = build(tokens)
    save_model(before, tmp_path / "model")

    def full(directory: Path) -> None:
        raise OSError("no space left on device")

    other = build(tokens)
    with monkeypatch.context() as broken, pytest.raises(OSError, match="no space left"):
        broken.setattr(other.tokens.tokenizer, "save_pretrained", full)
        save_model(other, tmp_path / "model")
    left = load_model(tmp_path / "model").state_dict()
    assert all(torch.equal(value, left[name]) for name, value in before.state_dict().items())
    save_model(other, tmp_path / "model")
    left = load_model(tmp_path / "model").state_dict()
    assert all(torch.equal(value, left[name]) for name, value in other.state_dict().items())
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_two_models_are_blended_by_their_shares(tokens: Tokens, tmp_path: Path):  # noqa: F811
    torch.manual_seed(1)
    one, two = build(tokens), build(tokens)
    began, became = ({name: value.clone() for name, value in model.state_dict().items()} for model in (one, two))
    blend(one, two, 0.25)
    for name, value in one.state_dict().items():
        wanted = 0.75 * began[name] + 0.25 * became[name] if value.is_floating_point() else began[name]
        assert_close(value, wanted, atol=1e-6, rtol=0)
    save_model(two, tmp_path / "became" / "model")
    save_model(build(tokens), tmp_path / "began")
    export(tmp_path / "out", tmp_path / "became" / "model", began=str(tmp_path / "began"), share=0.0)
    for name, value in load_model(tmp_path / "out").state_dict().items():
        assert_close(value, became[name], atol=2e-3, rtol=2e-3)
    for share in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="give one from 0 to 1"):
            blend(one, two, share)
    with pytest.raises(ValueError, match="the two models differ in the tensor"):
        blend(one, load_model(shipped("tiny")), 0.5)

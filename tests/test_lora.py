"""LoRA: only what was added trains, directories hold it beside the plain LLM, merging it changes no answer; the larger recipes' sizes."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from parley import recipes
from parley.commands.training import export
from parley.llm.backbone import Backbone, LlamaSize, PretrainedLLM, small_llama
from parley.llm.lora import LoraSize, is_lora
from parley.llm.tokens import Tokens
from parley.models.checkpoint import load_model, merge, save_model
from parley.models.salmonn_omni import SalmonnOmni
from parley.train import stage1
from parley.train.loop import LoopConfig
from parley.train.stage1 import Stage1Config
from tests.test_salmonn_omni import build, noise, play, tokens  # noqa: F401  (tokens is a fixture)
from tests.test_stages import batch_of


def adapted(tokens: Tokens, tied: bool) -> SalmonnOmni:  # noqa: F811
    """A small model with LoRA whose side paths are not zero, as they would be after training."""
    config = build(tokens).config
    size = LlamaSize(len(tokens.tokenizer), 32, 48, 2, 2, num_key_value_heads=1, tie_word_embeddings=tied)
    config = replace(config, backbone=replace(config.backbone, lora=LoraSize(rank=4, alpha=8, dropout=0.0)))
    model = SalmonnOmni(config, Backbone(small_llama(size, tokens), config.backbone, (tokens.think, tokens.shift)), tokens)
    with torch.no_grad():
        for parameter in model.backbone.parameters():
            if parameter.requires_grad:
                parameter.copy_(0.3 * torch.randn(parameter.shape))
    return model.eval()


def test_of_the_llm_only_the_side_paths_and_the_rows_of_the_new_tokens_train(tokens: Tokens, tmp_path: Path):  # noqa: F811
    model = adapted(tokens, tied=False)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    config = Stage1Config(LoopConfig(steps=2, rate=1e-2, warmup=0), perturbation=None)
    stage1.run(model, lambda step: batch_of(tokens), [], config, tmp_path)
    moved = {name for name, value in model.state_dict().items() if not torch.equal(value, before[name])}
    trained = {name for name in before if is_lora(name) or ".new_rows." in name or name.startswith(("connector.", "stream"))}
    assert moved == trained
    assert {name.split(".")[-1] for name in before if ".new_rows." in name} == {"0", "1"}  # of the embedding and of the output layer
    assert sum(is_lora(name) for name in before) == 2 * 2 * 7  # two layers of seven linear layers, two tensors each


@pytest.mark.parametrize("tied", [True, False])
@torch.inference_mode()
def test_saved_and_loaded_and_merged_it_is_the_same_model(tokens: Tokens, tmp_path: Path, tied: bool):  # noqa: F811
    model, batch = adapted(tokens, tied), batch_of(tokens)
    whole, _ = model(batch)
    save_model(model, tmp_path / "lora")
    loaded = load_model(tmp_path / "lora")
    assert loaded.config == model.config and torch.equal(loaded(batch)[0], whole)
    plain = AutoModelForCausalLM.from_pretrained(tmp_path / "lora" / "llm")  # the LLM as it was before
    assert torch.equal(plain.model.layers[0].mlp.up_proj.weight, model.backbone.llm.model.layers[0].mlp.up_proj.base_layer.weight)

    merged = merge(loaded)
    assert not any(is_lora(name) or "new_rows" in name for name in merged.state_dict())
    torch.testing.assert_close(merged(batch)[0], whole, atol=1e-4, rtol=0)
    save_model(merged, tmp_path / "merged")
    again = load_model(tmp_path / "merged")
    assert again.config.backbone.lora is None and torch.equal(again(batch)[0], merged(batch)[0])


def test_a_mean_of_two_models_with_lora_is_one_of_their_whole_weights(tokens: Tokens, tmp_path: Path):  # noqa: F811
    """Whether the one that was begun with has its side paths still or not."""
    began, became = adapted(tokens, True), adapted(tokens, True)
    with torch.no_grad():
        for name, value in became.named_parameters():
            value.add_(0.1 * torch.randn_like(value) * is_lora(name))
    save_model(began, tmp_path / "began")
    save_model(became, tmp_path / "became")
    one, two = (merge(load_model(tmp_path / name)).state_dict() for name in ("began", "became"))
    save_model(merge(began), tmp_path / "merged")
    for name in ("began", "merged"):
        export(tmp_path / "out", tmp_path / "became", began=str(tmp_path / name), share=0.5)
        mean = load_model(tmp_path / "out").state_dict()["backbone.llm.model.layers.0.mlp.up_proj.weight"]
        sides = (each["backbone.llm.model.layers.0.mlp.up_proj.weight"] for each in (one, two))
        torch.testing.assert_close(mean, torch.stack(list(sides)).mean(0), atol=1e-3, rtol=1e-3)
    for share, with_it in ((0.3, None), (1.5, str(tmp_path / "began"))):
        with pytest.raises(ValueError, match=f"--share is {share}; give a part from 0 to 1, and --began"):
            export(tmp_path / "not", tmp_path / "became", began=with_it, share=share)
    assert not (tmp_path / "not").exists()


@torch.inference_mode()
def test_streaming_with_lora_takes_the_new_tokens_from_their_rows(tokens: Tokens):  # noqa: F811
    """The rows count: with other ones for `<think>` the model says other things, merged or not."""
    model, active = adapted(tokens, tied=False), torch.tensor([True])
    _, probability, _ = play(model, noise(1, 8), model.init_state(1), active)
    _, same, _ = play(merge(model), noise(1, 8), model.init_state(1), active)
    torch.testing.assert_close(probability, same, atol=1e-4, rtol=0)
    other = adapted(tokens, tied=False)
    other.backbone.new_rows[1][1] += 3.0 * torch.randn(32)
    assert not torch.allclose(play(other, noise(1, 8), other.init_state(1), active)[1], probability, atol=1e-3)


def test_in_half_precision_the_llm_takes_half_the_room_and_streams_what_it_says_offline(tokens: Tokens, tmp_path: Path):  # noqa: F811
    """Trained, saved, loaded and merged: what is added to the LLM stays in float32, and its keys and values are halved too."""
    whole = adapted(tokens, tied=False)
    config = replace(whole.config, backbone=replace(whole.config.backbone, half=True))
    llm = small_llama(LlamaSize(len(tokens.tokenizer), 32, 48, 2, 2, num_key_value_heads=1, tie_word_embeddings=False), tokens)
    half = SalmonnOmni(config, Backbone(llm, config.backbone, (tokens.think, tokens.shift)), tokens).eval()
    half.load_state_dict(whole.state_dict())
    kinds = {name: value.dtype for name, value in half.named_parameters()}
    assert {kinds[name] for name in kinds if name.startswith("backbone.llm.") and not is_lora(name)} == {torch.bfloat16}
    assert {kinds[name] for name in kinds if not name.startswith("backbone.llm.") or is_lora(name)} == {torch.float32}

    half.loss(batch_of(tokens))["loss"].backward()
    assert all(value.grad is not None and value.grad.dtype == torch.float32 for value in half.backbone.parameters() if value.requires_grad)
    with torch.inference_mode():
        streams_as_offline(half, whole, tokens, tmp_path / "half")


def streams_as_offline(half: SalmonnOmni, whole: SalmonnOmni, tokens: Tokens, folder: Path) -> None:  # noqa: F811
    batch = batch_of(tokens)
    far = (half(batch)[0] - whole(batch)[0]).abs().max()
    assert 0 < far < 0.2 < whole(batch)[0].abs().max()

    save_model(half, folder)
    loaded = load_model(folder)
    torch.testing.assert_close(loaded(batch)[0], half(batch)[0])
    merged = merge(loaded)
    assert merged.config.backbone.half and (merged(batch)[0] - whole(batch)[0]).abs().max() < 0.2

    state, active, sound = merged.init_state(1), torch.tensor([True]), noise(1, 8)
    assert {ring.dtype for ring in (*state.backbone.keys, *state.backbone.values)} == {torch.bfloat16}
    said, probability, _ = play(merged, sound, state, active)
    given = torch.cat([torch.tensor([[tokens.bos]]), said[:, :-1]], 1)
    logits, _ = merged.backbone(merged.interleave(merged.encoder(sound), merged.encoder(torch.zeros_like(sound)), given))
    offline = logits[:, :, [tokens.think, tokens.shift]].softmax(-1)[0, :, 1]  # while it listens it can do nothing else
    listening = (said[0] == tokens.shift).tolist().index(True) + 1 if tokens.shift in said else 8
    torch.testing.assert_close(offline[:listening], probability[0, :listening], atol=0.02, rtol=0)


def test_the_papers_sizes(tokens: Tokens):  # noqa: F811
    """On the meta device: 32 Mamba blocks and the final norm; Llama-3-8B; rank 32 in its seven linear layers a block; two rows twice."""
    recipe = recipes.paper()
    assert isinstance(recipe.llm, PretrainedLLM)
    with torch.device("meta"):
        backbone = Backbone(small_llama(recipe.llm.shape, tokens), recipe.model.backbone, (tokens.think, tokens.shift))
        model = SalmonnOmni(recipe.model, backbone, tokens)
        mask = torch.ones(1, 1, 2 * 3, 2 * 3, dtype=torch.bool)  # without one, transformers looks into the positions, which are not there
        last, speech = model.backbone.read(torch.empty(1, 2 * 3, 4096), torch.arange(2 * 3)[None], mask, None)
        logits = model.backbone.logits(last)
        assert model.connector(torch.empty(1, 4, model.encoder.d_model)).shape == (1, 2, 4096)
    assert isinstance(model.encoder.project, torch.nn.Identity)  # two frames of 1024 channels are 2048 wide
    assert logits.shape == (1, 2, 128256) and speech.shape == (1, 2, 4096)
    sizes = {name: value.numel() for name, value in model.named_parameters()}
    llm = {name: size for name, size in sizes.items() if name.startswith("backbone.llm.")}
    assert sum(value.numel() for value in model.encoder.mamba.parameters()) == 846_137_344
    assert sum(size for name, size in llm.items() if not is_lora(name)) == 8_030_261_248
    assert sum(size for name, size in llm.items() if is_lora(name)) == 83_886_080
    assert sum(value.numel() for value in backbone.new_rows) == 2 * 2 * 4096
    assert {name for name, value in model.backbone.named_parameters() if value.requires_grad} == {
        name.removeprefix("backbone.") for name in sizes if is_lora(name) or ".new_rows." in name
    }
    loops = [stage.loop for stage in (recipe.stage1, recipe.stage2, recipe.stage3)]
    assert [(loop.rate, loop.steps) for loop in loops] == [(4e-5, 50000), (3e-5, 30000), (1e-6, 40)]
    assert recipe.stage3.pairs * recipe.stage3.loop.batches == 256


def test_the_small_recipe_fits_one_gpu(tokens: Tokens):  # noqa: F811
    recipe = recipes.small()
    assert isinstance(recipe.llm, PretrainedLLM)
    with torch.device("meta"):
        backbone = Backbone(small_llama(recipe.llm.shape, tokens), recipe.model.backbone, (tokens.think, tokens.shift))
        model = SalmonnOmni(recipe.model, backbone, tokens)
    assert sum(value.numel() for name, value in model.backbone.llm.named_parameters() if not is_lora(name)) == 361_821_120
    assert sum(value.numel() for value in model.parameters()) < 0.5e9

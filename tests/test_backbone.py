"""The backbone: stepping over the ring equals the whole pass, and rows do not know each other."""

from itertools import accumulate

import pytest
import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedTokenizerFast

from parley.llm.backbone import Backbone, BackboneConfig, LlamaSize, load_llm, small_llama
from parley.llm.layout import SLOTS
from parley.llm.tokens import BROKEN, SPACE, Tokens, legible, train_tokenizer, whole
from parley.streaming import reset_rows, tensors


@pytest.fixture(scope="module")
def tokens() -> Tokens:
    return Tokens.of(train_tokenizer(["hello there my friend"] * 9, 300))


def test_the_special_tokens_of_a_pretrained_llm_stay_special():
    tokenizer = train_tokenizer(["hello there"] * 9, 300)
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|user|>"]})
    tokenizer.add_tokens([AddedToken("<|reserved|>", special=True)], special_tokens=True)
    tokens = Tokens.of(tokenizer)
    assert tokenizer.convert_tokens_to_ids("<|reserved|>") in set(tokens.special) - set(tokenizer.all_special_ids)
    assert set(tokenizer.all_special_ids) < set(tokens.special) and not any(tokens.piece(token) for token in tokens.special)
    user = tokenizer.convert_tokens_to_ids("<|user|>")
    assert {user, tokens.think, tokens.shift, tokens.bos} <= set(tokenizer.all_special_ids) and tokens.piece(user) == ""


def backbone(tokens: Tokens, context: int) -> Backbone:
    torch.manual_seed(0)
    size = LlamaSize(len(tokens.tokenizer), hidden_size=32, intermediate_size=48, num_hidden_layers=3, num_attention_heads=2)
    return Backbone(small_llama(size, tokens), BackboneConfig(context_blocks=context, speech_layer=2)).eval()


@pytest.mark.parametrize("context", [40, 7])
@torch.inference_mode()
def test_step_equals_forward_within_and_beyond_the_ring(tokens: Tokens, context: int):
    model, blocks = backbone(tokens, context), 25
    embeddings = torch.randn(2, blocks * SLOTS, 32)
    whole, whole_speech = model(embeddings)
    state = model.init_state(2)
    for t in range(blocks):
        logits, speech = model.step(embeddings[:, t * SLOTS : (t + 1) * SLOTS], state, torch.tensor([True, True]))
        torch.testing.assert_close(logits, whole[:, t], atol=1e-5, rtol=0)
        torch.testing.assert_close(speech, whole_speech[:, t], atol=1e-5, rtol=0)


COMMON = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 3, "num_attention_heads": 4, "num_key_value_heads": 2}
FAMILIES = {
    "llama": COMMON,
    "qwen2": COMMON,
    "qwen3": {**COMMON, "head_dim": 16},
    "mistral": COMMON,
    "phi3": {**COMMON, "pad_token_id": 0},
    "gpt2": {"n_embd": 32, "n_layer": 3, "n_head": 4},
}


@pytest.mark.parametrize("family", FAMILIES)
@torch.inference_mode()
def test_a_causal_lm_of_any_family_steps_as_it_reads_the_whole(family: str):
    torch.manual_seed(0)
    llm = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, vocab_size=50, **FAMILIES[family]))
    model, blocks, active = Backbone(llm, BackboneConfig(context_blocks=7, speech_layer=2)).eval(), 12, torch.tensor([True, True])
    embeddings = torch.randn(2, blocks * SLOTS, 32)
    (whole, whole_speech), state = model(embeddings), model.init_state(2)
    for t in range(blocks):
        logits, speech = model.step(embeddings[:, t * SLOTS : (t + 1) * SLOTS], state, active)
        torch.testing.assert_close(logits, whole[:, t], atol=1e-5, rtol=0)
        torch.testing.assert_close(speech, whole_speech[:, t], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("family", "settings", "why"),
    [
        ("mistral", {"sliding_window": 20}, "it looks back over 20 positions only, less than 7 blocks of 3"),
        ("gemma2", {"head_dim": 16}, "it caps its logits"),
        ("cohere", {}, "it scales its logits"),
        ("llama", {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0, "rope_theta": 1e4}}, "change with the length"),
    ],
)
def test_an_llm_that_would_not_step_as_it_trains_is_refused(family: str, settings: dict, why: str):
    llm = AutoModelForCausalLM.from_config(AutoConfig.for_model(family, vocab_size=50, **{**COMMON, **settings}))
    with pytest.raises(ValueError, match=f"{family} cannot be the backbone: .*{why}"):
        Backbone(llm, BackboneConfig(context_blocks=7, speech_layer=2))


def test_a_tokenizer_without_bos_lends_its_eos_and_one_without_both_is_refused():
    tokenizer = train_tokenizer(["hello there"] * 9, 300)
    tokenizer.bos_token, tokenizer.eos_token = None, "<pad>"
    assert Tokens.of(tokenizer).bos == tokenizer.convert_tokens_to_ids("<pad>")
    tokenizer.eos_token = None
    with pytest.raises(ValueError, match="neither a bos nor an eos token"):
        Tokens.of(tokenizer)


@torch.inference_mode()
def test_an_hour_later_the_same_blocks_mean_the_same(tokens: Tokens):
    """Positions count on; only distances matter, up to what float32 makes of the angles."""
    model, length, hour = backbone(tokens, 40), 40 * SLOTS, 45_000 * SLOTS
    embeddings = torch.randn(1, length, 32)
    early, late = (model.logits(model.read(embeddings, torch.arange(length)[None] + first, None, None)[0]) for first in (0, hour))
    assert 0 < (late - early).abs().max() < 0.02 * early.std()
    assert torch.equal(late.argmax(-1), early.argmax(-1))


@torch.inference_mode()
def test_rows_at_their_own_positions_and_inactive_rows_untouched(tokens: Tokens):
    model = backbone(tokens, 9)
    embeddings = torch.randn(1, 12 * SLOTS, 32)
    whole, _ = model(embeddings)
    state, seen = model.init_state(2), [0, 0]
    for turn in range(18):
        active = torch.tensor([seen[0] < 12, turn % 3 != 0 and seen[1] < 12])
        block = torch.cat([embeddings[:, t * SLOTS : (t + 1) * SLOTS] if t < 12 else torch.randn(1, SLOTS, 32) for t in seen])
        before = [tensor.clone() for tensor in tensors(state)]
        logits, _ = model.step(block, state, active)
        for row in range(2):
            if active[row]:
                torch.testing.assert_close(logits[row], whole[0, seen[row]], atol=1e-5, rtol=0)
                seen[row] += 1
            else:
                assert all(torch.equal(old[row], new[row]) for old, new in zip(before, tensors(state)))
    assert seen == [12, 12]


@torch.inference_mode()
def test_a_reset_row_starts_afresh_and_leaves_the_other(tokens: Tokens):
    model, active = backbone(tokens, 9), torch.tensor([True, True])
    state, block = model.init_state(2), torch.randn(2, SLOTS, 32)
    first, _ = model.step(block, state, active)
    kept = [tensor[0].clone() for tensor in tensors(state)]
    reset_rows(state, [1])
    assert all(torch.equal(old, new[0]) for old, new in zip(kept, tensors(state)))
    again, _ = model.step(block, state, active)
    torch.testing.assert_close(again[1], first[1])


@pytest.mark.parametrize("shared", [1, 2])
@torch.inference_mode()
def test_the_short_way_through_a_llama_gives_the_hidden_states_of_the_long_one(tokens: Tokens, shared: int):
    torch.manual_seed(0)
    size = LlamaSize(len(tokens.tokenizer), 32, 48, num_hidden_layers=3, num_attention_heads=4, num_key_value_heads=4 // shared)
    model = Backbone(small_llama(size, tokens), BackboneConfig(40, 3)).eval()
    embeddings, active = torch.randn(2, 6 * SLOTS, 32), torch.tensor([True, True])
    for layer in range(4):
        model.config = BackboneConfig(40, layer)
        state, (_, whole) = model.init_state(2), model(embeddings)
        for t in range(6):
            _, speech = model.step(embeddings[:, t * SLOTS : (t + 1) * SLOTS], state, active)
            torch.testing.assert_close(speech, whole[:, t], atol=1e-5, rtol=0)


def test_a_hugging_face_directory_without_the_special_tokens_is_extended(tokens: Tokens, tmp_path):
    model = backbone(tokens, 9)
    model.llm.resize_token_embeddings(len(tokens.tokenizer) - 1)
    model.llm.save_pretrained(tmp_path)
    tokens.tokenizer.save_pretrained(tmp_path)
    loaded = load_llm(tmp_path, Tokens.load(tmp_path))
    assert loaded.get_input_embeddings().num_embeddings == len(tokens.tokenizer)


def said(tokens: Tokens, text: str) -> list[str]:
    """What has been said after each piece of a text."""
    return [*accumulate(map(tokens.piece, tokens.encode(text)), lambda before, piece: whole(before + piece), initial="")]


def sentencepiece(*words: str) -> Tokens:
    """As Llama 2 has them: a word brings its space in its name, and a character that is not known comes byte by byte."""
    merges = [(word[:end], word[end]) for word in words for end in range(1, len(word))]
    letters = [f"<0x{byte:02X}>" for byte in range(256)] + sorted(set("".join(words)))
    pieces = dict.fromkeys(["<unk>", "<s>", *letters, *map("".join, merges)])
    ids = {piece: number for number, piece in enumerate(pieces)}
    model = Tokenizer(models.BPE(ids, [*dict.fromkeys(merges)], unk_token="<unk>", byte_fallback=True))
    model.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="never")
    parts = decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)
    model.decoder = decoders.Sequence(list(parts))
    return Tokens.of(PreTrainedTokenizerFast(tokenizer_object=model, bos_token="<s>", unk_token="<unk>"))


def test_a_character_that_takes_several_pieces_is_whole_when_the_last_has_come(tokens: Tokens):
    text = " The café costs 5 €."
    steps = said(tokens, text)
    assert steps[-1] == text and {" The caf\udcc3", " The café costs 5 \udce2\udc82"} <= set(steps)
    assert not any(BROKEN in step for step in steps) and legible(" The caf\udcc3") == " The caf" + BROKEN
    names = [tokens.name(token) for token in tokens.encode(text)]
    assert "".join(names).encode() and names.count(BROKEN) == 5


def test_the_words_of_sentencepiece_keep_their_spaces_and_its_bytes_are_joined():
    llama, text = sentencepiece(*(SPACE + word for word in ("The", "caf", "costs", "5")), "."), " The café costs 5€."
    assert [llama.piece(token) for token in llama.encode("The costs.")] == [" The", " costs", "."]
    steps = said(llama, text)
    assert steps[-1] == text and " The caf\udcc3" in steps
    assert [llama.name(token) for token in llama.encode("café")] == [" caf", BROKEN, BROKEN]


def test_a_space_and_a_broken_character_that_sentencepiece_has_as_pieces_of_their_own_are_kept():
    llama = sentencepiece(SPACE + "5", BROKEN)
    assert said(llama, " 5 €")[-1] == " 5 €"
    assert said(llama, " 5" + BROKEN)[-1] == " 5" + BROKEN

"""Recognisers: pocketsphinx with what it is given, and a Whisper of random weights that is made here."""

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import GenerationConfig, WhisperConfig, WhisperFeatureExtractor, WhisperForConditionalGeneration, WhisperTokenizer

from parley.data.voices import assistant_speech
from parley.eval.recognisers import RATE, Pocketsphinx, Whisper, recogniser, within

SAID = "The capital of Spain is Madrid."
HEARD = "the capital of spain is madrid"
SPECIAL = [f"<|{name}|>" for name in "startoftranscript en translate transcribe startoflm startofprev nospeech notimestamps".split()]
NOISE = np.random.default_rng(0).normal(scale=0.1, size=2 * RATE).astype(np.float32)


def quiet(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE), dtype=np.float32)


def test_a_vocabulary_is_heard_in_any_order():
    recogniser = Pocketsphinx(vocabulary=["Madrid", "Spain", "the capital of", "is", "Paris"])
    assert recogniser.hear(assistant_speech(SAID), RATE) == HEARD
    assert recogniser.hear(assistant_speech("Madrid is the capital of Spain."), RATE) == "madrid is the capital of spain"


def test_a_vocabulary_comes_from_a_file(tmp_path: Path):
    file = tmp_path / "words.txt"
    file.write_text("Madrid\n\n the capital of\nSpain\nbrekekekex\nis\n")
    made = recogniser("pocketsphinx", "first", file)
    assert isinstance(made, Pocketsphinx) and made.unknown == {"brekekekex"} and made is recogniser("pocketsphinx", None, file)
    assert made.hear(assistant_speech("Madrid is the capital of Spain."), RATE) == "madrid is the capital of spain"
    with pytest.raises(ValueError, match="--vocabulary is for pocketsphinx, the recogniser is openai/whisper-tiny"):
        recogniser("openai/whisper-tiny", None, file)
    (tmp_path / "empty.txt").write_text("\n")
    for name, says in (("empty.txt", "is empty; give"), ("none.txt", "cannot be read")):
        with pytest.raises(ValueError, match=f"{name}: {says}"):
            recogniser("pocketsphinx", None, tmp_path / name)


def test_words_have_their_times():
    """1 s of quiet, the sentence, 0.5 s of quiet: its first word starts at 1 s, its last ends when the speech does."""
    speech = assistant_speech(SAID)
    pcm = np.concatenate([quiet(1.0), speech, quiet(0.5)])
    recogniser = Pocketsphinx([SAID, "The capital of France is Paris."])
    heard = recogniser.hear_words(pcm, RATE)
    assert " ".join(word.text for word in heard) == HEARD
    assert heard[0].start_s == pytest.approx(1.0, abs=0.1)
    assert heard[-1].end_s == pytest.approx(1.0 + len(speech) / RATE, abs=0.1)
    assert all(word.start_s < word.end_s <= after.start_s for word, after in zip(heard, heard[1:]))

    faster = recogniser.hear_words(soxr.resample(pcm, RATE, 24000), 24000)  # in seconds, so the rate of the recording is no matter
    assert [word.text for word in faster] == [word.text for word in heard]
    assert [word.start_s for word in faster] == pytest.approx([word.start_s for word in heard], abs=0.05)
    assert recogniser.hear_words(quiet(1.0), RATE) == recogniser.hear_words(quiet(0.0), RATE) == []


def test_words_stay_within_the_recording():
    assert within("a", -0.2, 0.3, 1.0) == within("a", 0.0, 0.3, 1.0)
    late = within("a", 1.2, 1.5, 1.0)
    assert (late.start_s, late.end_s) == (1.0, 1.0)
    crossed = within("a", 0.5, 0.4, 1.0)
    assert (crossed.start_s, crossed.end_s) == (0.5, 0.5)


def test_what_pocketsphinx_cannot_hear_is_said(monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(ValueError, match="has none of what it is to hear, 'brekekekex' first; it is English only"):
        Pocketsphinx(["Brekekekex!"])
    with pytest.raises(ValueError, match="1 sentences and a vocabulary of 2: give one of the two"):
        Pocketsphinx(["yes"], ["yes", "no"])
    monkeypatch.setitem(sys.modules, "pocketsphinx", None)
    with pytest.raises(ValueError, match=r"^pocketsphinx is missing; pip install -e '.\[eval\]'$"):
        Pocketsphinx()


def make_whisper(folder: Path, multilingual: bool) -> None:
    """One layer of random weights, the special tokens and time tokens of Whisper, and a byte-level BPE of three words."""
    bpe = Tokenizer(models.BPE())
    bpe.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    letters = pre_tokenizers.ByteLevel.alphabet()
    bpe.train_from_iterator([" one two three"] * 3, trainers.BpeTrainer(vocab_size=300, initial_alphabet=letters, show_progress=False))
    trained = json.loads(bpe.to_str())["model"]
    tokenizer = WhisperTokenizer(vocab=trained["vocab"], merges=[tuple(pair) for pair in trained["merges"]])
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL})
    tokenizer.add_tokens([f"<|{i / 50:.2f}|>" for i in range(1501)])
    token = tokenizer.convert_tokens_to_ids
    end = token("<|endoftext|>")
    ends = {"bos_token_id": end, "eos_token_id": end, "pad_token_id": end, "decoder_start_token_id": token(SPECIAL[0])}
    config = WhisperConfig(
        vocab_size=len(tokenizer),
        d_model=16,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=2,
        decoder_attention_heads=2,
        encoder_ffn_dim=16,
        decoder_ffn_dim=16,
        max_target_positions=64,
        init_std=1.0,
        **ends,
    )
    torch.manual_seed(0)
    model = WhisperForConditionalGeneration(config)
    languages = {"lang_to_id": {"<|en|>": token("<|en|>")}, "task_to_id": {"transcribe": token("<|transcribe|>")}}
    model.generation_config = GenerationConfig(
        is_multilingual=multilingual,
        no_timestamps_token_id=token("<|notimestamps|>"),
        prev_sot_token_id=token("<|startofprev|>"),
        alignment_heads=[[0, 0], [0, 1]],
        max_length=24,
        max_initial_timestamp_index=50,
        suppress_tokens=token(["<|endoftext|>", *SPECIAL[:-1]]),
        begin_suppress_tokens=[end],
        **ends,
        **(languages if multilingual else {}),
    )
    for part in (model, tokenizer, WhisperFeatureExtractor(feature_size=80)):
        part.save_pretrained(folder)


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whisper")
    make_whisper(folder, multilingual=True)
    return folder


def test_whisper_hears_the_same_words_for_the_same_samples(whisper: Path):
    one, other = Whisper(whisper), recogniser(str(whisper))
    text = one.hear(NOISE, RATE)
    assert isinstance(text, str) and text and text == text.strip()
    assert other.hear(NOISE, RATE) == one.hear(NOISE, RATE) == text
    assert one.hear(NOISE[::-1].copy(), RATE) != text  # it listens
    assert one.hear(quiet(0), RATE) == "" and one.hear_words(quiet(0), RATE) == []


def test_whisper_hears_any_rate_and_more_than_its_window(whisper: Path):
    recogniser = Whisper(whisper)
    assert recogniser.hear(soxr.resample(NOISE, RATE, 24000), 24000)
    assert recogniser.hear(np.tile(NOISE, 16), RATE)  # 32 s


def test_whisper_times_its_words(whisper: Path):
    heard = Whisper(whisper).hear_words(NOISE, RATE)
    assert heard and all(word.text and 0 <= word.start_s <= word.end_s <= 2.0 for word in heard)


def test_whisper_is_told_the_language_if_it_knows_several(whisper: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="fr"):
        Whisper(whisper, language="fr").hear(NOISE, RATE)  # this one knows English alone
    make_whisper(tmp_path, multilingual=False)
    assert Whisper(tmp_path, language="fr").hear(NOISE, RATE)  # and this one is told nothing


@pytest.mark.parametrize(
    ("broken", "complaint"),
    [
        ("absent", "no such directory, and no Whisper of this name on the hub"),
        ("empty", "no Whisper in it"),
        ("truncated", "no Whisper in it"),
        ("without tokenizer", "its tokenizer is missing or of another model"),
        ("without feature extractor", "no Whisper in it"),
        ("of another kind", "a wav2vec2 model; give the directory or hub id of a Whisper"),
    ],
)
def test_a_wrong_directory_gives_one_clear_line(whisper: Path, tmp_path: Path, broken: str, complaint: str):
    folder = tmp_path / "copy"
    match broken:
        case "empty":
            folder.mkdir()
        case "truncated":
            shutil.copytree(whisper, folder)
            (folder / "model.safetensors").write_bytes((folder / "model.safetensors").read_bytes()[:1000])
        case "without tokenizer":
            shutil.copytree(whisper, folder, ignore=shutil.ignore_patterns("tokenizer*"))
        case "without feature extractor":
            shutil.copytree(whisper, folder, ignore=shutil.ignore_patterns("pre*"))
        case "of another kind":
            from transformers import Wav2Vec2Config, Wav2Vec2FeatureExtractor, Wav2Vec2ForCTC

            shutil.copytree(whisper, folder, ignore=shutil.ignore_patterns("config.json", "model*", "pre*"))
            small = Wav2Vec2Config(
                vocab_size=300,
                hidden_size=16,
                num_hidden_layers=1,
                num_attention_heads=2,
                intermediate_size=16,
                num_conv_pos_embeddings=16,
                num_conv_pos_embedding_groups=2,
            )
            for part in (Wav2Vec2ForCTC(small), Wav2Vec2FeatureExtractor()):
                part.save_pretrained(folder)
    recogniser = Whisper(folder)  # nothing is loaded yet
    with pytest.raises(ValueError) as error:
        recogniser.hear(NOISE, RATE)
    assert str(error.value).startswith(f"{folder}: {complaint}") and "\n" not in str(error.value)

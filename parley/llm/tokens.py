"""The text-slot vocabulary: an ordinary Hugging Face tokenizer plus `<think>` and `<shift>` (paper, section 3.3)."""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import cast

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast

BOS, THINK, SHIFT, PAD = "<bos>", "<think>", "<shift>", "<pad>"


class Mode(IntEnum):
    """Where the model stands after a token; a function of the emitted tokens alone. Fresh memory (0) is listening."""

    LISTENING = 0
    TEXT = 1  # speaking, word pieces still to come
    WAIT = 2  # speaking, the text is finished, its audio is still playing


@dataclass(frozen=True)
class Tokens:
    """Ids of the special tokens, and text <-> word pieces. `bos`: what the first block reads; a tokenizer that has none (Qwen's) lends its
    end of text."""

    tokenizer: PreTrainedTokenizerBase
    bos: int
    think: int
    shift: int

    @staticmethod
    def of(tokenizer: PreTrainedTokenizerBase) -> "Tokens":
        """Adds `<think>` and `<shift>` where the tokenizer lacks them (then the LLM's embedding must grow: Backbone does that)."""
        tokenizer.add_special_tokens({"additional_special_tokens": [THINK, SHIFT]}, replace_extra_special_tokens=False)
        bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
        if not isinstance(bos, int):
            raise ValueError(f"{tokenizer.name_or_path}: the tokenizer has neither a bos nor an eos token; set tokenizer.bos_token")
        think, shift = cast(list[int], tokenizer.convert_tokens_to_ids([THINK, SHIFT]))
        return Tokens(tokenizer, bos, think, shift)

    @staticmethod
    def load(source: str | Path) -> "Tokens":
        """From a local directory or hub id."""
        return Tokens.of(AutoTokenizer.from_pretrained(source))

    def encode(self, text: str) -> list[int]:
        """Word pieces of an answer; every word carries its leading space."""
        return self.tokenizer.encode(" " + text.strip(), add_special_tokens=False)

    def piece(self, token: int) -> str:
        """The text of one piece; "" for special tokens."""
        return cast(str, self.tokenizer.decode([token], skip_special_tokens=True))

    def name(self, token: int) -> str:
        """The token as a timeline shows it."""
        return self.piece(token) or cast(str, self.tokenizer.convert_ids_to_tokens(token))

    def next_mode(self, mode: Mode, token: int) -> Mode:
        """The state machine of facts/explicit thinking: the only transitions there are."""
        if token == self.shift:
            return Mode.TEXT if mode == Mode.LISTENING else Mode.LISTENING
        if token == self.think:
            return Mode.WAIT if mode == Mode.TEXT else mode
        if mode != Mode.TEXT:
            raise ValueError(f"the word piece {self.piece(token)!r} while {mode.name.lower()}: a piece may stand only in speaking-text")
        return mode


def train_tokenizer(texts: list[str], vocab_size: int) -> PreTrainedTokenizerFast:
    """A small byte-level BPE tokenizer over `texts`, in the ordinary Hugging Face form."""
    model = Tokenizer(models.BPE())
    model.normalizer = normalizers.NFC()
    model.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    model.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=vocab_size, special_tokens=[PAD, BOS, THINK, SHIFT], initial_alphabet=alphabet, show_progress=False
    )
    model.train_from_iterator((" " + text.strip() for text in texts), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=model, pad_token=PAD, bos_token=BOS, additional_special_tokens=[THINK, SHIFT], clean_up_tokenization_spaces=False
    )

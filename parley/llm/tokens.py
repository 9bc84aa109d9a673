"""The text-slot vocabulary: an ordinary Hugging Face tokenizer plus `<think>` and `<shift>` (paper, section 3.3)."""

import re
from codecs import getincrementaldecoder
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import cast

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerBase, PreTrainedTokenizerFast
from transformers.convert_slow_tokenizer import bytes_to_unicode

BOS, THINK, SHIFT, PAD = "<bos>", "<think>", "<shift>", "<pad>"
BROKEN, SPACE, BYTE = "\N{REPLACEMENT CHARACTER}", "\N{LOWER ONE EIGHTH BLOCK}", re.compile("<0x([0-9A-F]{2})>")
BYTE_OF = {letter: byte for byte, letter in bytes_to_unicode().items()}


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
        """The text of one piece; "" for special tokens. Of a character that takes several pieces each brings its bytes (surrogateescape),
        and `whole` makes the character of them."""
        text = cast(str, self.tokenizer.decode([token], skip_special_tokens=True))
        name = cast(str, self.tokenizer.convert_ids_to_tokens(token))
        if BROKEN in text and (byte := BYTE.fullmatch(name)):  # as SentencePiece calls it
            return bytes([int(byte[1], 16)]).decode(errors="surrogateescape")
        if BROKEN in text and {*name} <= BYTE_OF.keys():  # the alphabet of GPT-2
            return bytes(BYTE_OF[letter] for letter in name).decode(errors="surrogateescape")
        return " " + text if name.startswith(SPACE) and not text.startswith(" ") else text

    @property
    def special(self) -> list[int]:
        """All that are no word pieces, those without a role here as well."""
        added = self.tokenizer.added_tokens_decoder
        return sorted({*self.tokenizer.all_special_ids, *(token for token, each in added.items() if each.special)})

    def name(self, token: int) -> str:
        """The token as a timeline shows it."""
        return legible(self.piece(token)) or cast(str, self.tokenizer.convert_ids_to_tokens(token))

    def next_mode(self, mode: Mode, token: int) -> Mode:
        """The state machine of facts/explicit thinking: the only transitions there are."""
        if token == self.shift:
            return Mode.TEXT if mode == Mode.LISTENING else Mode.LISTENING
        if token == self.think:
            return Mode.WAIT if mode == Mode.TEXT else mode
        if mode != Mode.TEXT:
            raise ValueError(f"the word piece {self.piece(token)!r} while {mode.name.lower()}: a piece may stand only in speaking-text")
        return mode


def whole(pieces: str) -> str:
    """Text of joined pieces; the bytes of a character that is not over yet stay as they are, at its end."""
    decoder = getincrementaldecoder("utf-8")("replace")
    text = decoder.decode(pieces.encode(errors="surrogateescape"))
    return text + decoder.getstate()[0].decode(errors="surrogateescape")


def over(text: str) -> str:
    """What `whole` gave without the character that is not over yet."""
    return text.encode(errors="ignore").decode()


def legible(text: str) -> str:
    """Text that can be written: with a mark in the place of a broken character."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


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

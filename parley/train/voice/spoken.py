"""The speech tokens of what the assistant says in dialogues, which stages 2 and 3 teach the synthesizer to say."""

import logging
from pathlib import Path

import numpy as np
from lhotse import MonoCut
from rich.progress import track

from parley.data import manifest
from parley.data.filling import leave, noted
from parley.dialogue import Segment, Speaker
from parley.llm.tokens import Tokens
from parley.models.checkpoint import read_weights
from parley.synthesizer.synthesizer import Synthesizer
from parley.synthesizer.tokenizer import SpeechTokenizer, SpeechTokenizerConfig
from parley.train.loop import fit
from parley.train.step.distributed import all_fine, join
from parley.train.voice.synthesizer import Autoencoder, Clip

logger = logging.getLogger(__name__)

SPOKEN = "spoken.json"  # of the pre-training: text -> speech tokens
TOKENIZER = "tokenizer.safetensors"


def spoken_in(
    cuts: list[MonoCut], folder: Path, synthesizer: Synthesizer, config: SpeechTokenizerConfig, tokens: Tokens, run: Path
) -> dict[str, list[int]]:
    """Speech tokens of every whole answer in `cuts` by its text: from the `folder` of the pre-training, and of what is not there from the
    recordings. Answers that are longer than the speech LM reads are left out, which is told: they are learned as text alone.

    The processes share the work, and leave what they found in the folder `run`, which has been claimed for these cuts.
    """
    spoken: dict[str, list[int]] = noted(folder / SPOKEN)
    new: dict[str, tuple[MonoCut, Segment]] = {}
    too_long: set[str] = set()
    lm, mel = synthesizer.config.lm, synthesizer.config.vocoder.mel
    samples = mel.hop * config.frames_per_token
    for cut in cuts:
        for said in manifest.segments(cut):
            if said.speaker != Speaker.AGENT or said.interrupted or said.text in spoken:
                continue
            length = (said.end - said.start) * mel.rate / cut.sampling_rate / samples
            if lm.sayable(len(tokens.encode(said.text)), length):
                new.setdefault(said.text, (cut, said))
            else:
                too_long.add(said.text)
    if too_long:
        logger.warning("%d answers are too long for the synthesizer to learn; they are learned as text alone", len(too_long))
    if not new:
        return spoken
    world = join()
    parts = [run / f"rank{rank}-{SPOKEN}" for rank in range(world.size)]
    if not parts[world.rank].exists():
        autoencoder = Autoencoder(SpeechTokenizer(config), synthesizer.mel_decoder).to(next(synthesizer.parameters()).device).eval()
        fit(read_weights(folder / TOKENIZER), autoencoder.tokenizer, folder / TOKENIZER)
        leave(parts[world.rank], encoded(autoencoder, list(new.items())[world.rank :: world.size]), indent=None)
    all_fine(True, world)  # every part is there
    return spoken | {text: codes for part in parts for text, codes in noted(part).items()}


def encoded(autoencoder: Autoencoder, said: list[tuple[str, tuple[MonoCut, Segment]]]) -> dict[str, list[int]]:
    """The speech tokens of each text, from where it is said. ValueError where that has another sample rate."""
    spoken, mel = dict[str, list[int]](), autoencoder.mel.config
    samples = mel.hop * autoencoder.mel_decoder.config.frames_per_token
    for text, (cut, segment) in track(said, f"speech tokens of {len(said)} answers"):
        if cut.sampling_rate != mel.rate:
            raise ValueError(f"{cut.id}: is recorded at {cut.sampling_rate} Hz and the synthesizer speaks at {mel.rate}; build it again")
        pcm = manifest.to_dialogue(cut).assistant[segment.start : segment.end]
        whole = np.pad(pcm, (0, -len(pcm) % samples))
        spoken[text] = autoencoder.encode(Clip(text, (whole * 32767).astype(np.int16)))
    return spoken

"""Synthesizer pre-training: speech tokenizer with mel decoder -> vocoder -> speech-token LM on word pieces (no LLM yet).

Everything is learned from one synthetic voice, the assistant's. Shapes: rows, samples at 16 kHz, frames at 100 Hz, tokens at 25 Hz.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from rich.progress import track
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from parley.audio import LogMel, MelConfig
from parley.data import filling, voices
from parley.data.filling import noted
from parley.llm.tokens import Tokens
from parley.synthesizer.flow import MelDecoder
from parley.synthesizer.synthesizer import Synthesizer
from parley.synthesizer.tokenizer import SpeechTokenizer, SpeechTokenizerConfig
from parley.synthesizer.vocoder import Pitch, Vocoder
from parley.train.loop import LoopConfig, train
from parley.train.voice.plain_text import plain_sentences


@dataclass(frozen=True)
class SynthesizerTrainingConfig:
    """`sounding`: how many plain sentences tokenizer and vocoder learn from; `more`: plain sentences for the LM alone;
    `lm_tokens`: speech tokens a batch; `repeat`: how often an epoch says each answer of the world."""

    tokenizer: SpeechTokenizerConfig = SpeechTokenizerConfig()
    autoencoder: LoopConfig = field(default_factory=lambda: LoopConfig(steps=2750, rate=1.5e-3, betas=(0.9, 0.98)))
    vocoder: LoopConfig = field(default_factory=lambda: LoopConfig(steps=2400, rate=1e-3, betas=(0.9, 0.98)))
    lm: LoopConfig = field(default_factory=lambda: LoopConfig(steps=3500, rate=2e-3))
    sounding: int = 1500
    more: int = 3000
    held_out: int = 40
    voice: str = str(voices.ASSISTANT)  # which it learns, as `--assistant` of the dialogues' build names it
    rows: int = 8  # of the first two stages
    autoencoder_frames: int = 256
    vocoder_frames: int = 128
    lm_tokens: int = 800
    repeat: int = 5
    seed: int = 1  # of the plain sentences


@dataclass(frozen=True)
class Clip:
    text: str
    pcm: np.ndarray  # (samples,) int16, whole speech tokens


def record(texts: list[str], voice: str, samples: int, folder: Path) -> list[Clip]:
    """`voice` speaking `texts`, each padded to a multiple of `samples`; kept in `folder` for the next time."""
    folder.mkdir(parents=True, exist_ok=True)
    script, sound = folder / "texts.json", folder / "speech.npz"
    wanted = {"voice": voice, "texts": texts}
    if not script.exists() or noted(script) != wanted:
        spoken = [voices.speak(text, voices.parse_voice(voice)) for text in track(texts, f"speaking {len(texts)} sentences")]
        whole = [np.pad(pcm, (0, -len(pcm) % samples)) for pcm in spoken]
        lengths = np.array([len(pcm) for pcm in whole])
        np.savez(sound, pcm=(np.concatenate(whole) * 32767).astype(np.int16), lengths=lengths)
        filling.leave(script, wanted)
    saved = np.load(sound)
    return [Clip(text, pcm) for text, pcm in zip(texts, np.split(saved["pcm"], saved["lengths"].cumsum()[:-1]))]


def crops(clips: list[Clip], rows: int, frames: int, hop: int, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Random stretches of speech, longer clips more often: pcm (rows, frames * hop), and which frames hold speech (rows, frames)."""
    lengths = np.array([len(clip.pcm) // hop for clip in clips])
    pcm, present = np.zeros((rows, frames * hop), np.float32), np.zeros((rows, frames), bool)
    for row, i in enumerate(rng.choice(len(clips), rows, p=lengths / lengths.sum())):
        spare = max(0, lengths[i] - frames)
        start = int(np.clip(rng.integers(-frames // 4, spare + frames // 4 + 1), 0, spare))  # beginnings and ends more often
        part = clips[i].pcm[start * hop : (start + frames) * hop]
        pcm[row, : len(part)], present[row, : len(part) // hop] = part / np.float32(32767), True
    return torch.from_numpy(pcm), torch.from_numpy(present)


class Autoencoder(nn.Module):
    """mel -> speech tokens -> mel."""

    def __init__(self, tokenizer: SpeechTokenizer, mel_decoder: MelDecoder):
        super().__init__()
        self.mel = LogMel(mel_decoder.config.mel)
        self.tokenizer = tokenizer
        self.mel_decoder = mel_decoder

    def forward(self, mel: Tensor, present: Tensor) -> Tensor:
        """mel (rows, frames, n_mels), present (rows, frames) -> the mel that is left of it."""
        present = present[:, :: self.mel_decoder.config.frames_per_token]
        return self.mel_decoder.decode(self.tokenizer(mel) * present[:, :, None], present)

    def loss(self, pcm: Tensor, present: Tensor) -> dict[str, Tensor]:
        """Absolute error of the mel and of its change from frame to frame, a little squared error for what is far off."""
        mel = self.mel.centred(pcm)
        error = (self(mel, present) - mel) * present[:, :, None]
        count = present.sum() * mel.shape[2]
        l1, l2, change = error.abs().sum() / count, error.square().sum() / count, error.diff(dim=1).abs().sum() / count
        return {"loss": l1 + 0.2 * l2 + 0.5 * change, "mel_l1": l1}

    @torch.no_grad()
    def encode(self, clip: Clip) -> list[int]:
        """The speech tokens of a clip."""
        pcm = torch.from_numpy(clip.pcm.astype(np.float32) / 32767).to(self.mel.window.device)
        return self.tokenizer.encode(self.mel.centred(pcm[None]))[0].tolist()


def pitch_of(pcm: Tensor, config: MelConfig, low: float = 100.0, high: float = 320.0, window: int = 640, sure: float = 0.5) -> Tensor:
    """f0 in Hz per frame, 0 where unvoiced, by autocorrelation: (rows, samples) -> (rows, frames). Good for one clean voice only."""
    side = (window - config.hop) // 2
    shape = torch.hann_window(window, device=pcm.device)
    frames = F.pad(pcm, (side, side)).unfold(1, window, config.hop)  # (rows, frames, window)
    frames = (frames - frames.mean(2, keepdim=True)) * shape

    def autocorrelation(x: Tensor) -> Tensor:
        return torch.fft.irfft(torch.fft.rfft(x, 2 * window).abs().square())

    likeness, of_shape = autocorrelation(frames), autocorrelation(shape)
    quiet = 1e-3 * likeness[..., 0].amax(1, keepdim=True)
    likeness = likeness / (likeness[..., 0] + quiet)[..., None] / (of_shape / of_shape[0]).clamp(min=0.01)
    first, last = int(config.rate / high), int(config.rate / low) + 1  # lags in samples
    near = likeness[..., first - 1 : last + 2]
    at = near[..., 1:-1]
    peaks = torch.where((at >= near[..., :-2]) & (at >= near[..., 2:]), at, 0.0)
    best = peaks.amax(2, keepdim=True)
    lag = ((peaks >= 0.9 * best) & (peaks > 0)).float().argmax(2, keepdim=True)  # the shortest: twice a period is as periodic
    before, here, after = (near.gather(2, lag + i)[..., 0] for i in range(3))
    bend = before - 2 * here + after
    shift = torch.where(bend < 0, 0.5 * (before - after) / bend, 0.0).clamp(-0.5, 0.5)
    return torch.where(here > sure, config.rate / (lag[..., 0] + first + shift), 0.0)


def spectral_distance(made: Tensor, wanted: Tensor) -> Tensor:
    """Multi-resolution STFT distance: logarithms of the magnitudes, and their relative error."""
    total = made.new_zeros(())
    for size in (1024, 512, 256):
        window = torch.hann_window(size, device=made.device)
        a, b = (torch.stft(x, size, size // 4, window=window, return_complex=True).abs() / window.norm() for x in (made, wanted))
        total = total + ((a + 1e-4).log() - (b + 1e-4).log()).abs().mean() + (a - b).norm() / b.norm()
    return total / 3


def vocoder_loss(vocoder: Vocoder, autoencoder: Autoencoder, pcm: Tensor, present: Tensor, warm: int = 20) -> dict[str, Tensor]:
    """The vocoder learns on mels that went through the speech tokens; the recording's own pitch drives its pulses. The first `warm`
    frames, where its left context is missing, do not count."""
    config = vocoder.config
    with torch.no_grad():
        mel = autoencoder(autoencoder.mel.centred(pcm), present)
        f0 = pitch_of(pcm, config.mel)
    voiced = f0 > 0
    given = Pitch(f0, torch.where(voiced, 1.0, -1.0))
    made, pitch, _ = vocoder.advance(mel, vocoder.init_state(len(mel)), given)
    wanted = F.pad(pcm, (config.piece, -config.piece))
    skip = warm * config.mel.hop
    losses = {
        "spectrum": spectral_distance(made[:, skip:], wanted[:, skip:]),
        "log_f0": ((pitch.f0.log() - f0.clamp(min=1).log()).abs() * voiced).sum() / voiced.sum().clamp(min=1),
        "voicing": F.binary_cross_entropy_with_logits(pitch.voiced, voiced.float()),
    }
    return {"loss": losses["spectrum"] + 2 * losses["log_f0"] + 0.5 * losses["voicing"], **losses}


Spoken = tuple[list[int], list[int]]  # word pieces, speech tokens


def collate(items: list[Spoken]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """pieces (rows, pieces), their numbers (rows,), tokens (rows, tokens), their numbers (rows,); right-padded with 0."""

    def padded(lists: list[list[int]]) -> Tensor:
        return pad_sequence([torch.tensor(one) for one in lists], batch_first=True)

    pieces, tokens = [item[0] for item in items], [item[1] for item in items]
    lengths = [torch.tensor([len(one) for one in lists]) for lists in (pieces, tokens)]
    return padded(pieces), lengths[0], padded(tokens), lengths[1]


class LMBatches:
    """Batches of similar length, in a new order every epoch; batch `step` depends on (seed, step) alone."""

    def __init__(self, items: list[Spoken], tokens: int, seed: int):
        self.seed = seed
        self.groups: list[list[Spoken]] = [[]]
        for item in sorted(items, key=lambda item: len(item[1])):
            if self.groups[-1] and len(item[1]) * (len(self.groups[-1]) + 1) > tokens:
                self.groups.append([])
            self.groups[-1].append(item)

    def __call__(self, step: int) -> tuple[Tensor, ...]:
        epoch, place = divmod(step, len(self.groups))
        order = np.random.default_rng((self.seed, epoch)).permutation(len(self.groups))
        return collate(self.groups[order[place]])


@dataclass(frozen=True)
class Corpus:
    """`held_out` is never learned from; `sounding` are the clips of the first two stages."""

    held_out: list[Clip]
    sounding: list[Clip]
    answers: list[Clip]
    others: list[Clip]


def make_corpus(config: SynthesizerTrainingConfig, answers: list[str], sentences: list[str], samples: int, folder: Path) -> Corpus:
    """Speaks the world's `answers` and `sentences`, and plain English beside them. `samples`: of a speech token."""
    plain = plain_sentences(config.sounding + config.more, np.random.default_rng(config.seed))
    answers = list(dict.fromkeys(answers))
    world = list(dict.fromkeys(text for text in sentences if text not in set(answers)))
    plain = list(dict.fromkeys(text for text in plain if text not in set(answers) | set(world)))
    clips = {clip.text: clip for clip in record([*plain, *answers, *world], config.voice, samples, folder)}

    def pick(texts: list[str]) -> list[Clip]:
        return [clips[text] for text in texts]

    sounding = pick(plain[config.held_out : config.sounding])
    others = [*sounding, *pick(plain[config.sounding :]), *pick(world)]
    return Corpus(pick(plain[: config.held_out]), sounding, pick(answers), others)


def run(
    config: SynthesizerTrainingConfig,
    synthesizer: Synthesizer,
    tokens: Tokens,
    answers: list[str],
    sentences: list[str],
    folder: Path,
    device: str,
) -> None:
    """Trains `synthesizer` in place on what the assistant says: `answers`, said often, and other `sentences`.

    Leaves `synthesizer.safetensors`, `tokenizer.safetensors` and `spoken.json`, the speech tokens of every answer, which stage 2 learns
    to say. A killed run goes on where it stopped.
    """
    mel = synthesizer.config.vocoder.mel
    corpus = make_corpus(config, answers, sentences, mel.hop * config.tokenizer.frames_per_token, folder / "corpus")
    autoencoder = learn_tokens(config, synthesizer, corpus, folder, device)

    vocoder = synthesizer.vocoder
    learn, check = (batches_of(clips, config, config.vocoder_frames, mel.hop, device) for clips in (corpus.sounding, corpus.held_out))

    def vocoder_losses(batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        pcm, present = batch
        return vocoder_loss(vocoder, autoencoder, pcm, present)

    train(vocoder, vocoder_losses, learn, config.vocoder, folder / "vocoder", [check(0), check(1)])

    def spoken(clips: list[Clip]) -> list[Spoken]:
        pairs = [(tokens.encode(clip.text), autoencoder.encode(clip)) for clip in clips]
        return [(text, said) for text, said in pairs if synthesizer.config.lm.sayable(len(text), len(said))]

    often = spoken(corpus.answers)
    batches = LMBatches([*spoken(corpus.others), *often * config.repeat], config.lm_tokens, config.lm.seed)
    lm = synthesizer.lm

    def lm_loss(batch: tuple[Tensor, ...]) -> dict[str, Tensor]:
        pieces, n_pieces, said, n_said = (tensor.to(device) for tensor in batch)
        return {"loss": lm.loss(lm.condition(None, pieces), n_pieces, said, n_said)}

    train(lm, lm_loss, batches, config.lm, folder / "lm", [collate(spoken(corpus.held_out)), collate(often[::8])])
    leave(synthesizer, autoencoder, corpus, folder)


def relearn(config: SynthesizerTrainingConfig, synthesizer: Synthesizer, answers: list[str], folder: Path, device: str) -> None:
    """A speech tokenizer for a finished `synthesizer`, which stays as it is: released models come without theirs, and whoever trains on
    needs one. It learns to write the codes that the mel decoder reads. Leaves what `run` leaves."""
    mel = synthesizer.config.vocoder.mel
    few = replace(config, more=0)
    corpus = make_corpus(few, answers, [], mel.hop * config.tokenizer.frames_per_token, folder / "corpus")
    synthesizer.requires_grad_(False)
    leave(synthesizer, learn_tokens(few, synthesizer, corpus, folder, device), corpus, folder)


def learn_tokens(
    config: SynthesizerTrainingConfig, synthesizer: Synthesizer, corpus: Corpus, folder: Path, device: str
) -> Autoencoder:
    """The speech tokenizer, and the mel decoder unless it is frozen."""
    torch.manual_seed(config.autoencoder.seed)
    autoencoder = Autoencoder(SpeechTokenizer(config.tokenizer), synthesizer.mel_decoder).to(device)
    synthesizer.to(device)
    hop = synthesizer.config.vocoder.mel.hop
    learn, check = (batches_of(clips, config, config.autoencoder_frames, hop, device) for clips in (corpus.sounding, corpus.held_out))
    train(autoencoder, lambda batch: autoencoder.loss(*batch), learn, config.autoencoder, folder / "autoencoder", [check(0), check(1)])
    return autoencoder


def batches_of(
    clips: list[Clip], config: SynthesizerTrainingConfig, frames: int, hop: int, device: str
) -> Callable[[int], tuple[Tensor, ...]]:
    """Batch `step` depends on (seed, step) alone."""

    def batch(step: int) -> tuple[Tensor, ...]:
        pair = crops(clips, config.rows, frames, hop, np.random.default_rng((config.autoencoder.seed, step)))
        return tuple(tensor.to(device) for tensor in pair)

    return batch


def leave(synthesizer: Synthesizer, autoencoder: Autoencoder, corpus: Corpus, folder: Path) -> None:
    """What stages 2 and 3 read."""
    save_file(autoencoder.tokenizer.state_dict(), folder / "tokenizer.safetensors")
    save_file(synthesizer.state_dict(), folder / "synthesizer.safetensors")
    texts = {clip.text: autoencoder.encode(clip) for clip in corpus.answers}
    filling.leave(folder / "spoken.json", texts, indent=None)

"""How speech sounds: rated by networks (DNSMOS, UTMOS) or against a reference (STOI, PESQ). Definitions: docs/metrics.md.

Speech comes as (samples,), float32 in [-1, 1], at `rate` samples a second. ValueError: it cannot be rated, or a package is missing.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import soxr
import torch

RATE = 16000  # samples a second that DNSMOS, UTMOS and wideband PESQ were made for

Rater = Callable[[np.ndarray], dict[str, float]]


def rateable(pcm: np.ndarray) -> np.ndarray:
    if pcm.ndim != 1 or not len(pcm) or not np.isfinite(pcm).all():
        raise ValueError(f"speech of shape {pcm.shape} cannot be rated; give (samples,) with at least one, all of them finite")
    return pcm


def at_rate(pcm: np.ndarray, rate: int) -> np.ndarray:
    return (pcm if rate == RATE else soxr.resample(pcm, rate, RATE)).clip(-1, 1).astype(np.float32)


@dataclass(frozen=True)
class Dnsmos:
    """From 1 to 5. The first three as listeners of ITU-T P.835 are asked, the last as those of P.808."""

    overall: float
    signal: float
    background: float
    p808: float


@cache
def dnsmos_rater() -> Rater:
    """speechmos with sessions of one thread: evaluations run in many processes."""
    try:
        onnxruntime = import_module("onnxruntime")
        from speechmos import dnsmos as package
    except ImportError as error:
        raise ValueError(f"{error.name} is missing, which DNSMOS needs; pip install -e '.[eval]'") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    folder = Path(package.__file__).parent / "dnsmos_models"
    files = str(folder / "sig_bak_ovr.onnx"), str(folder / "model_v8.onnx")
    model = package.DNSMOS(*files)
    sessions = (onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"]) for file in files)
    model.onnx_sess, model.p808_onnx_sess = sessions
    return lambda pcm: model(pcm, RATE, False)


def dnsmos(pcm: np.ndarray, rate: int) -> Dnsmos:
    """Mean over windows of 9.01 s, 1 s apart; shorter speech is repeated until it fills one (speechmos, `dnsmos.py`)."""
    rater, speech = dnsmos_rater(), at_rate(rateable(pcm), rate)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Empty filters", UserWarning)  # 120 mel bands are more than its spectrum resolves
        found = rater(speech)
    return Dnsmos(*(float(found[name]) for name in ("ovrl_mos", "sig_mos", "bak_mos", "p808_mos")))


def load_utmos(file: Path) -> torch.jit.ScriptModule:
    """The user's UTMOS as TorchScript: (1, samples) float32 at 16 kHz -> a tensor of one number. ValueError: there is none in `file`."""
    try:
        return torch.jit.load(str(file), map_location="cpu").eval()
    except (RuntimeError, ValueError) as error:
        raise ValueError(f"{file}: no TorchScript ({str(error).splitlines()[0]}); save UTMOS with torch.jit.save") from None


@torch.inference_mode()
def utmos(predictor: torch.jit.ScriptModule, pcm: np.ndarray, rate: int) -> float:
    """From 1 to 5."""
    try:
        rated = predictor(torch.from_numpy(at_rate(rateable(pcm), rate))[None])
    except RuntimeError as error:
        raise ValueError(f"UTMOS did not take speech of shape (1, samples): {str(error).splitlines()[-1]}") from None
    if not isinstance(rated, torch.Tensor) or rated.numel() != 1:
        raise ValueError(f"UTMOS made {type(rated).__name__} of (1, samples) of speech; it must make a tensor of one number")
    return float(rated)


def aligned(reference: np.ndarray, degraded: np.ndarray) -> None:
    """What a comparison needs."""
    if len(rateable(reference)) != len(rateable(degraded)):
        raise ValueError(f"the reference has {len(reference)} samples, the speech {len(degraded)}: align them and cut them to one length")
    if not reference.any():
        raise ValueError("the reference is silent; there is nothing to compare with")


def stoi(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """Short-time objective intelligibility (Taal et al. 2011): a correlation, 1 for the reference itself."""
    aligned(reference, degraded)
    try:
        from pystoi import stoi as measure
    except ImportError:
        raise ValueError("pystoi is missing; pip install -e '.[eval]'") from None
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "Not enough STFT frames", RuntimeWarning)
        try:
            return float(measure(reference, degraded, rate))
        except (RuntimeWarning, ValueError):
            raise ValueError(f"{len(reference) / rate:.2f} s of reference, too little speech in it: STOI needs 0.4 s") from None


def pesq(reference: np.ndarray, degraded: np.ndarray, rate: int) -> float:
    """Wideband PESQ (ITU-T P.862.2): the listening quality from 1 to 4.64."""
    aligned(reference, degraded)
    try:
        package = import_module("pesq")
    except ImportError:
        raise ValueError("pesq is missing; pip install pesq, which needs a C compiler") from None
    try:
        return float(package.pesq(RATE, at_rate(reference, rate), at_rate(degraded, rate), "wb"))
    except package.PesqError as error:
        raise ValueError(f"PESQ cannot compare {len(reference) / rate:.2f} s of speech: {error.args[0].decode()}") from None

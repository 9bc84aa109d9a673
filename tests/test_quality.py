"""Speech quality: what must hold between clean speech, noisy speech and a reference."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
import soxr
import torch
from torch import Tensor

from parley.data.voices import RATE, assistant_speech
from parley.eval.metrics.quality import dnsmos, dnsmos_rater, load_utmos, pesq, stoi, utmos

CLEAN = np.tile(assistant_speech("The capital of Spain is Madrid."), 2)
RNG = np.random.default_rng(0)
NOISE = RNG.normal(size=len(CLEAN)).astype(np.float32) * np.sqrt(np.mean(CLEAN**2))  # as loud as the speech


def noisy(snr_db: float) -> np.ndarray:
    return (CLEAN + NOISE * 10 ** (-snr_db / 20)).astype(np.float32)


def test_stoi_falls_with_noise():
    assert stoi(CLEAN, CLEAN, RATE) == pytest.approx(1.0, abs=1e-3)
    scores = [stoi(CLEAN, noisy(snr_db), RATE) for snr_db in (20, 10, 0, -10)]
    assert 1 > scores[0] > scores[1] > scores[2] > scores[3]
    assert stoi(CLEAN, 0.5 * CLEAN, RATE) == pytest.approx(1.0, abs=1e-3)  # loudness is no matter


@pytest.mark.skipif(importlib.util.find_spec("pesq") is None, reason="pesq is not installed: it must be compiled, so no extra brings it")
def test_pesq_falls_with_noise():
    assert pesq(CLEAN, CLEAN, RATE) == pytest.approx(4.64, abs=0.01)  # the top of P.862.2
    assert pesq(CLEAN, CLEAN, RATE) > pesq(CLEAN, noisy(20), RATE) > pesq(CLEAN, noisy(0), RATE) >= 1
    with pytest.raises(ValueError, match="PESQ cannot compare 0.10 s of speech: Buffer needs to be at least"):
        pesq(CLEAN[:1600], CLEAN[:1600], RATE)


def test_dnsmos_hears_noise():
    clean, loud = dnsmos(CLEAN, RATE), dnsmos(noisy(0), RATE)
    assert dnsmos(CLEAN, RATE) == clean
    assert clean.overall > loud.overall and clean.background > loud.background and clean.p808 > loud.p808
    assert all(1 <= value <= 5 for value in (clean.overall, clean.signal, clean.background, clean.p808))
    faster = dnsmos(soxr.resample(CLEAN, RATE, 24000), 24000)
    assert faster.overall == pytest.approx(clean.overall, abs=0.2)


class Loudness(torch.nn.Module):
    """Stands in for UTMOS."""

    def forward(self, wave: Tensor) -> Tensor:
        assert wave.shape[0] == 1 and wave.ndim == 2
        return 1 + wave.abs().amax(1)


class Frames(torch.nn.Module):
    def forward(self, wave: Tensor) -> Tensor:
        return wave[:, :7]


def saved(module: torch.nn.Module, file: Path) -> Path:
    torch.jit.script(module).save(str(file))
    return file


def test_utmos_is_the_users_own(tmp_path: Path):
    predictor = load_utmos(saved(Loudness(), tmp_path / "utmos.pt"))
    half = np.array([0.0, 0.5, -0.25] * 1000, dtype=np.float32)
    assert utmos(predictor, half, RATE) == 1.5
    assert utmos(predictor, 9 * half, RATE) == 2.0  # what is louder than full scale is cut


def test_what_is_no_utmos_is_said(tmp_path: Path):
    text = tmp_path / "text.pt"
    text.write_text("no model")
    for file in (text, tmp_path / "absent.pt"):
        with pytest.raises(ValueError, match=rf"^{file}: no TorchScript \(.*\); save UTMOS with torch.jit.save$"):
            load_utmos(file)
    with pytest.raises(ValueError, match="it must make a tensor of one number"):
        utmos(load_utmos(saved(Frames(), tmp_path / "frames.pt")), CLEAN, RATE)


@pytest.mark.parametrize("pcm", [np.zeros(0), np.zeros((2, 100)), np.array([0.0, np.nan])], ids=["empty", "stereo", "nan"])
def test_what_cannot_be_rated_is_said(pcm: np.ndarray):
    for measure in (lambda: dnsmos(pcm, RATE), lambda: stoi(pcm, pcm, RATE), lambda: pesq(pcm, pcm, RATE)):
        with pytest.raises(ValueError, match=r"speech of shape \(.*\) cannot be rated; give \(samples,\)"):
            measure()


def test_a_reference_must_fit():
    with pytest.raises(ValueError, match="the reference has 1000 samples, the speech 999: align them and cut them to one length"):
        stoi(CLEAN[:1000], CLEAN[:999], RATE)
    with pytest.raises(ValueError, match="the reference is silent"):
        stoi(np.zeros(RATE), CLEAN[:RATE], RATE)
    for samples in (100, 3000):
        with pytest.raises(ValueError, match="too little speech in it: STOI needs 0.4 s"):
            stoi(CLEAN[2000 : 2000 + samples], CLEAN[2000 : 2000 + samples], RATE)


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("pystoi", r"^pystoi is missing; pip install -e '.\[eval\]'$"),
        ("pesq", r"^pesq is missing; pip install pesq, which needs a C compiler$"),
        ("speechmos", r"^speechmos is missing, which DNSMOS needs; pip install -e '.\[eval\]'$"),
        ("onnxruntime", r"^onnxruntime is missing, which DNSMOS needs; pip install -e '.\[eval\]'$"),
    ],
)
def test_a_missing_package_is_named(monkeypatch: pytest.MonkeyPatch, module: str, line: str):
    monkeypatch.setitem(sys.modules, module, None)
    dnsmos_rater.cache_clear()
    compare = {"pystoi": stoi, "pesq": pesq}.get(module)
    with pytest.raises(ValueError, match=line):
        compare(CLEAN, CLEAN, RATE) if compare else dnsmos(CLEAN, RATE)

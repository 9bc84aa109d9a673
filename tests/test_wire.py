"""Audio on the wire: G.711, rates, pieces of any size, and what is refused."""

import base64

import numpy as np
import pytest

from parley.runtime.serve.limits import Refused
from parley.runtime.serve.wire import Decoder, Encoder, Format, Resampler, codes, linear, parse_format

KNOWN = {"audio/pcmu": {0x00: -32124, 0x7F: 0, 0x80: 32124, 0xFF: 0}, "audio/pcma": {0x55: -8, 0xD5: 8, 0x2A: -32256}}


@pytest.mark.parametrize("kind, known", KNOWN.items())
def test_g711_is_what_the_standard_says(kind: str, known: dict[int, int]):
    assert {code: int(linear(kind)[code]) for code in known} == known
    values = linear(kind).astype(np.int64)
    np.testing.assert_array_equal(linear(kind)[codes(kind)[values + 32768]], values)
    steps = np.diff(np.unique(values))
    assert np.abs(linear(kind)[codes(kind)].astype(int) - np.arange(-32768, 32768))[700:-700].max() <= steps.max() // 2


@pytest.mark.parametrize("rate, wanted", [(24000, 16000), (16000, 24000), (8000, 16000), (16000, 8000), (16000, 16000)])
def test_a_tone_survives_another_rate_in_pieces_of_any_size(rate: int, wanted: int):
    def tone(at: int) -> np.ndarray:
        return (0.5 * np.sin(2 * np.pi * 1000 * np.arange(at) / at)).astype(np.float32)

    resample = Resampler(rate, wanted)
    pieces = np.split(tone(rate), np.sort(np.random.default_rng(0).integers(0, rate, 50)))
    got, want = np.concatenate([resample(piece) for piece in pieces]), tone(wanted)
    np.testing.assert_array_equal(got, Resampler(rate, wanted)(tone(rate)))
    assert len(got) == wanted
    delay = 0 if rate == wanted else 16 * wanted // min(rate, wanted)
    np.testing.assert_allclose(got[delay + 100 :], want[100 : len(want) - delay], atol=2e-3)


def test_a_block_keeps_its_length_at_every_rate():
    for format, length in ((Format("audio/pcm", 24000), 3840), (Format("audio/pcm", 16000), 2560), (Format("audio/pcmu", 8000), 640)):
        encoder, decoder = Encoder(format, 16000), Decoder(format, 16000)
        for _ in range(3):
            audio = encoder(np.full(1280, 0.25, np.float32))
            assert len(base64.b64decode(audio)) == length
            heard = decoder(audio)
            assert heard.shape == (1280,) and heard.dtype == np.float32
        assert abs(float(heard[-100:].mean()) - 0.25) < 0.01


@pytest.mark.parametrize("audio", [None, 7, "?" * 8, "abc", base64.b64encode(b"123").decode(), "\u00e4"])
def test_what_is_no_audio_is_refused(audio: object):
    with pytest.raises(Refused) as caught:
        Decoder(Format(), 16000)(audio)
    assert caught.value.code == "invalid_audio"


def test_no_audio_at_all_is_no_error():
    assert len(Decoder(Format(), 16000)("")) == 0


def test_wrong_formats_are_named():
    wrong = {"rate": 44100, "type": "audio/pcm"}, {"rate": 16000, "type": "audio/pcmu"}, {"rate": [], "type": "audio/pcm"}
    for format, param in [(None, "f.type"), ({"type": "audio/mp3"}, "f.type"), *((each, "f.rate") for each in wrong)]:
        with pytest.raises(Refused) as caught:
            parse_format(format, (16000, 24000), "f")
        assert caught.value.param == param

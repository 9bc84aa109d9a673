"""Voices of any server with OpenAI's `/v1/audio/speech`."""

from functools import lru_cache
from io import BytesIO

import numpy as np
import soundfile

from parley.data.remote.endpoint import Asker, Endpoint, Failure, Reason

KEY_VARIABLE = "PARLEY_SPEECH_KEY"
TIMEOUT_S, LONGEST_WAIT_S = 30.0, 10.0  # of one try, and before the next; all of them fit into the time that a voice has for an utterance

Pcm = tuple[bytes, int]  # 16-bit mono little-endian, samples a second


class Down(ConnectionError):
    """A server that answers nobody any more: no failure of the text that was to be spoken."""


def spoken_by(name: str, text: str, speed: float) -> Pcm:
    """`name` is "URL MODEL VOICE". ValueError for what the server does not do, `Down` where it does nothing at all."""
    match name.split():
        case [url, model, voice]:
            asker = _asker(url, model)
        case _:
            raise ValueError(f"the voice {name!r} is not URL MODEL VOICE, as in 'http://localhost:8880/v1 kokoro af_bella'")
    body = {"input": text, "voice": voice, "response_format": "wav", "speed": speed}
    answer = asker.ask("audio/speech", body, lambda reply: _sound(reply, asker))
    if isinstance(answer, Failure):
        raise Down(answer.detail) if asker.is_down else ValueError(answer.detail)
    return answer


@lru_cache(maxsize=8)
def _asker(url: str, model: str) -> Asker:
    return Asker(Endpoint(url, model, KEY_VARIABLE, timeout_s=TIMEOUT_S, longest_wait_s=LONGEST_WAIT_S))


def _sound(reply: bytes, asker: Asker) -> Pcm | Failure:
    """The left channel of any sound file that libsndfile reads."""
    try:
        samples, rate = soundfile.read(BytesIO(reply), dtype="int16", always_2d=True)
    except soundfile.LibsndfileError:
        text = asker.shown(reply[:400].decode(errors="replace"))
        return Failure(Reason.NONSENSE, f"{asker.endpoint.url}: answered no sound: {text}")
    return np.ascontiguousarray(samples[:, 0]).astype("<i2").tobytes(), rate

"""Audio as it travels: base64 of 16-bit PCM or G.711 at the client's rate <-> float32 at the model's. Samples are in [-1, 1]."""

import base64
import binascii
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from math import gcd
from typing import Any

import numpy as np
from scipy.signal import upfirdn

from parley.runtime.serve.limits import Refused

LOBES = 16  # zero crossings of the resampler's filter on either side: it delays by 16 samples of the lower rate, at most 2 ms
G711_RATE = 8000


@dataclass(frozen=True)
class Format:
    """`kind`: audio/pcm (s16le), audio/pcmu or audio/pcma (G.711), all mono."""

    kind: str = "audio/pcm"
    rate: int = 24000  # Hz

    def as_json(self) -> dict[str, Any]:
        return {"type": self.kind, "rate": self.rate}


KINDS = {str: "a string", bool: "true or false", int: "a whole number", float: "a number", list: "a list", dict: "an object"}


def fields_of(value: Any, kinds: dict[str, type], where: str, strict: bool = True) -> dict[str, Any]:
    """Those of these fields that a JSON object holds, each of its kind (`object` = any); null is none. Refused names what is wrong.

    strict: It may hold no others.
    """
    if not isinstance(value, dict | None):
        raise Refused("invalid_value", f"{where} is an object", where)
    if strict and (unknown := sorted((value or {}).keys() - kinds.keys())):
        raise Refused("unknown_parameter", f"{where} has no field {unknown[0]!r}", f"{where}.{unknown[0]}")
    found = {name: value[name] for name in kinds if value and value.get(name) is not None}
    for name, field in found.items():
        kind = kinds[name]
        if not (kind is object or type(field) is kind or (kind is float and type(field) is int)):
            raise Refused("invalid_value", f"{where}.{name} is {KINDS[kind]}", f"{where}.{name}")
    return found


def one_of(value: Any, choices: Iterable[str], where: str) -> str:
    if not isinstance(value, str) or value not in choices:
        raise Refused("invalid_value", f"{where} is {', '.join(choices)}", where)
    return value


def check_voice(voice: Any, where: str) -> None:
    """A name, or an object with an id."""
    if not isinstance(voice, str | None) and not (isinstance(voice, dict) and isinstance(voice.get("id"), str)):
        raise Refused("invalid_value", f"{where} is the name of a voice, or an object with its id", where)


def parse_format(value: Any, rates: tuple[int, ...], param: str) -> Format:
    """The `format` object of a session. `rates`: those that the protocol allows for PCM. Refused names what is wrong."""
    if not isinstance(value, dict) or value.get("type") not in ("audio/pcm", "audio/pcmu", "audio/pcma"):
        raise Refused("invalid_value", "the type of an audio format is audio/pcm, audio/pcmu or audio/pcma", f"{param}.type")
    allowed = rates if value["type"] == "audio/pcm" else (G711_RATE,)
    rate = value.get("rate", max(allowed))
    if rate not in allowed or isinstance(rate, bool):
        raise Refused("invalid_value", f"the rate of {value['type']} is {' or '.join(map(str, allowed))} Hz", f"{param}.rate")
    return Format(value["type"], int(rate))


@cache
def linear(kind: str) -> np.ndarray:
    """(256,) int16: the sample of every G.711 code (ITU-T G.711, tables 1 and 2)."""
    code = np.arange(256)
    if kind == "audio/pcmu":
        code = ~code & 0xFF
        size = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
        return np.where(code & 0x80, -size, size).astype(np.int16)
    code = code ^ 0x55
    segment = (code & 0x70) >> 4
    size = ((code & 0x0F) << 4) + np.where(segment, 0x108, 8)
    size = size << np.maximum(segment - 1, 0)
    return np.where(code & 0x80, size, -size).astype(np.int16)


@cache
def codes(kind: str) -> np.ndarray:
    """(65536,) uint8: the nearest G.711 code of every sample, first that of -32768."""
    values, code = np.unique(linear(kind), return_index=True)
    middles = (values[1:].astype(np.int32) + values[:-1]) / 2
    return code[np.searchsorted(middles, np.arange(-32768, 32768), side="right")].astype(np.uint8)


class Resampler:
    """A stream at another rate, in pieces of any size; what does not make a whole sample at the new rate waits for the next piece."""

    def __init__(self, rate: int, wanted: int) -> None:
        common = gcd(rate, wanted)
        self.up, self.down = wanted // common, rate // common
        half = LOBES * max(self.up, self.down)
        cutoff = 0.94 / max(self.up, self.down)
        taps = np.sinc(cutoff * np.arange(-half, half + 1)) * np.kaiser(2 * half + 1, 7.0)
        self.taps = (self.up * taps / taps.sum()).astype(np.float32)
        memory = -(-2 * half // (self.up * self.down)) * self.down  # samples that the filter still sees: whole steps
        self.memory = np.zeros(memory, np.float32)
        self.rest = np.zeros(0, np.float32)

    def __call__(self, pcm: np.ndarray) -> np.ndarray:
        """(samples,) -> (about samples * wanted / rate,), float32."""
        if self.up == self.down:
            return pcm
        pcm = np.concatenate([self.rest, pcm])
        whole = len(pcm) // self.down * self.down
        heard, self.rest = np.concatenate([self.memory, pcm[:whole]]), pcm[whole:]
        begin, end = (n * self.up // self.down for n in (len(self.memory), len(heard)))
        self.memory = heard[whole:]
        return upfirdn(self.taps, heard, self.up, self.down)[begin:end]


class Decoder:
    """What a client sends -> samples at the model's rate."""

    def __init__(self, format: Format, rate: int) -> None:
        self.kind = format.kind
        self.resample = Resampler(format.rate, rate)

    def __call__(self, audio: Any) -> np.ndarray:
        """base64 -> (samples,) float32. Refused where it is none, or not whole samples."""
        if not isinstance(audio, str):
            raise Refused("invalid_audio", "audio is a base64 string", "audio")
        try:
            data = base64.b64decode(audio, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Refused("invalid_audio", f"audio is not base64 ({error})", "audio") from error
        if self.kind != "audio/pcm":
            samples = linear(self.kind)[np.frombuffer(data, np.uint8)]
        elif len(data) % 2:
            raise Refused("invalid_audio", f"{len(data)} bytes are not whole 16-bit samples", "audio")
        else:
            samples = np.frombuffer(data, "<i2")
        return self.resample(samples.astype(np.float32) / 32768)


class Encoder:
    """Samples at the model's rate -> what a client plays."""

    def __init__(self, format: Format, rate: int) -> None:
        self.kind = format.kind
        self.resample = Resampler(rate, format.rate)

    def __call__(self, pcm: np.ndarray) -> str:
        """(samples,) float32 -> base64."""
        samples = np.rint(self.resample(pcm).clip(-1, 1) * 32767).astype("<i2")
        data = samples if self.kind == "audio/pcm" else codes(self.kind)[samples.astype(np.int32) + 32768]
        return base64.b64encode(data.tobytes()).decode()

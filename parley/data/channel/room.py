"""Room responses by the image source method of pyroomacoustics: how a room colours what reaches the microphone."""

from functools import lru_cache
from typing import cast

import numpy as np
from scipy.signal import oaconvolve

SOUND_M_S = 343.0
RT60_S = (0.15, 0.6)  # of rooms in which people live and work
REFLECTIONS = 20  # at most so many walls, for the time that it takes; the last of a long echo is missing
SMALLEST_M, LARGEST_M = (2.8, 2.8, 2.4), (7.0, 6.0, 3.2)
ROOMS = 2000  # that training draws from: to compute one costs as much as all else that is done to a dialogue


def responses(sources: int, rt60_s: tuple[float, float], rate: int, rng: np.random.Generator) -> list[np.ndarray]:
    """One room, one microphone: a response of unit energy (samples,) for each source, which begins with its direct sound.

    So a source's first sample stays where it was. `rt60_s`: in which time the sound of the room falls by 60 dB.
    """
    try:
        import pyroomacoustics
    except ImportError:
        raise ValueError("rooms need pyroomacoustics; pip install -e '.[data]'") from None
    size = rng.uniform(SMALLEST_M, LARGEST_M)
    microphone, *places = rng.uniform(0.5, size - 0.5, (sources + 1, 3))
    absorption, reflections = pyroomacoustics.inverse_sabine(rng.uniform(*rt60_s), size)
    order = min(reflections, REFLECTIONS)
    pyroomacoustics.constants.set("num_threads", 1)  # the sum over the walls depends on it, and with it every bit
    room = pyroomacoustics.ShoeBox(size, fs=rate, materials=pyroomacoustics.Material(absorption), max_order=order)
    for place in places:
        room.add_source(place)
    room.add_microphone(microphone)
    room.compute_rir()
    assert room.rir is not None
    early = pyroomacoustics.constants.get("frac_delay_length") // 2
    direct = [early + round(float(np.linalg.norm(place - microphone)) / SOUND_M_S * rate) for place in places]
    cut = [np.asarray(response[first:], np.float32) for first, response in zip(direct, room.rir[0])]
    return [response / np.float32(np.sqrt(np.sum(np.square(response)))) for response in cut]


@lru_cache(ROOMS)
def one_room(number: int, rate: int) -> np.ndarray:
    """The response (samples,) of a source in room `number` of ROOMS, always the same."""
    return responses(1, RT60_S, rate, np.random.default_rng((ROOMS, number)))[0]


def in_room(sound: np.ndarray, response: np.ndarray) -> np.ndarray:
    """(samples,) and the response's (length,) -> (samples + length - 1,)."""
    return cast(np.ndarray, oaconvolve(sound, response)).astype(np.float32)

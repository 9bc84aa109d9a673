"""How soon, how fast, and whether streaming changes the sound. Definitions: docs/metrics.md.

Measured with one row on one thread, as one user on one core has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from parley.eval.metrics.statistics import NONE
from parley.eval.rollout import Trace
from parley.models.salmonn_omni import SalmonnOmni
from parley.runtime.engine import BlockEvent
from parley.runtime.session import Session
from parley.streaming import tensors


@dataclass(frozen=True)
class Latency:
    onset_delay_s: float | None  # of the first answer that is heard: from the decision to speak to the first audible sample
    compute_ms: tuple[float, ...]  # of every block


def latency(trace: Trace) -> Latency:
    delays = [trace.seconds(answer.onset - answer.shift) for answer in trace.answers if answer.onset is not None]
    return Latency(delays[0] if delays else None, tuple(round(1000 * seconds, 3) for seconds in trace.compute_s.tolist()))


def block_percentile(rows: Sequence[Sequence[float]], percent: float) -> float:
    """Over all blocks of all `rows`, each the compute of one dialogue's blocks."""
    return float(np.percentile(np.concatenate(rows), percent)) if rows else NONE


@dataclass(frozen=True)
class Streaming:
    """Largest absolute differences between waveforms; None where nothing was said."""

    splits: float  # the input in blocks, as in the trace, against the same input in pieces of random lengths
    offline: float | None  # the answers as they were streamed against their speech tokens turned into sound at once


@torch.inference_mode()
def streaming(model: SalmonnOmni, trace: Trace, rng: np.random.Generator) -> Streaming:
    """Plays the trace's environment again, in random splits."""
    session, state = Session(model.clock), model.init_state(1)
    device = tensors(state)[0].device
    everyone = torch.ones(1, dtype=torch.bool, device=device)
    played: list[np.ndarray] = []
    utterances: dict[int, Tensor] = {}  # the speech tokens (1, tokens) of each answer so far, by its number
    heard = 0
    while heard < len(trace.environment):
        size = int(rng.integers(1, 4 * model.clock.samples_in))
        session.hear(trace.environment[heard : heard + size])
        heard += size
        while session.ready:
            output = model.step(torch.from_numpy(session.take())[None].to(device), state, everyone)
            token = int(output.token[0])
            event = BlockEvent(output.assistant[0].cpu().numpy(), token, model.piece(token), bool(output.speaking[0]), 0.0, 0.0)
            played.append(session.accept(event).played)
            count = int(state.synthesizer.lm.count[0])
            if count:
                utterances[len(session.answers)] = state.synthesizer.lm.tokens[:1, :count].clone()
    again = np.concatenate(played)
    differences = []
    for number, tokens in utterances.items():
        answer = session.answers[number - 1]
        start = (answer.shift + 1 + model.config.layout.lead) * model.clock.samples_out
        cut = (answer.back + 1) * model.clock.samples_out if answer.back >= 0 else len(again)
        streamed, whole = again[start:cut], model.synthesizer.speak(tokens)[0].cpu().numpy()
        length = min(len(streamed), len(whole))
        differences.append(float(np.abs(streamed[:length] - whole[:length]).max(initial=0.0)))
    return Streaming(float(np.abs(again - trace.assistant).max()), max(differences, default=None))

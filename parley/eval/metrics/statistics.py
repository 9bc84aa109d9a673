"""Every figure with its count and a 95% interval: the percentile bootstrap over dialogues."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RESAMPLES = 1000
NONE = float("nan")  # the value of a figure that nothing was counted for


@dataclass(frozen=True)
class Estimate:
    """A figure over `n` dialogues, those of its denominator; `low` to `high` is its 95% interval. NaN where nothing was counted, and an
    interval over one dialogue."""

    value: float
    low: float
    high: float
    n: int


def bootstrap(outcomes: Sequence[object], figure: Callable[[Sequence], float], seed: int = 0) -> Estimate:
    """`figure(outcomes)` and the 2.5th and 97.5th percentile of it over dialogues drawn with replacement.

    A draw in which the figure is undefined (no positive among its dialogues, say) is left out of the percentiles.
    """
    rng = np.random.default_rng(seed)
    value = figure(outcomes) if outcomes else NONE
    n = denominator(outcomes, figure)
    if np.isnan(value) or n < 2:
        return Estimate(float(value), NONE, NONE, n)
    drawn = [figure([outcomes[i] for i in row]) for row in rng.integers(len(outcomes), size=(RESAMPLES, len(outcomes)))]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Estimate(float(value), float(low), float(high), n)


def mean(values: Sequence[float | None]) -> float:
    """Mean of the values that exist; None marks a dialogue in which there was nothing to measure."""
    kept = [value for value in values if value is not None]
    return float(np.mean(kept)) if kept else NONE


def percentile(values: Sequence[float | None], percent: float) -> float:
    kept = [value for value in values if value is not None]
    return float(np.percentile(kept, percent)) if kept else NONE


def share(values: Sequence[bool | None]) -> float:
    """Share of True among the dialogues that count; None marks one that does not."""
    return mean([None if value is None else float(value) for value in values])


def ratio(pairs: Sequence[tuple[float, float]]) -> float:
    """Sum of the first over sum of the second."""
    below = sum(pair[1] for pair in pairs)
    return sum(pair[0] for pair in pairs) / below if below else NONE


@dataclass(frozen=True)
class Decision:
    """Was it time to yield, and did the model yield."""

    positive: bool
    yielded: bool


def precision(decisions: Sequence[Decision]) -> float:
    return share([decision.positive for decision in decisions if decision.yielded])


def recall(decisions: Sequence[Decision]) -> float:
    return share([decision.yielded for decision in decisions if decision.positive])


def f1(decisions: Sequence[Decision]) -> float:
    """2 TP / (2 TP + FP + FN)."""
    true_positives = sum(decision.positive and decision.yielded for decision in decisions)
    false = sum(decision.positive != decision.yielded for decision in decisions)
    return 2 * true_positives / (2 * true_positives + false) if true_positives + false else NONE


COUNTS: dict[Callable[[Sequence], float], Callable[[Any], bool]] = {  # what is in the denominator, of those that not all is in
    ratio: lambda pair: pair[1] != 0,
    precision: lambda decision: decision.yielded,
    recall: lambda decision: decision.positive,
}


def denominator(outcomes: Sequence[object], figure: Callable[[Sequence], float]) -> int:
    """How many of the outcomes are in that of `figure`."""
    counts = COUNTS.get(figure, lambda outcome: outcome is not None)
    return sum(map(counts, outcomes))

"""Two evaluations side by side: what got better, what got worse, and how sure that is. Dialogue by dialogue, since scenes are the same."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from parley.eval.metrics.statistics import NONE, RESAMPLES, Estimate
from parley.eval.outcomes import Outcome
from parley.eval.report.document import number, outcomes_of, value_and_interval
from parley.eval.report.inputs import INPUT_DETAILS, INPUT_MINUTES, INPUT_SOUND
from parley.eval.report.lines import DETAILS, MINUTES, SOUND, TABLE, Line, Measured

FEWEST = 6  # pairs, of which all can change for the better by chance in 1 of 32 cases; of fewer no interval can be sure


@dataclass(frozen=True)
class Difference:
    """Of `line`, over the `n` dialogues that both have: `b - a` with its 95% interval from a paired bootstrap, NaN where they are few."""

    line: Line
    a: float
    b: float
    low: float
    high: float
    n: int

    @property
    def verdict(self) -> str:
        """By the interval: it holds no zero. Not of every line can be said which way is better."""
        if not self.low > 0 and not self.high < 0:
            return ""
        if self.line.more_is_better is None:
            return "differs"
        return "better" if (self.low > 0) == self.line.more_is_better else "worse"


def same_scene(a: Outcome, b: Outcome) -> bool:
    """Whether the same was asked by the same voice, and the same said into the answer where anything was in both."""
    both = [name for name in ("question", "voice", "event") if name in a and name in b]
    return all(a[name] == b[name] for name in both)


def paired(before: Measured, after: Measured) -> tuple[Measured, Measured, int]:
    """The dialogues of the same scene that both have, and how many of either are left out."""
    a, b = ({(each, one["id"]): one for each, outcomes in measured.items() for one in outcomes} for measured in (before, after))
    common = [key for key in a if key in b and same_scene(a[key], b[key])]
    one, other = ({each: [kept[key] for key in common if key[0] == each] for each, _ in common} for kept in (a, b))
    return one, other, len(a) + len(b) - 2 * len(common)


def difference(line: Line, before: Measured, after: Measured) -> Difference | None:
    """None where the two have no dialogue in common that counts in both."""
    a, b = ({outcome["id"]: outcome for outcome in line.outcomes(measured)} for measured in (before, after))
    pairs = [(line.value(a[key]), line.value(b[key])) for key in sorted(a.keys() & b.keys())]
    counted = [(one, other) for one, other in pairs if one is not None and other is not None]
    if not counted:
        return None

    def both(chosen: Sequence[int]) -> tuple[float, float]:
        return line.figure([counted[i][0] for i in chosen]), line.figure([counted[i][1] for i in chosen])

    whole = both(range(len(counted)))
    drawn = np.random.default_rng(0).integers(len(counted), size=(RESAMPLES, len(counted)))
    differences = [after - before for before, after in map(both, drawn.tolist())]
    if np.isnan(whole).any() or np.isnan(differences).all():
        return None
    low, high = np.nanpercentile(differences, [2.5, 97.5]) if len(counted) >= FEWEST else (NONE, NONE)
    return Difference(line, *whole, float(low), float(high), len(counted))


def compare(a: Path, b: Path) -> str:
    """Markdown: every line that both folders measured, the ones that surely changed first."""
    before, after, left_out = paired(outcomes_of(a), outcomes_of(b))
    found = [
        one
        for line in (*TABLE, *DETAILS, *SOUND, *MINUTES, *INPUT_DETAILS, *INPUT_SOUND, *INPUT_MINUTES)
        if (one := difference(line, before, after)) is not None
    ]
    if not found:
        raise ValueError(f"{a} and {b} measured no dialogue in common; evaluate both with the same suite, seeds and number of dialogues")
    order = {"worse": 0, "better": 1, "differs": 2, "": 3}
    rows = ["| condition | | A | B | B - A | n | |", "|---|---|---|---|---|---|---|"]
    for one in sorted(found, key=lambda one: order[one.verdict]):
        unit = one.line.unit
        change = value_and_interval(Estimate(one.b - one.a, one.low, one.high, one.n), unit)
        cells = [one.line.condition.name, one.line.title, number(one.a, unit), number(one.b, unit), change, str(one.n), one.verdict]
        rows.append(f"| {' | '.join(cells)} |")
    about = (
        f"A: {a}; B: {b}. In brackets the 95% interval of the paired bootstrap over dialogues, none over fewer than {FEWEST}; a verdict "
        "only where it holds no zero."
    )
    tested = sum(not np.isnan(one.low) for one in found)
    chance = (
        f"{tested} lines were tested, {sum(one.verdict != '' for one in found)} differ. Were A and B equally good, about {tested / 20:.0f} "
        "would by chance alone, as one in twenty 95% intervals misses; lines that share dialogues err together."
    )
    unpaired = f"{left_out} dialogues of A and B are not paired: the other has none of that name, or another question, voice or event."
    return "\n".join([about, chance, unpaired, "", *rows]) + "\n"

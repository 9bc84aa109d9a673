"""Two evaluations side by side: what got better, what got worse, and how sure that is. Dialogue by dialogue, since scenes are the same."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from parley.eval.metrics.statistics import RESAMPLES
from parley.eval.report.document import number
from parley.eval.report.inputs import INPUT_DETAILS, INPUT_SOUND
from parley.eval.report.lines import DETAILS, SOUND, TABLE, Line, Measured
from parley.eval.suites import SUITES, Suite


@dataclass(frozen=True)
class Difference:
    """Of `line`, over the `n` dialogues that both have: `b - a` with its 95% interval from a paired bootstrap."""

    line: Line
    a: float
    b: float
    low: float
    high: float
    n: int

    @property
    def verdict(self) -> str:
        """By the interval: it holds no zero. Which way is better is known of lines with a target."""
        if not self.low > 0 and not self.high < 0:
            return ""
        if self.line.target is None:
            return "differs"
        return "better" if (self.low > 0) == self.line.target.at_least else "worse"


def outcomes_of(folder: Path) -> Measured:
    """What `parley eval --out folder` kept. ValueError where there is nothing."""
    names = {condition.name: condition for condition in (*SUITES[Suite.ALL], *SUITES[Suite.INPUTS])}
    kept: Measured = {}
    for file in sorted((folder / "outcomes").glob("*.json")):
        name = file.stem.rsplit("-", 3)[0]  # NAME-SEED-START-STOP
        if name not in names:
            continue
        try:
            outcomes = json.loads(file.read_text())["outcomes"]
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{file}: is no part of an evaluation ({error!r}); remove it and run `parley eval` again") from error
        kept.setdefault(names[name], []).extend(outcome for outcome in outcomes if "failed" not in outcome)
    if not kept:
        raise ValueError(f"{folder}: holds no finished evaluation; give the --out folder of `parley eval`")
    return kept


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
    low, high = np.nanpercentile(differences, [2.5, 97.5])
    return Difference(line, *whole, float(low), float(high), len(counted))


def compare(a: Path, b: Path) -> str:
    """Markdown: every line that both folders measured, the ones that surely changed first."""
    before, after = outcomes_of(a), outcomes_of(b)
    found = [
        one
        for line in (*TABLE, *DETAILS, *SOUND, *INPUT_DETAILS, *INPUT_SOUND)
        if (one := difference(line, before, after)) is not None
    ]
    if not found:
        raise ValueError(f"{a} and {b} measured no dialogue in common; evaluate both with the same suite, seeds and number of dialogues")
    order = {"worse": 0, "better": 1, "differs": 2, "": 3}
    rows = ["| condition | | A | B | B - A | n | |", "|---|---|---|---|---|---|---|"]
    for one in sorted(found, key=lambda one: order[one.verdict]):
        unit = one.line.unit
        change = f"{number(one.b - one.a, unit)} [{number(one.low, unit)}, {number(one.high, unit)}]"
        cells = [one.line.condition.name, one.line.title, number(one.a, unit), number(one.b, unit), change, str(one.n), one.verdict]
        rows.append(f"| {' | '.join(cells)} |")
    about = f"A: {a}; B: {b}. In brackets the 95% interval of the paired bootstrap over dialogues; a verdict only where it holds no zero."
    return "\n".join([about, "", *rows]) + "\n"

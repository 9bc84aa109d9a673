"""Two evaluations side by side: what got better, what got worse, and how sure that is. Dialogue by dialogue, since scenes are the same."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from parley.eval.metrics.statistics import Estimate
from parley.eval.outcomes import Outcome
from parley.eval.report.document import number, outcomes_of, value_and_interval
from parley.eval.report.inputs import INPUT_DETAILS, INPUT_MINUTES, INPUT_SOUND
from parley.eval.report.lines import DETAILS, FEWEST, MINUTES, SOUND, TABLE, By, Difference, Line, Measured, difference

TOLD_BY = {By.RECOGNISER: ("judging.recogniser", "judging.vocabulary"), By.JUDGE: ("endpoint.url", "endpoint.model")}  # of a plan


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


def made(folder: Path) -> dict[str, Any]:
    """How the evaluation in `folder` was made, flat: judging.recogniser, endpoint.model, code, ... Empty where its report does not say."""
    try:
        report = json.loads((folder / "report.json").read_text())
        plan, with_ = report["plan"], report["made_with"]
        flat = {"model": plan["model"], "baseline": plan["baseline"], "code": with_["code"], "voices": with_["voices"]}
        parts = [(part, plan[part] or {}) for part in ("judging", "endpoint", "cascade")]
        return flat | {f"{part}.{name}": value for part, values in parts for name, value in values.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}


def of_line(line: Line, before: Measured, after: Measured) -> Difference | None:
    return difference(line, *({outcome["id"]: outcome for outcome in line.outcomes(each)} for each in (before, after)))


def compare(a: Path, b: Path) -> str:
    """Markdown: every line that both folders measured, the ones that surely changed first. What two recognisers heard, or two judges said,
    is not set beside each other."""
    before, after, left_out = paired(outcomes_of(a), outcomes_of(b))
    ways = made(a), made(b)
    names = dict.fromkeys([*ways[0], *ways[1]]) if all(ways) else {}
    other = {name: tuple(way.get(name) for way in ways) for name in names if ways[0].get(name) != ways[1].get(name)}
    others = {by for by, named in TOLD_BY.items() if other.keys() & {*named}}
    lines = (*TABLE, *DETAILS, *SOUND, *MINUTES, *INPUT_DETAILS, *INPUT_SOUND, *INPUT_MINUTES)
    found = [one for line in lines if not others & {*line.told} and (one := of_line(line, before, after)) is not None]
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
    otherwise = "; ".join(f"{name} {one} and {another}" for name, (one, another) in other.items())
    notes = [f"A and B were made otherwise: {otherwise}."] if other else []
    notes += [f"Left out is what the {by} tells, which is another one." for by in sorted(others)]
    return "\n".join([about, chance, unpaired, *notes, "", *rows]) + "\n"

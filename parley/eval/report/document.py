"""The report: the project's table, line by line with seeds and intervals, as JSON, Markdown and HTML, with figures and failures."""

import gzip
import json
import math
import os
import platform
import re
import shlex
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from parley.data.voices import HELD_OUT_ENGINE_VOICES, HELD_OUT_VOICES, available
from parley.eval import scenarios
from parley.eval.baselines import CascadeConfig
from parley.eval.inputs.read import read_inputs
from parley.eval.judge import Endpoint
from parley.eval.metrics.statistics import Estimate, bootstrap, f1, mean, precision, recall, share
from parley.eval.metrics.turn_taking import Ending
from parley.eval.outcomes import Outcome
from parley.eval.recognisers import POCKETSPHINX
from parley.eval.report.failures import DEGREES, failures, play_again, scene_again
from parley.eval.report.figures import draw_all
from parley.eval.report.inputs import INPUT_DETAILS, INPUT_MINUTES, INPUT_SOUND
from parley.eval.report.lines import (
    DETAILS,
    MINUTES,
    NEW_QA,
    SOUND,
    TABLE,
    Measured,
    Row,
    Unit,
    counted,
    difference,
    rows,
)
from parley.eval.report.page import page
from parley.eval.report.published import PUBLISHED
from parley.eval.scenarios import Condition
from parley.eval.suites import SUITES, Plan, Suite, code, measure, player, without
from parley.eval.values import decided_after_s, early_at_pause, ending_is, in_time, scene, text_correct, yielding
from parley.models.checkpoint import digest, find_model
from parley.models.salmonn_omni import SalmonnOmni

ECHO = (
    "But in the last rows the echo is what was played times the factor, without the delay and the filter of a loudspeaker and a room: what "
    "cancels echo (`cascade_cancelled`) takes all of it away, and has the same figures at every factor. In a room it does not."
)
MARKS = re.compile(r"[\\`*\[\]<>|&#]|(?<![^\W_])_|_(?![^\W_])")  # of Markdown; an underscore within a word is none
OUTCOMES = "outcomes.jsonl.gz"  # of a report: its dialogues, one a line


def run(plan: Plan, out: Path, jobs: int, beside: Path | None = None) -> tuple[str, int]:
    """Measures, writes report.json, report.md and report.html into `out`; gives the text of the second and how much was not measured.

    The barge-in figures of the evaluations in the folders of `beside` stand next to this one's.
    """
    for name, count in (("--dialogues", plan.dialogues), ("the number of --seeds", len(plan.seeds)), ("--jobs", jobs)):
        if count is not None and count < 1:
            raise ValueError(f"{name} is {count}; give 1 or more")
    others, started, before, name = arms(beside) if beside else {}, time.monotonic(), finished(out), str(plan.baseline or plan.model)
    if name in others:
        raise ValueError(f"{beside}: the folder {name} in it is named like what this report is of; give the folder another name")
    played, shards = measure(plan, out, jobs)
    kept = sum(before.get(name) == written for name, written in finished(out).items() if name in shards)
    missing = [line for outcomes in played.values() for outcome in outcomes for line in not_measured(outcome)]
    measured = {condition: [outcome for outcome in outcomes if "failed" not in outcome] for condition, outcomes in played.items()}
    table, details = rows(TABLE, measured, plan.seeds), counted(rows((*DETAILS, *INPUT_DETAILS), measured, plan.seeds))
    sound = counted(rows((*SOUND, *INPUT_SOUND), measured, plan.seeds))
    minutes = counted(rows((*MINUTES, *INPUT_MINUTES), measured, plan.seeds))
    tables = {"table": table, "details": details, "sound": sound, "minutes": minutes}
    made = made_with(plan)
    content = {"plan": asdict(plan), "made_with": made} | {name: [*map(as_json, lines)] for name, lines in tables.items()}
    parts = [*targets(plan, table), *by_condition(plan, details, measured)]
    parts += [*by_sound("Who speaks when, by the sound", sound), *by_sound("Who speaks when, a minute", minutes), *left_out(missing)]
    parts += [*with_echo({name: measured} | others), *with_turns({name: measured} | others)] if others else []
    parts += published([*table, *details, *sound], plan)
    write(out / OUTCOMES, packed(measured))  # before the pictures, which may find the disk full
    parts += [*pictures(plan, measured, out), *worst(plan, measured, out)]
    this_run = {"minutes": round((time.monotonic() - started) / 60, 1), "jobs": jobs, "cpus": os.cpu_count(), "cpu": cpu()}
    this_run |= {"groups": len(shards), "groups_kept": kept}
    text = "\n\n".join([*head(plan, made, this_run), *parts]) + "\n"
    write(out / "report.json", (json.dumps(content | {"not_measured": missing, "run": this_run}, indent=1, default=str) + "\n").encode())
    write(out / "report.md", text.encode())
    write(out / "report.html", page(f"Evaluation of {name}", text, out).encode())
    return text, len(missing)


def not_measured(outcome: Outcome) -> Iterator[str]:
    """What of a dialogue is not in the figures, and why."""
    if "failed" in outcome:
        yield f"{outcome['id']}: {outcome['failed']}"
    for problem in outcome.get("problems", []):
        yield f"{outcome['id']}, {problem}"
    verdicts = [(f"GPTScore of the {what}", verdict) for what, verdict in outcome.get("gpt_score", {}).items()]
    for what, verdict in (*verdicts, *outcome.get("judged", {}).items()):
        if "reason" in verdict:
            yield f"{outcome['id']}, {what}: {verdict['reason']}: {verdict['detail']}"


def published(table: list[Row], plan: Plan) -> list[str]:
    """The table beside what others have published for the same measure, heard by the same kind of recogniser. What a user brings was
    published without an echo."""
    oracle, echo = (plan.source.oracle, plan.source.echo) if plan.source else (False, 0.0)
    like = [] if echo else [other for other in PUBLISHED if other.oracle == oracle]
    pairs = [(row, other) for row in table for other in like if other.beside == row.line.name]
    shown = [(row, other) for row, other in pairs if not other.whisper or plan.judging.recogniser != POCKETSPHINX]
    lines = [
        f"| {row.line.name} | {value_and_interval(row.pooled, row.line.unit)} | {row.pooled.n} | {other.system} | {other.figure} | "
        f"{other.where} |"
        for row, other in shown
    ]
    about = "Their questions, voices and languages are others: a direction, not a ranking."
    if len(shown) < len(pairs):
        ours = "" if plan.source else ", which of the world's answers only chooses one"
        about += (
            f" No figure of spoken answers is among them: theirs were heard by Whisper-large-v3 or parakeet, ours by pocketsphinx{ours}. "
            "`--recogniser` takes a Whisper."
        )
    rule = "| | this model | n | published: | | where |\n|---|---|---|---|---|---|"
    return ["## Beside the published figures", about, "\n".join([rule, *lines])] if lines else []


def arms(folder: Path) -> dict[str, Measured]:
    """Name of its folder -> its outcomes, of every evaluation that lies in `folder`. ValueError where there is none."""
    found = {file.parent.name: outcomes_of(file.parent) for file in sorted(folder.glob(f"*/{OUTCOMES}"))}
    if not found:
        raise ValueError(f"{folder}: no folder in it holds an evaluation; give the folder that holds the --out folders of `parley eval`")
    return found


def with_echo(systems: dict[str, Measured]) -> list[str]:
    """SALMONN-omni's Table 5: who yields to what while hearing its own voice."""
    lines = []
    for condition in scenarios.STOPS:
        for name, outcomes in in_all(systems, condition).items():
            decisions = [made for outcome in outcomes if (made := yielding(outcome)) is not None]
            found = [bootstrap(decisions, figure) for figure in (precision, recall, f1)]
            figures = (f"{value_and_interval(each, Unit.NUMBER)} of {each.n}" for each in found)
            echo = f"{condition.echo:g}{', late and in a room' if condition.echo_in_room else ''}"
            lines += [f"| {echo} | {plain(name)} | {' | '.join(figures)} |"] if decisions else []
    table = "\n".join(["| echo | | P, of n | R, of n | F1, of n |", "|---|---|---|---|---|", *lines])
    return ["## Barge-in beside others, by echo factor", table, ECHO] if lines else []


def in_all(systems: dict[str, Measured], condition: Condition) -> dict[str, list[Outcome]]:
    """Of those that played the condition, the outcomes of the scenes that all of them played."""
    played = {name: measured[condition] for name, measured in systems.items() if condition in measured}
    common = set.intersection(*({*map(scene, outcomes)} for outcomes in played.values())) if played else set()
    return {name: [outcome for outcome in outcomes if scene(outcome) in common] for name, outcomes in played.items()}


def with_turns(systems: dict[str, Measured]) -> list[str]:
    """Who takes the turn when: a cascade that waits longer is early in fewer pauses, and late."""
    figures = ((scenarios.KNOWN, in_time, share), (scenarios.KNOWN, decided_after_s, mean), (scenarios.PAUSE, early_at_pause, share))
    cells: dict[str, list[str]] = {}
    for condition, value, figure in figures:
        unit = Unit.SECONDS if figure is mean else Unit.PERCENT
        of_all = in_all(systems, condition)
        for name, outcomes in of_all.items() if len(of_all) > 1 else ():
            one = bootstrap([found for outcome in outcomes if (found := value(outcome)) is not None], figure)
            cells.setdefault(name, []).append(f"{value_and_interval(one, unit)} of {one.n}")
    rule = "| | in time | decision minus the question's end | early at a pause |\n|---|---|---|---|"
    lines = [f"| {plain(name)} | {' | '.join(each)} |" for name, each in cells.items() if len(each) == len(figures)]
    return ["## Taking turns beside others", "\n".join([rule, *lines])] if lines else []


def pictures(plan: Plan, measured: Measured, out: Path) -> list[str]:
    model = player(plan)
    threshold = model.config.thresholds.stop if isinstance(model, SalmonnOmni) else None
    drawn = draw_all(measured, threshold, out / "figures")
    return [part for title, path in drawn.items() for part in (f"## {title}", f"![{title}]({path.relative_to(out).as_posix()})")]


def worst(plan: Plan, measured: Measured, out: Path) -> list[str]:
    """The worst failures, played again alone, where rounding can differ in the last bit from the dialogue among others."""
    found = failures(measured)
    if not found:
        return []
    model, source, parts = player(plan), plan.source, [DEGREES]
    items = {item.id: item for item in read_inputs(source.path, model.clock, source.voice, source.limit).items} if source else {}
    for failure in found:
        why = plain(failure.why)
        where = f"{plain(failure.id)}: **{why}**"
        if failure.condition.most:
            parts.append(f"{where} (half an hour is not played again)")
            continue
        try:
            again = play_again(model, scene_again(model, failure, items, source), out / "failures")
        except ValueError as error:
            parts.append(f"{where} (cannot be played again: {plain(str(error))})")
            continue
        picture, sound = (path.relative_to(out).as_posix() for path in again)
        parts += [f"{where} [listen]({sound})", f"![{why}]({picture})"]
    return ["## The worst failures", *parts]


def write(file: Path, content: bytes) -> None:
    half = file.with_suffix(".part")
    half.write_bytes(content)
    os.replace(half, file)


def packed(measured: Measured) -> bytes:
    """The dialogues that a report is made of: JSON, one a line; the same of the same dialogues to the byte."""
    lines = [json.dumps({"condition": condition.name} | outcome) for condition, outcomes in measured.items() for outcome in outcomes]
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), mtime=0)


def outcomes_of(folder: Path) -> Measured:
    """What the report in `folder` was made of. ValueError where that does not lie there."""
    names = {condition.name: condition for condition in (*SUITES[Suite.ALL], *SUITES[Suite.INPUTS])}
    file, kept = folder / OUTCOMES, Measured()
    try:
        for line in gzip.decompress(file.read_bytes()).decode().splitlines():
            outcome = json.loads(line)
            kept.setdefault(names[outcome.pop("condition")], []).append(outcome)
    except FileNotFoundError as error:
        raise ValueError(f"{folder}: holds no {OUTCOMES}; give the --out folder of a `parley eval` that came to its end") from error
    except (OSError, EOFError, zlib.error, ValueError, KeyError) as error:
        raise ValueError(f"{file}: cannot be read ({error!r}); run `parley eval` again, what is finished is kept") from error
    if not kept:
        raise ValueError(f"{file}: holds no dialogue; look into report.md for why nothing was measured")
    return kept


def as_json(row: Row) -> dict[str, Any]:
    def estimate(one: Estimate) -> dict[str, float | int | None]:
        return {name: None if math.isnan(value) else value for name, value in asdict(one).items()}

    target = asdict(row.line.target) if row.line.target else None
    return {
        "title": row.line.title,
        "condition": row.line.condition.name,
        "unit": row.line.unit,
        "target": target,
        "met": row.met,
        "pooled": estimate(row.pooled),
        "seeds": {seed: estimate(one) for seed, one in row.seeds.items()},
    }


# Markdown.


def plain(text: str) -> str:
    """In one line, with nothing in it that Markdown takes for its own: of texts that are not ours."""
    return MARKS.sub(r"\\\g<0>", " ".join(text.split()))


def number(value: float, unit: Unit) -> str:
    if math.isnan(value):
        return "-"
    match unit:
        case Unit.PERCENT:
            return f"{100 * value:.1f}%"
        case Unit.SECONDS:
            return f"{value:.3f} s"
        case Unit.MILLISECONDS:
            return f"{value:.1f} ms"
        case Unit.NUMBER:
            return f"{value:.3f}" if abs(value) >= 0.001 or value == 0 else f"{value:.1e}"


def command(plan: Plan, out: str = "DIR") -> str:
    """What measures the same again, to be pasted into a shell; the directory of the report is named `out`."""
    source, judging, endpoint = plan.source, plan.judging, plan.endpoint
    what = ["inputs", source.path, "--voice", source.voice, "--echo", f"{source.echo:g}"] if source else [plan.suite]
    what += ["--oracle"] if source and source.oracle else []
    given = {
        "--device": plan.device if plan.device != "cpu" else None,
        "--baseline": plan.baseline,
        "--silence-s": plan.cascade.silence_s if plan.cascade.silence_s != CascadeConfig.silence_s else None,
        "--interruption-s": plan.cascade.interruption_s if plan.cascade.interruption_s != CascadeConfig.interruption_s else None,
        "--limit": source and source.limit,
        "--human": source and source.human,
        "--dialogues": plan.dialogues,
        "--recogniser": judging.recogniser if judging.recogniser != POCKETSPHINX else None,
        "--vocabulary": judging.vocabulary,
        "--utmos": judging.utmos,
        "--judge-url": endpoint and endpoint.url,
        "--judge-model": endpoint and endpoint.model,
        "--judge-temperature": str(endpoint.temperature) if endpoint and endpoint.temperature != Endpoint.temperature else None,
    }
    options = [word for name, value in given.items() if value is not None for word in (name, value)]
    options += ["--seeds", *plan.seeds] if plan.seeds != (0,) else []
    options += ["--quality"] if judging.quality else []
    return shlex.join(map(str, ("parley", "eval", *what, "--model", plan.model, *options, "--out", out)))


def made_with(plan: Plan) -> dict[str, Any]:
    """By what the figures can be traced: the same of all these and the same command give the same figures."""
    engines = available((*HELD_OUT_VOICES, *HELD_OUT_ENGINE_VOICES))
    return {
        "parley": version("parley"),
        "code": code(),
        "model": digest(find_model(plan.model) / "config.json"),  # it holds the digests of the weights
        "world": player(plan).world,
        "voices": sorted({voice.engine for voice in engines}),
    }


def finished(out: Path) -> dict[str, int]:
    """When which group of dialogues was written, by its file's name."""
    return {file.name: file.stat().st_mtime_ns for file in (out / "outcomes").glob("*.json")}


def cpu() -> str:
    """The processor's name."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"^model name\s*: (.+)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return named[1] if named else platform.processor() or platform.machine()


def head(plan: Plan, made: dict[str, Any], this_run: dict[str, Any]) -> list[str]:
    jobs = this_run["jobs"]
    return [
        f"# Evaluation of `{plan.baseline or plan.model}`",
        f"`{command(plan)}`",
        f"Made with parley {made['parley']}, the model whose config.json (with its weights' digests) has the SHA-256 `{made['model']}`, "
        f"code with the SHA-256 `{made['code']}`, the world `{made['world']}`, voices of {', '.join(made['voices']) or 'no engine'}.",
        f"This run: {this_run['minutes']} minutes with {jobs} {'job' if jobs == 1 else 'jobs'} on {this_run['cpus']} CPUs "
        f"({this_run['cpu']}); "
        f"{this_run['groups_kept']} of {this_run['groups']} groups of dialogues were finished before it.",
        "In brackets the 95% bootstrap interval over dialogues (of `long` over questions), none over a single one; n: how many of them are "
        "in the figure's denominator. "
        "Definitions: docs/metrics.md.",
        *filter(None, [without(plan)]),
    ]


def seed_heads(plan: Plan) -> tuple[str, str]:
    """Heads and rule of the columns of figures: of all seeds and of each, or of the only one."""
    heads = [*(["all seeds"] if len(plan.seeds) > 1 else []), *(f"seed {seed}" for seed in plan.seeds)]
    return "".join(f" {head} |" for head in heads), "---|" * len(heads)


def targets(plan: Plan, table: list[Row]) -> list[str]:
    heads, rule = seed_heads(plan)
    lines = "\n".join(table_row(row, True) for row in table)
    return [f"| | target |{heads} n | met |\n|---|---|{rule}---|---|\n{lines}"] if table else []


def by_condition(plan: Plan, details: list[Row], measured: Measured) -> list[str]:
    (heads, rule), parts = seed_heads(plan), []
    for condition in measured:
        mine = [row for row in details if row.line.condition == condition]
        like = next((other for other in measured if other.name == condition.like), None)
        if mine and like:
            lines = "\n".join(f"{table_row(row, False)} {change(row, measured[like], measured[condition])} |" for row in mine)
            parts += [f"## {condition.name}", f"| |{heads} n | change from {like.name}, same scenes |\n|---|{rule}---|---|\n{lines}"]
        elif mine:
            lines = "\n".join(table_row(row, False) for row in mine)
            parts += [f"## {condition.name}", f"| |{heads} n |\n|---|{rule}---|\n{lines}"]
        parts += breakdowns(condition, measured[condition])
    return parts


def change(row: Row, like: list[Outcome], outcomes: list[Outcome]) -> str:
    """Of the line in the condition that this one is like to the line here, over the scenes that both played: those of a condition are not
    typical where they are few."""
    one = difference(row.line, *({scene(outcome): outcome for outcome in each} for each in (like, outcomes)))
    return value_and_interval(Estimate(one.b - one.a, one.low, one.high, one.n), row.line.unit) if one else "-"


def by_sound(title: str, sound: list[Row]) -> list[str]:
    """One row a condition, one column a figure, of all seeds."""
    if not sound:
        return []
    titles = [*dict.fromkeys(row.line.title for row in sound)]
    cells = {
        (row.line.condition.name, row.line.title): f"{value_and_interval(row.pooled, row.line.unit)} n = {row.pooled.n}" for row in sound
    }
    lines = [
        f"| {name} | {' | '.join(cells.get((name, title), '-') for title in titles)} |" for name in dict.fromkeys(name for name, _ in cells)
    ]
    heads = f"| | {' | '.join(titles)} |\n|---|{'---|' * len(titles)}"
    return [f"## {title}", "\n".join([heads, *lines])]


def left_out(missing: list[str]) -> list[str]:
    return ["## Not measured", "\n".join(f"- {plain(line)}" for line in missing)] if missing else []


def value_and_interval(one: Estimate, unit: Unit) -> str:
    interval = "-" if math.isnan(one.low) else f"{number(one.low, unit)}, {number(one.high, unit)}"
    return f"{number(one.value, unit)} [{interval}]"


def table_row(row: Row, targeted: bool) -> str:
    line, pooled = row.line, row.pooled
    seeds = (number(one.value, line.unit) for one in row.seeds.values())
    cells = [line.title, value_and_interval(pooled, line.unit), *seeds, str(pooled.n)]
    if targeted:
        target = line.target
        cells.insert(1, f"{'>=' if target.at_least else '<='} {number(target.bound, line.unit)}" if target else "-")
        cells.append({True: "yes", False: "**no**", None: "-"}[row.met])
    return f"| {' | '.join(cells)} |"


def breakdowns(condition: Condition, outcomes: list[Outcome]) -> list[str]:
    """Where the errors lie."""
    if condition in (scenarios.KNOWN, scenarios.HELD_OUT, scenarios.ENGINE, *NEW_QA):
        by = (("domain", domain_of), ("voice", voice_of))
        return [breakdown("answers right", name, outcomes, key, text_correct) for name, key in by]
    if condition.paused:
        return [breakdown("early starts", "voice", outcomes, voice_of, early_at_pause)]
    if condition in scenarios.STOPS:
        met = [outcome for outcome in outcomes if "event" in outcome]
        parts = []
        for positive, name in ((True, "interruption"), (False, "backchannel")):
            mine = [outcome for outcome in met if outcome["positive"] == positive]
            parts.append(breakdown("yields", name, mine, event_of, partial(ending_is, ending=Ending.YIELDED)))
        return parts
    return []


def domain_of(outcome: Outcome) -> str:
    return outcome["domain"]


def voice_of(outcome: Outcome) -> str:
    """Engine and speaker, without the way of speaking."""
    return ":".join(outcome["voice"].split(":")[:2])


def event_of(outcome: Outcome) -> str:
    return outcome["event"]


def breakdown(what: str, by: str, outcomes: list[Outcome], key: Callable[[Outcome], str], value: Callable[[Outcome], bool]) -> str:
    groups: dict[str, list[bool]] = {}
    for outcome in outcomes:
        groups.setdefault(key(outcome), []).append(value(outcome))
    worst_first = sorted((share(values), name, bootstrap(values, share)) for name, values in groups.items())
    lines = [f"| {plain(name)} | {value_and_interval(one, Unit.PERCENT)} | {one.n} |" for _, name, one in worst_first]
    return "\n".join([f"| {by} | {what} | n |", "|---|---|---|", *lines])

"""The figures of a report, from the outcomes: response and barge-in times, precision and recall over the threshold, confusion."""

from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from textwrap import fill

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from parley.dialogue import YIELD_S, Speaker
from parley.eval.inputs.bench import OVERLAPS
from parley.eval.inputs.outcomes import TASKS
from parley.eval.metrics.turn_taking import START_S, Ending
from parley.eval.outcomes import Outcome
from parley.eval.report.inputs import to_stop
from parley.eval.report.lines import TURN_TAKING, Measured
from parley.eval.scenarios import Condition
from parley.eval.values import yielding

BIN_S = 0.08  # a block
COLOURS = ("#2a6f97", "#c8553d", "#588157", "#7b2cbf", "#bc6c25", "#6c757d", "#00798c", "#d1495b", "#8d6b94")
INK = "#3a3f44"
ENDINGS = tuple(Ending)
ECHO = "_echo"  # in a condition's name, before which echo it has


def save(figure: Figure, path: Path) -> Path:
    """The PNG; beside it the same as SVG, for print."""
    figure.savefig(path, dpi=90)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": path.stem}):
        figure.savefig(path.with_suffix(".svg"), metadata={"Date": None})
    return path


def draw_all(measured: Measured, threshold: float | None, folder: Path) -> dict[str, Path]:
    """Title -> PNG, of the figures that there is something to draw for. `threshold`: above which the model's `<shift>` stops its answer."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = {}
    asked = [condition for condition in (*TURN_TAKING, *TASKS.values()) if any(map(decided_s, measured.get(condition, [])))]
    if asked:
        drawn["When the model decides to speak"] = response_times(measured, asked, folder / "response_times.png")
    events = [condition for condition, outcomes in measured.items() if any("barge_in" in outcome for outcome in outcomes)]
    stopped = [condition for condition in events if yields_s(condition, measured[condition])]
    if stopped:
        drawn["When the model stops"] = yield_times(measured, stopped, folder / "yield_times.png")
    curved = [condition for condition in events if curve(measured[condition])[0].size]
    if curved:
        file = folder / "precision_recall.png"
        drawn["Precision and recall over the threshold of the `<shift>`"] = curves(measured, curved, threshold, file)
    if events:
        drawn["What became of the answers, by what was said into them"] = confusion(measured, events, folder / "confusion.png")
    return drawn


def decided_s(outcome: Outcome) -> list[float]:
    """Of every question that was answered: the decision to speak minus the end of the question."""
    asked = [outcome["turn"]] if "turn" in outcome else outcome.get("turns", [])
    return [turn["shift_s"] for turn in asked if turn.get("shift_s") is not None]


def yields_s(condition: Condition, outcomes: Sequence[Outcome]) -> list[float]:
    """Of the interruptions that were yielded to: the decision to listen minus their first sample."""
    met = [outcome["barge_in"]["yield_s"] for outcome in outcomes if "barge_in" in outcome and to_stop(condition, outcome)]
    return [seconds for seconds in met if seconds is not None]


def response_times(measured: Measured, conditions: Sequence[Condition], path: Path) -> Path:
    values = {condition.name: [seconds for outcome in measured[condition] for seconds in decided_s(outcome)] for condition in conditions}
    low, high = min(map(min, values.values())), max(map(max, values.values()))
    bins = np.arange(np.floor(low / BIN_S) - 1, np.ceil(high / BIN_S) + 2) * BIN_S
    figure, axes = histograms(values, bins, "questions")
    for axis in axes:
        axis.axvspan(0.0, START_S, color="#d9e2e7", zorder=0)
    axes[-1].set_xlabel("decision to speak, seconds after the true end of the question (shaded: in time)")
    return save(figure, path)


def yield_times(measured: Measured, conditions: Sequence[Condition], path: Path) -> Path:
    values = {condition.name: yields_s(condition, measured[condition]) for condition in conditions}
    figure, axes = histograms(values, np.arange(0, np.ceil(YIELD_S / BIN_S) + 4) * BIN_S, "dialogues")
    for axis in axes:
        axis.axvline(YIELD_S, color=INK, linestyle=":", linewidth=1)
    axes[-1].set_xlabel("decision to listen, seconds after the event's first sample (dotted: the last that counts)")
    return save(figure, path)


def histograms(values: dict[str, list[float]], bins: np.ndarray, counted: str) -> tuple[Figure, list[Axes]]:
    """One below the other on one axis of time, by their names: laid over each other more than a few cannot be told apart."""
    figure = Figure(figsize=(8.5, 0.9 + 0.7 * len(values)), layout="constrained", facecolor="white")
    axes = figure.subplots(len(values), sharex=True, squeeze=False)[:, 0].tolist()
    for axis, (name, each), colour in zip(axes, values.items(), cycle(COLOURS)):
        axis.spines[["top", "right"]].set_visible(False)
        counts, edges = np.histogram(each, bins)
        some = counts > 0  # with an edge, by which a single one among a hundred is seen
        axis.bar(edges[:-1][some], counts[some], np.diff(edges)[some], align="edge", color=colour, edgecolor=colour, linewidth=1.5)
        axis.yaxis.set_major_locator(MaxNLocator(nbins=2, integer=True))
        axis.tick_params(labelsize=8)
        axis.annotate(f"{name}\nn = {len(each)}", (1.01, 0.5), xycoords="axes fraction", fontsize=8, va="center", color=INK)
    figure.supylabel(counted, fontsize=10)
    return figure, axes


def curve(outcomes: Sequence[Outcome]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(thresholds, precision, recall), from the highest `<shift>` probability of each event's window; falling thresholds. Only dialogues
    in which something was said into the answer, or nothing was to be, and which count in the F1."""
    peaked = [outcome for outcome in outcomes if outcome.get("shift_peak") is not None and yielding(outcome) is not None]
    met = [outcome for outcome in peaked if "event" in outcome or outcome["silent"]]
    judged = [(outcome["shift_peak"], outcome["positive"]) for outcome in met]
    if not any(positive for _, positive in judged):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    peaks, positive = (np.array(each) for each in zip(*judged))
    thresholds = np.unique(peaks)[::-1]
    yielded = peaks >= thresholds[:, None]  # (thresholds, dialogues)
    right = (yielded & positive).sum(1)
    return thresholds, right / yielded.sum(1), right / positive.sum()


def at_threshold(thresholds: np.ndarray, own: float) -> int | None:
    """Where on a curve of falling thresholds the model itself is, which takes a `<shift>` that is more probable than `own`."""
    above = int(np.sum(thresholds > own))
    return above - 1 if above else None


def curves(measured: Measured, conditions: Sequence[Condition], threshold: float | None, path: Path) -> Path:
    """A panel for what is said into the answers, in it a curve for each echo."""
    panels: dict[str, list[Condition]] = {}
    for condition in conditions:
        panels.setdefault(condition.name.split(ECHO)[0], []).append(condition)
    figure = Figure(figsize=(1.5 + 4.0 * len(panels), 4.2), layout="constrained", facecolor="white")
    for axis, mine in zip(figure.subplots(1, len(panels), sharey=True, squeeze=False)[0], panels.values()):
        for condition, colour in zip(mine, cycle(COLOURS)):
            thresholds, precision, recall = curve(measured[condition])
            axis.plot(recall, precision, color=colour, label=condition.name, linewidth=1.5)
            at = None if threshold is None else at_threshold(thresholds, threshold)
            if at is not None:
                axis.plot(recall[at], precision[at], marker="o", color=colour)
        axis.set(xlabel="recall", xlim=(0, 1.02), ylim=(0, 1.02))
        axis.spines[["top", "right"]].set_visible(False)
        axis.legend(loc="lower left", frameon=False, fontsize=8)
    figure.axes[0].set_ylabel("precision")
    if threshold is not None:
        figure.suptitle(f"dots: the model's own threshold, {threshold:g}", fontsize=8)
    return save(figure, path)


def class_of(condition: Condition, outcome: Outcome) -> str:
    """What was to come, or came, into the answer."""
    brought = "positive" not in outcome
    if not brought and outcome["silent"]:
        return "nothing"
    if not brought and "event" not in outcome:
        return "it was over before"
    third = OVERLAPS.get(condition.name, (Speaker.USER,))[0] == Speaker.OTHER if brought else outcome["third_speaker"]
    return f"{'to stop for' if to_stop(condition, outcome) else 'to go on'}: {'third speaker' if third else 'user'}"


def confusion(measured: Measured, conditions: Sequence[Condition], path: Path) -> Path:
    outcomes = [(condition, outcome) for condition in conditions for outcome in measured[condition] if "barge_in" in outcome]
    classes = sorted({(condition.name, class_of(condition, outcome)) for condition, outcome in outcomes})
    counts = np.zeros((len(classes), len(ENDINGS)), dtype=int)
    for condition, outcome in outcomes:
        counts[classes.index((condition.name, class_of(condition, outcome))), ENDINGS.index(Ending(outcome["barge_in"]["ending"]))] += 1
    figure = Figure(figsize=(8.5, 1.2 + 0.32 * len(classes)), layout="constrained", facecolor="white")
    axis = figure.subplots()
    axis.spines[["top", "right"]].set_visible(False)
    shares = counts / counts.sum(1, keepdims=True)
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1.2, aspect="auto")
    for (y, x), count in np.ndenumerate(counts):
        axis.text(x, y, str(count or ""), ha="center", va="center", fontsize=8, color="white" if shares[y, x] > 0.6 else INK)
    axis.set_xticks(range(len(ENDINGS)), [fill(ending, 12) for ending in ENDINGS], fontsize=7)
    axis.set_yticks(range(len(classes)), [f"{name}, {kind}" for name, kind in classes], fontsize=7)
    axis.set_xlabel("what became of the answer: dialogues (colour: their share of the row)", fontsize=8)
    axis.set_ylabel("what was to be said into it", fontsize=8)
    return save(figure, path)

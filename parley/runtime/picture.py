"""One picture a dialogue: both waveforms, the state of the model, the words, and when it decided what."""

import textwrap
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from parley.clock import Clock
from parley.dialogue import Speaker
from parley.runtime.session import Answer, Moment

FORMATS = (".png", ".pdf", ".svg")
PICTURE_S = 120  # a longer dialogue is drawn as far as this
ROW_S = 12.0  # at most so many seconds in one row
USER, ASSISTANT, LISTENING, SPEAKING, CUT, INK = "#2a6f97", "#c8553d", "#d9e2e7", "#f3b49f", "#a4161a", "#3a3f44"
USER_LANE, STATE_LANE, ASSISTANT_LANE = 1.15, 0.0, -1.75  # heights in a row
LEGEND = "words stand where they are said (estimated from their length); red ticks in the band: word pieces as the model decodes them"
COLUMNS = 1500  # points of a waveform in a row


@dataclass(frozen=True)
class Caption:
    """What somebody says, and when, in seconds."""

    speaker: str
    text: str
    start_s: float
    end_s: float


def check_format(path: Path) -> None:
    if path.suffix.lower() not in FORMATS:
        raise ValueError(f"{path.name}: a picture ends in one of {', '.join(FORMATS)}; give it such a name")


def draw(
    path: Path, moments: list[Moment], total_s: float, answers: list[Answer], clock: Clock, captions: tuple[Caption, ...], title: str = ""
) -> None:
    """Writes the picture (format by the name's ending). `moments`: the first ones of a dialogue of `total_s` seconds, without a gap."""
    check_format(path)
    seconds = clock.seconds(len(moments))
    rows = max(1, int(np.ceil(seconds / ROW_S - 1e-6)))
    row_s = max(4.0, float(np.ceil(2 * seconds / rows)) / 2)
    figure = Figure(figsize=(14, 0.6 + 2.7 * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
    user = np.concatenate([moment.environment for moment in moments])
    assistant = np.concatenate([moment.played for moment in moments])
    for number, axis in enumerate(axes):
        start = number * row_s
        axis.set(xlim=(start, start + row_s), ylim=(-4.3, 2.9), yticks=[USER_LANE, STATE_LANE, ASSISTANT_LANE])
        axis.set_yticklabels(["user", "state", "model"], fontsize=10, color=INK)
        waveform(axis, user, clock.input_rate, USER_LANE, USER)
        waveform(axis, assistant, clock.output_rate, ASSISTANT_LANE, ASSISTANT)
        states(axis, moments, clock)
        for caption in captions:
            said = caption.text.split() if caption.speaker == Speaker.USER else [f"[{caption.speaker}]", *caption.text.split()]
            words(axis, said, caption.start_s, caption.end_s, 2.65, USER)
        for answer in answers:
            mark(axis, answer, clock)
        frame(axis)
    axes[0].set_title(title, loc="left", fontsize=10, color=INK, parse_math=False)
    axes[-1].set_xlabel("seconds", color=INK)
    cut = f"the first {seconds:.0f} of {total_s:.0f} s; " if seconds < total_s else ""
    figure.suptitle(cut + LEGEND, x=0.99, ha="right", fontsize=8, color="#6c757d")
    figure.savefig(path, dpi=110)


def frame(axis: Axes) -> None:
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    axis.spines["bottom"].set_color("#b8c0c6")
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", colors=INK, labelsize=9)
    left, right = axis.get_xlim()
    axis.set_xticks(np.arange(np.ceil(left), right + 1e-6, 1.0))


def waveform(axis: Axes, pcm: np.ndarray, rate: int, centre: float, colour: str) -> None:
    """The smallest and largest sample in each column of the row."""
    left, right = axis.get_xlim()
    each = max(1, round((right - left) * rate / COLUMNS))
    first = round(left * rate)
    shown = pcm[first : round(right * rate)]
    if len(shown) < each:
        return
    columns = shown[: len(shown) // each * each].reshape(-1, each)  # (columns, samples)
    time_s = (first + each * (np.arange(len(columns)) + 0.5)) / rate
    scale = 0.85 / max(0.05, float(np.abs(pcm).max()))
    low, high = scale * columns.min(axis=1), scale * columns.max(axis=1)
    axis.fill_between(time_s, centre + low - 0.01, centre + high + 0.01, color=colour, linewidth=0.4)


def states(axis: Axes, moments: list[Moment], clock: Clock) -> None:
    """The mode as a band; a mode holds from the end of the block that decided it. A tick for each word piece."""
    left, right = axis.get_xlim()
    modes = pairwise([False, *(moment.speaking for moment in moments)])
    changes = [clock.seconds(moment.block + 1) for moment, (before, after) in zip(moments, modes) if before != after]
    turns = [0.0, *changes, clock.seconds(len(moments))]
    for number, (start_s, end_s) in enumerate(pairwise(turns)):
        name, colour = ("speaking", SPEAKING) if number % 2 else ("listening", LISTENING)
        axis.broken_barh([(start_s, end_s - start_s)], (STATE_LANE - 0.2, 0.4), color=colour, linewidth=0)
        if min(end_s, right) - max(start_s, left) > 0.9:
            axis.text(min(end_s, right) - 0.05, STATE_LANE - 0.02, name, fontsize=8, color=INK, ha="right", va="center")
    pieces = [clock.seconds(moment.block + 1) for moment in moments if moment.text]
    axis.vlines(pieces, STATE_LANE - 0.2, STATE_LANE + 0.2, color=ASSISTANT, linewidth=1.6)


def words(axis: Axes, said: list[str], start_s: float, end_s: float, height: float, colour: str) -> None:
    """Words along the stretch in which they are said, each at its share of the letters, on two lines in turn."""
    left, right = axis.get_xlim()
    letters = [len(word) + 1 for word in said]
    at = start_s + (end_s - start_s) * np.cumsum([0, *letters])[:-1] / max(1, sum(letters))
    for number, (word, time_s) in enumerate(zip(said, at)):
        if left <= time_s < right:
            axis.text(time_s, height - 0.4 * (number % 2), word, fontsize=9, color=colour, va="center", parse_math=False)


def mark(axis: Axes, answer: Answer, clock: Clock) -> None:
    """When the model decided to speak, was first heard, and yielded; what it said and what it left unsaid."""
    left, right = axis.get_xlim()
    shift_s, back_s = clock.seconds(answer.shift + 1), clock.seconds(answer.back + 1)
    onset_s, end_s = answer.onset / clock.output_rate, answer.end / clock.output_rate
    spoken, notes = answer.spoken(clock.output_rate).split(), STATE_LANE - 0.71
    if left <= shift_s < right:
        axis.vlines(shift_s, -2.7, STATE_LANE + 0.2, color=INK, linewidth=1.0, linestyle=(0, (2, 2)))
        axis.text(shift_s - 0.04, notes, f"shift {shift_s:.2f} s", fontsize=8, color=INK, ha="right", va="center")
    if answer.onset >= 0:
        if left <= onset_s < right:
            axis.plot(onset_s, notes, marker="v", color=ASSISTANT, markersize=5)
            note = f"first sound {1000 * (onset_s - shift_s):.0f} ms later"
            axis.text(onset_s + 0.06, notes, note, fontsize=8, color=ASSISTANT, va="center")
        words(axis, spoken, onset_s, end_s, -3.05, ASSISTANT)
    if answer.interrupted and left <= back_s < right:
        axis.vlines(back_s, -2.7, 2.1, color=CUT, linewidth=1.2)
        axis.text(back_s + 0.06, STATE_LANE - 0.38, f"yields {back_s:.2f} s", fontsize=8, color=CUT, va="center")
        left_out = textwrap.shorten(" ".join(answer.text.split()[len(spoken) :]), 60, placeholder=" …")
        unsaid, grey = f"(unsaid: {left_out})" if left_out else "", "#8b949b"
        axis.text(back_s + 0.06, -3.95, unsaid, fontsize=8, color=grey, style="italic", va="center", parse_math=False)

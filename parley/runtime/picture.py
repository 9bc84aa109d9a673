"""One picture a dialogue: both waveforms, the state of the model, the words, and when it decided what."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from parley.clock import Clock
from parley.runtime.session import Answer, Moment

PICTURE_S = 120  # a longer dialogue is drawn as far as this
ROW_S = 10.0  # seconds in one row
USER, ASSISTANT, LISTENING, SPEAKING, CUT, INK = "#2a6f97", "#c8553d", "#d9e2e7", "#f3b49f", "#a4161a", "#3a3f44"
COLUMNS = 1500  # points of a waveform in a row


@dataclass(frozen=True)
class Caption:
    """What somebody says, and when, in seconds."""

    speaker: str
    text: str
    start_s: float
    end_s: float


def draw(path: Path, moments: list[Moment], answers: list[Answer], clock: Clock, captions: tuple[Caption, ...]) -> None:
    """Writes the picture (format by the name's ending). `moments` are the first ones of the dialogue, without a gap."""
    seconds = clock.seconds(len(moments))
    rows = max(1, int(np.ceil(seconds / ROW_S - 1e-6)))
    row_s = min(ROW_S, max(seconds, 4.0))
    figure = Figure(figsize=(14, 0.5 + 2.7 * rows), layout="constrained", facecolor="white")
    axes = figure.subplots(rows, 1, squeeze=False)[:, 0]
    user = np.concatenate([moment.environment for moment in moments])
    assistant = np.concatenate([moment.played for moment in moments])
    for number, axis in enumerate(axes):
        start = number * row_s
        axis.set(xlim=(start, start + row_s), ylim=(-3.3, 3.3), yticks=[2.05, 0.0, -2.05])
        axis.set_yticklabels(["user", "state", "model"], fontsize=10, color=INK)
        waveform(axis, user, clock.input_rate, 1.3, USER)
        waveform(axis, assistant, clock.output_rate, -1.3, ASSISTANT)
        states(axis, moments, clock)
        for caption in captions:
            words(axis, caption.text.split(), caption.start_s, caption.end_s, 2.5, USER)
        for answer in answers:
            mark(axis, answer, clock)
        frame(axis)
    axes[-1].set_xlabel("seconds", color=INK)
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
    block_s = clock.seconds(1)
    bars = {LISTENING: [(0.0, block_s)], SPEAKING: []}
    for moment in moments[:-1]:
        bars[SPEAKING if moment.speaking else LISTENING].append((clock.seconds(moment.block + 1), block_s))
    for colour, spans in bars.items():
        axis.broken_barh(spans, (-0.14, 0.28), color=colour, linewidth=0)
    pieces = [clock.seconds(moment.block + 1) for moment in moments if moment.text]
    axis.vlines(pieces, -0.14, 0.14, color=ASSISTANT, linewidth=1.6)


def words(axis: Axes, said: list[str], start_s: float, end_s: float, height: float, colour: str) -> None:
    """Words along the stretch in which they are said, each at its share of the letters, on two lines in turn."""
    left, right = axis.get_xlim()
    letters = [len(word) + 1 for word in said]
    at = start_s + (end_s - start_s) * np.cumsum([0, *letters])[:-1] / max(1, sum(letters))
    for number, (word, time_s) in enumerate(zip(said, at)):
        if left <= time_s < right:
            axis.text(time_s, height + 0.42 * (number % 2), word, fontsize=9, color=colour, va="center", clip_on=False)


def mark(axis: Axes, answer: Answer, clock: Clock) -> None:
    """When the model decided to speak, was first heard, and fell silent; what it said and what it left unsaid."""
    left, right = axis.get_xlim()
    shift_s, back_s = clock.seconds(answer.shift + 1), clock.seconds(answer.back + 1)
    onset_s, end_s = answer.onset / clock.output_rate, answer.end / clock.output_rate
    if left <= shift_s < right:
        axis.vlines(shift_s, -2.2, 0.14, color=INK, linewidth=1.0, linestyle=(0, (2, 2)))
        axis.text(shift_s - 0.03, -0.38, f"shift {shift_s:.2f}", fontsize=8, color=INK, ha="right", va="center")
    if answer.onset >= 0:
        if left <= onset_s < right:
            axis.plot(onset_s, -0.34, marker="v", color=ASSISTANT, markersize=5)
            axis.text(onset_s + 0.05, -0.38, f"heard after {1000 * (onset_s - shift_s):.0f} ms", fontsize=8, color=ASSISTANT, va="center")
        words(axis, answer.spoken(clock.output_rate).split(), onset_s, end_s, -2.85, ASSISTANT)
    if answer.interrupted and left <= back_s < right:
        axis.vlines(back_s, -2.2, 2.2, color=CUT, linewidth=1.2)
        axis.text(back_s + 0.04, -0.38, f"yields {back_s:.2f}", fontsize=8, color=CUT, va="center")
        unsaid = answer.text.split()[len(answer.spoken(clock.output_rate).split()) :]
        axis.text(back_s + 0.04, -2.05, " ".join(["…", *unsaid]), fontsize=8, color="#9aa3aa", style="italic", va="center")

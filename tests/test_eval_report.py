"""The report: what stands beside what, how many were counted, which failures are shown."""

import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from parrot import Parrot

from parley.data.voices import Voice
from parley.dialogue import Kind, Segment, Speaker
from parley.eval import scenarios
from parley.eval.inputs.item import Item
from parley.eval.inputs.outcomes import TASKS, Source, is_right
from parley.eval.metrics import interaction
from parley.eval.metrics.turn_taking import Ending, Pause, Start
from parley.eval.outcomes import Judging
from parley.eval.recognisers import POCKETSPHINX
from parley.eval.report import document, figures, lines
from parley.eval.report.failures import Failure, Wrong, failures, play_again, scene_again
from parley.eval.report.inputs import INPUT_DETAILS
from parley.eval.report.page import page
from parley.eval.report.published import PUBLISHED
from parley.eval.suites import Plan, Suite


def test_what_is_published_stands_beside_a_line_that_measures_the_same():
    measured = {line.name for line in (*lines.TABLE, *lines.DETAILS, *lines.SOUND, *INPUT_DETAILS)}
    assert {other.beside for other in PUBLISHED} <= measured
    relative = {other.system: other.figure for other in PUBLISHED if other.beside.endswith("speech relative to text")}
    assert relative == {"Moshi": "0.90 / 0.94 / 0.65", "Freeze-Omni": "0.76 / 0.68 / 0.63", "SALMONN-omni": "0.93 / 0.88 / 0.88"}
    assert not any("context" in other.beside or "keywords" in other.beside for other in PUBLISHED)


def test_speech_relative_to_text_is_of_all_that_is_right():
    """Text right four times, its speech three times; once the speech alone is right."""
    pairs = [(True, True), (True, True), (True, True), (False, True), (True, False), (False, False)]
    outcomes = [{"seed": 0, "spoken": {"correct": speech}, "correct": text} for speech, text in pairs]
    (line,) = (line for line in lines.DETAILS if line.title == "answers right, speech relative to text")
    (row,) = lines.rows([line], {scenarios.KNOWN: outcomes}, (0,))
    assert (row.pooled.value, row.pooled.n, row.seeds) == (4 / 4, 4, {})


def test_every_table_of_a_report_says_how_many_were_counted():
    judged = ("a", True), ("a", False), ("b", True)
    outcomes = [{"seed": 0, "domain": "legs", "voice": f"flite:{name}", "correct": right} for name, right in judged]
    by_domain, by_voice = document.breakdowns(scenarios.HELD_OUT, outcomes)
    assert by_domain.splitlines()[-1] == "| legs | 66.7% [0.0%, 100.0%] | 3 |"
    assert by_voice.splitlines()[-2:] == ["| flite:a | 50.0% [0.0%, 100.0%] | 2 |", "| flite:b | 100.0% [-] | 1 |"]
    quiet = {"seconds": dict.fromkeys(interaction.Event, 1.0), "turns": 1}
    sound = {"responses": [0.5], "false_alarms": [], "barge_ins": [], "interaction": quiet}
    rows = lines.rows(lines.sound_lines(scenarios.BARGE_IN), {scenarios.BARGE_IN: [{"seed": 0, "sound": sound}] * 2}, (0,))
    assert "| 0.500 s [0.500 s, 0.500 s] n = 2 |" in document.by_sound("Who", lines.counted(rows))[1]
    (_, _, table) = document.published(rows, Plan(Suite.BARGE_IN, "tiny"))
    assert "| barge_in: first response | 0.500 s [0.500 s, 0.500 s] | 2 | SALM-Duplex, UltraChat | 0.72s | SALM-Duplex" in table


def test_what_a_whisper_heard_stands_beside_no_choice_among_known_answers():
    outcome = {"seed": 0, "spoken": {"correct": True}, "correct": True}
    titles = ("answers right, speech, all questions", "answers right, text: known phrasing")
    both = [line for line in (*lines.TABLE, *lines.DETAILS) if line.title in titles]
    table = lines.rows(both, {scenarios.KNOWN: [outcome] * 2}, (0,))
    plans = [Plan(Suite.SPOKEN_QA, "tiny", judging=Judging(by)) for by in (POCKETSPHINX, "openai/whisper-large-v3")]
    (_, about, chosen), (_, plain, heard) = (document.published(table, plan) for plan in plans)
    assert "Whisper" not in document.published(table[:1], plans[0])[1]  # where nothing was left out
    assert "speech" not in chosen and "79.3 / 49.7 / 63.6%" in chosen and "heard by Whisper-large-v3" in about
    assert "73.6 / 43.7 / 56.0%" in heard and "Whisper" not in plain


def test_what_was_played_with_the_oracle_or_an_echo_stands_beside_its_like():
    """Of a set the answers, and not who took the turn; with an echo nothing."""
    said = {"id": "1", "seed": 0, "right": {"text": True}, "turns": [{"at_s": 1.0, "start": Start.IN_TIME, "shift_s": 0.3}], "utmos": 4.0}
    table = lines.rows(INPUT_DETAILS, {TASKS["web_questions"]: [said]}, (0,))
    source = Source(Path("q.json"), Voice("pico", "en-GB"))
    found = []
    for played in (source, replace(source, oracle=True), replace(source, echo=0.5)):
        shown = document.published(lines.counted(table), Plan(Suite.INPUTS, "tiny", source=played))
        beside = [line.split(" | ") for line in shown[-1].splitlines()[2:]] if shown else []
        found.append({(name.split(": ", 1)[1], system) for name, _, _, system, *_ in beside})
    free, oracle, echo = found
    assert {title for title, _ in free} == {"answers right, text", "start by the decision: in_time", "UTMOS"} and not echo
    assert {title for title, _ in oracle} == {"answers right, text"} and {system for _, system in oracle} > {"Kimi-Audio", "VITA-1.5"}


def test_published_figures_of_every_set_and_of_precision_and_recall_have_their_line():
    beside = {(other.beside, other.system): other.figure for other in PUBLISHED}
    assert beside["barge_in_echo_1.0: precision", "SALMONN-omni"] == "84%" and beside["barge_in: recall", "Freeze-Omni"] == "72%"
    assert beside["barge_in_echo_0.1: barge-in F1, echo factor 0.1", "Freeze-Omni"] == "0.31"
    assert beside["trivia_qa: start by the decision: in_time", "Moshi"] == "37.1%"
    assert beside["alpaca_eval: UTMOS", "SALMONN-omni"] == "4.243"


def test_false_yields_are_counted_by_what_was_said():
    """Of three backchannels one was yielded to and one had no answer to stop; of two silences one answer was given up."""

    def met(ending: Ending, positive: bool = False, silent: bool = False) -> dict[str, object]:
        return {"seed": 0, "barge_in": {"ending": ending}, "positive": positive, "silent": silent}

    said = [met(Ending.YIELDED), met(Ending.WENT_ON), met(Ending.NOT_STARTED), met(Ending.YIELDED, positive=True)]
    said += [met(Ending.STOPPED_BEFORE, silent=True), met(Ending.ENDED_BEFORE, silent=True)]

    def of(condition: scenarios.Condition) -> dict[str, tuple[float, int]]:
        found = [line for line in lines.barge_in_lines(condition) if line.title.startswith("false yields")]
        return {line.title.split(": ")[1]: ((one := line.estimate(said)).value, one.n) for line in found}

    assert of(scenarios.BARGE_IN) == {"a backchannel": (0.5, 2)}
    assert of(scenarios.CONTEXT_ECHO) == {"a third speaker's chat": (0.5, 2), "nothing is said": (0.5, 2)}
    assert [*of(scenarios.RELATED)] == ["a third speaker's other question", "nothing is said"]


def value_of(title: str, measured: lines.Measured) -> tuple[float, int]:
    """(value, n) of the only line of this title that has one."""
    found = lines.counted(lines.rows([line for line in (*lines.TABLE, *lines.DETAILS) if line.title == title], measured, (0,)))
    (row,) = found
    return row.pooled.value, row.pooled.n


def test_spoken_keywords_are_counted_where_the_text_is_right():
    """Of four right texts the keywords are heard in two of the model and in three of the reference voice; a wrong text does not count,
    and where nothing was said nothing is heard. Word errors: 1 + 3 in 4 + 6 words, of the reference 0 + 1."""

    def said(heard: bool, reference: bool | None, errors: tuple[int, int, int] | None = None) -> dict[str, object]:
        counted = dict(zip(("errors", "reference_errors", "words"), errors or (None, None, None)))
        return {"seed": 0, "spoken": {"correct": heard, "reference_correct": reference} | counted}

    right = [said(True, True, (1, 0, 4)), said(True, True, (3, 1, 6)), said(False, True), said(False, False)]
    measured = {scenarios.KNOWN: [*right, said(True, None), {"seed": 0}]}
    pairs = [outcome for outcome in measured[scenarios.KNOWN] if lines.keywords_heard(outcome)]
    assert pairs == right
    relative = next(line for line in lines.TABLE if line.title == "spoken keywords heard, relative to the reference voice")
    assert relative.estimate(measured[scenarios.KNOWN]).value == 2 / 3
    assert value_of("keywords heard, text right: the model's speech", measured) == (0.5, 4)
    assert value_of("keywords heard, text right: the reference voice", measured) == (0.75, 4)
    assert value_of("word error rate, open recogniser: the model", measured) == (4 / 10, 2)
    assert value_of("word error rate, open recogniser: the reference voice", measured) == (1 / 10, 2)


def test_speaking_again_unasked_is_counted():
    outcomes = [{"answers": [{}] * count} for count in (0, 1, 2, 3)]
    assert next(line for line in lines.DETAILS if line.title == "more than one answer").estimate(outcomes).value == 0.5


def test_barge_in_is_counted_with_and_without_what_was_given_up_by_speaker_and_in_both_settings():
    """Three interruptions of the user, two yielded to; two of a third speaker, one; two backchannels, one; two answers given up before
    the event. F1: TP 3, FP 1 + 2, FN 2, so 6 / 11; without those given up 6 / 9. With a context in which TP is 1 and FN 1: 8 / 14."""

    def met(ending: Ending, positive: bool, third: bool = False) -> dict[str, object]:
        return {"barge_in": {"ending": ending}, "positive": positive, "silent": False, "third_speaker": third, "event": "", "seed": 0}

    yes, no = Ending.YIELDED, Ending.WENT_ON
    outcomes = [met(yes, True), met(yes, True), met(no, True), met(yes, True, third=True), met(no, True, third=True)]
    outcomes += [met(yes, False), met(no, False), met(Ending.STOPPED_BEFORE, True), met(Ending.STOPPED_BEFORE, False)]
    of = {line.title: line.estimate(outcomes) for line in lines.barge_in_lines(scenarios.BARGE_IN_ECHO)[:6]}
    assert of["F1"].value == 6 / 11 and of["F1 without answers given up before the event"].value == 6 / 9
    assert (of["precision"].value, of["precision"].n) == (3 / 6, 6) and (of["recall"].value, of["recall"].n) == (3 / 5, 5)
    assert of["recall, the user interrupts"].value == 2 / 3 and of["recall, a third speaker interrupts"].value == 1 / 2
    both = next(line for line in lines.TABLE if line.with_those)
    many, few = ([one | {"index": at} for at, one in enumerate(each)] for each in (outcomes, [met(yes, True), met(no, True)]))
    pooled = both.estimate(both.outcomes({scenarios.BARGE_IN_ECHO: many, scenarios.CONTEXT_ECHO: few}))
    assert (pooled.value, pooled.n) == (6 / 7, 4)  # as many of the one as of the other
    assert both.outcomes({scenarios.BARGE_IN_ECHO: many}) == []


def test_of_onsets_the_mean_and_the_95th_of_a_hundred():
    """0.00, 0.01, ... 1.00 s: the 95% percentile is 0.95; where no answer was heard there is nothing to count."""
    outcomes = [{"onset_delay_s": each / 100} for each in range(101)] + [{"onset_delay_s": None}]
    onsets = [line for line in (*lines.TABLE, *lines.DETAILS) if line.title.startswith("onset")]
    mean, late = onsets
    assert abs(mean.estimate(outcomes).value - 0.5) < 1e-9 and abs(late.estimate(outcomes).value - 0.95) < 1e-9
    assert mean.estimate(outcomes).n == 101


def test_an_answer_is_right_when_the_words_of_a_reference_stand_in_it_in_a_row():
    assert is_right("It is Rome, Italy.", ["Milan", "rome italy"]) and is_right("There are twenty-three.", ["23"])
    assert not is_right("Vitamin C.", ["Vitamin A"]) and is_right("It is vitamin A, and a vitamin.", ["Vitamin A"])
    assert not is_right("It was there.", ["The The"]) and is_right("The The sang it.", ["The The"]) and is_right("A dog.", ["the dog"])
    assert is_right("In 1990. Two years.", ["1990"]) and not is_right("In 1990. Two years.", ["1992"])
    assert not is_right("Italy has Rome.", ["Rome Italy"]) and not is_right("", ["Rome"]) and not is_right("Romeo.", ["Rome"])


def test_who_speaks_when_is_counted_by_the_minute():
    """90 s with 3 gaps of together 1.5 s: 1 s and 2 gaps a minute. Overlap of two barge-ins: 0.2 and 0.4 s."""
    events = {"seconds": dict.fromkeys(interaction.Event, 1.5), "count": dict.fromkeys(interaction.Event, 3), "length_s": 90.0, "turns": 1}
    sound = {"interaction": events, "barge_ins": [{"overlap_s": 0.2}, {"overlap_s": 0.4}]}
    outcomes = [{"seed": 0, "sound": sound}]
    found = {line.title: line.estimate(outcomes).value for line in lines.minute_lines(scenarios.KNOWN)}
    assert found["gap, seconds a minute"] == 1.0 and found["gap, count a minute"] == 2.0 and len(found) == 8
    (overlap,) = (line for line in lines.sound_lines(scenarios.KNOWN) if line.title == "barge-in, overlap")
    assert abs(overlap.estimate(outcomes).value - 0.3) < 1e-9


def test_who_is_stopped_and_speaks_again_is_counted():
    """Of two that were stopped one begins again; one was not stopped by "uh-huh" and speaks later; one began anew before it was stopped."""

    def met(positive: bool, ending: Ending, *shifts: int) -> dict[str, object]:
        answers = [{"shift": shift} for shift in shifts]
        return {"seed": 0, "barge_in": {"ending": ending}, "positive": positive, "event_start": 100, "answers": answers}

    stops = [met(True, Ending.YIELDED, 50, 150), met(True, Ending.YIELDED, 20, 50), met(False, Ending.WENT_ON, 50, 150)]
    stops.append(met(True, Ending.WENT_ON, 50, 150))
    (line,) = (line for line in lines.barge_in_lines(scenarios.BARGE_IN) if line.title.startswith("speaks again"))
    estimate = line.estimate(stops)
    assert (estimate.value, estimate.n) == (0.5, 2) and not line.more_is_better
    assert all("speaks again" not in line.title for line in lines.barge_in_lines(scenarios.CONTEXT))  # there it is to answer


def test_the_worst_failures_are_of_every_kind():
    """Stops missed in four conditions, a false one, an early start and a silence (no right answers either), and a wrong answer."""

    def met(positive: bool, ending: Ending, index: int) -> dict[str, object]:
        said = {"barge_in": {"ending": ending}, "positive": positive, "event": "Stop."}
        return {"id": f"{index}", "seed": 0, "index": index} | said

    def asked(start: Start, index: int) -> dict[str, object]:
        right = {"question": "Who?", "expected": "me", "correct": False}
        return {"id": f"{index}", "seed": 0, "index": index, "turn": {"start": start}} | right

    missed = [met(True, Ending.WENT_ON, 0), met(True, Ending.WENT_ON, 1)]
    found = failures(
        {condition: [*missed] for condition in scenarios.CONTEXTS}
        | {scenarios.BARGE_IN: [met(True, Ending.YIELDED, 0), met(False, Ending.YIELDED, 3)]}
        | {scenarios.KNOWN: [asked(start, index) for index, start in enumerate((Start.IN_TIME, Start.EARLY, Start.NEVER))]}
    )
    assert [(one.why.split(":")[0], one.condition.name, one.index) for one in found] == [
        (Wrong.MISSED, "context", 0),
        (Wrong.FALSE, "barge_in", 3),
        (Wrong.EARLY, "known_phrasing", 1),
        (Wrong.NEVER, "known_phrasing", 2),
        (Wrong.ANSWER, "known_phrasing", 0),
        (Wrong.MISSED, "context_echo_0.1", 0),
        (Wrong.MISSED, "context_echo_1.0", 0),
        (Wrong.MISSED, "context_echo_room", 0),
    ]


def test_of_a_kind_the_worst_is_shown_and_of_many_questions_every_one_is_looked_at():
    """Early by 0.2 and by 0.9 s; in a dialogue of three questions the second is answered wrongly, in half an hour the last not at all."""
    who = {"id": "e", "seed": 0, "question": "Who?"}
    early = [who | {"index": index, "turn": {"start": Start.EARLY, "shift_s": -s}} for index, s in enumerate((0.2, 0.9))]

    def dialogue(*turns: tuple[Start, bool]) -> dict[str, object]:
        asked = [{"at_s": 9.0 * n, "question": f"Q{n}", "start": start, "correct": right} for n, (start, right) in enumerate(turns)]
        return {"id": "d", "seed": 0, "index": 0, "question": "Q0", "turns": asked}

    right = (Start.IN_TIME, True)
    measured = {
        scenarios.KNOWN: early,
        scenarios.MULTI_TURN: [dialogue(right, (Start.IN_TIME, False), right)],
        scenarios.LONG: [dialogue(right, right, (Start.NEVER, False))],
    }
    assert [(one.condition.name, one.index, one.why) for one in failures(measured)] == [
        ("known_phrasing", 1, f"{Wrong.EARLY}: 0.90 s before the end of 'Who?'"),
        ("long", 0, f"{Wrong.NEVER}: 'Q2', at 18.0 s"),
        ("multi_turn", 0, f"{Wrong.ANSWER}: 'Q1', at 9.0 s"),
    ]


def test_the_pictures_can_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Times have a panel for each condition, curves one for what is said; no name of an ending runs into the next one."""

    def met(index: int, echo: str) -> dict[str, object]:
        said = {"barge_in": {"ending": Ending.YIELDED, "yield_s": 0.4}, "positive": index % 2 == 0, "silent": False, "third_speaker": False}
        return {"id": f"{index}{echo}", "shift_peak": 0.1 * index, "event": "Stop."} | said

    drawn: dict[str, Figure] = {}

    def save(figure: Figure, path: Path) -> Path:
        drawn[path.stem] = figure
        return path

    monkeypatch.setattr(figures, "save", save)
    kinds = (scenarios.BARGE_IN, scenarios.BARGE_IN_ECHO_ROOM, scenarios.CONTEXT_ECHO)
    asked = {condition: [{"turn": {"shift_s": 0.3}}, {"turn": {"shift_s": -1.2}}] for condition in (scenarios.KNOWN, scenarios.PAUSE)}
    figures.draw_all({each: [met(index, each.name) for index in range(6)] for each in kinds} | asked, 0.25, tmp_path)
    names = [[text.get_text() for text in axis.texts] for axis in drawn["yield_times"].axes]
    assert names == [["barge_in\nn = 3"], ["barge_in_echo_room\nn = 3"], ["context_echo_1.0\nn = 3"]]
    assert [len(drawn[name].axes) for name in ("response_times", "precision_recall")] == [2, 2]
    assert [patch.get_height() for patch in drawn["response_times"].axes[0].patches[:2]] == [1, 1]
    (axis,) = drawn["confusion"].axes
    drawn["confusion"].draw_without_rendering()
    boxes = [label.get_window_extent() for label in axis.get_xticklabels()]
    assert len(boxes) == len(Ending) and all(one.x1 < other.x0 for one, other in zip(boxes, boxes[1:]))
    assert axis.get_xlabel() and axis.get_ylabel() and drawn["yield_times"].axes[-1].get_xlabel()


def test_what_a_user_brings_is_judged_by_its_sub_set():
    """A backchannel that was yielded to is a false stop, an interruption a right one; silence is right where the user goes on speaking."""
    yielded = {"id": "1", "seed": 0, "turns": [], "barge_in": {"ending": Ending.YIELDED, "yield_s": 0.4}}
    silent = {"id": "2", "seed": 0, "turns": [{"at_s": 1.0, "start": Start.NEVER, "shift_s": None}], "taken": False, "answers": []}
    measured = {TASKS["user_backchannel"]: [yielded], TASKS["user_interruption"]: [yielded], TASKS["icc_backchannel"]: [silent]}
    (found,) = failures(measured)
    assert (found.condition.name, found.index) == ("user_backchannel", None) and found.why.startswith(Wrong.FALSE)
    assert [figures.yields_s(condition, outcomes) for condition, outcomes in measured.items()] == [[], [0.4], []]
    assert figures.class_of(TASKS["background_speech"], yielded) == "to go on: third speaker"


def test_what_a_user_brought_is_played_again_with_the_echo_and_the_oracle_it_was_played_with():
    question = Segment(Speaker.USER, Kind.QUESTION, "How so?", 8000, 16000)
    item = Item("1", "manifest", 16000, lambda: np.zeros(32000, np.float32), (question,))
    failure = Failure(TASKS["manifest"], "1", 0, None, "", 0.0)
    for echo, oracle in ((0.5, True), (0.0, False)):
        again = scene_again(Parrot(), failure, {"1": item}, Source(Path("clips"), Voice("pico", "en-GB"), echo, oracle=oracle))
        assert (again.id, again.echo, again.oracle) == ("1", echo, oracle)


def test_names_and_texts_of_whatever_characters_come_to_the_page_as_they_are(tmp_path: Path):
    """A picture has no formulas, a page no HTML but its own, a file a name of its own."""
    clips = Source(Path("clips"), Voice("pico", "en-GB"))
    for name in ("ä & b: <i>", "ä & b; <i>", "x" * 300):
        question = Segment(Speaker.USER, Kind.QUESTION, "Is $^x or $_y", 0, 16000)
        item = Item(name, "manifest", 16000, lambda: np.zeros(32000, np.float32), (question,), open_end=False)
        again = scene_again(Parrot(), Failure(TASKS["manifest"], name, 0, None, "", 0.0), {name: item}, clips)
        picture, _ = play_again(Parrot(), again, tmp_path / "failures")
    assert len({*tmp_path.rglob("*.png")}) == 3 and picture.stem.isascii() and len(picture.name) < 100
    (tmp_path / "ä &.png").write_bytes(b"")
    html = page("a <b>", f"{document.plain('<i> [a](b) _c_ d_e')} <script> ![<]({picture.relative_to(tmp_path)}) ![](<ä &.png>)", tmp_path)
    assert html.count("data:image/png;base64,") == 2 and "<title>a &lt;b&gt;</title>" in html
    assert "<p>&lt;i&gt; [a](b) _c_ d_e &lt;script&gt; <img" in html and document.left_out(["<i>\n# b"])[1] == r"- \<i\> \# b"


def test_a_failure_that_cannot_be_drawn_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*given: object) -> None:
        raise ValueError("no font")

    monkeypatch.setattr(document, "player", lambda plan: Parrot())
    monkeypatch.setattr(document, "scene_again", lambda *given: None)
    monkeypatch.setattr(document, "play_again", broken)
    unasked = {"id": "talk-0-0000", "seed": 0, "index": 0, "answered": True, "answers": [{}], "question": "so"}
    shown = document.worst(Plan(Suite.TURN_TAKING, "tiny"), {scenarios.TALK: [unasked]}, tmp_path)
    assert shown[-1].endswith("(cannot be played again: no font)")


def test_the_command_of_a_report_can_be_pasted_into_a_shell():
    voice, judging = Voice("server", "http://localhost:8000/v1 kokoro ann"), Judging(vocabulary=Path("my words.txt"), quality=True)
    source = Source(Path("it's mine/my clips"), voice, 0.5, oracle=True)
    words = shlex.split(document.command(Plan(Suite.INPUTS, "my model", seeds=(1, 2), judging=judging, source=source), "a report"))
    assert words[:9] == ["parley", "eval", "inputs", "it's mine/my clips", "--voice", str(voice), "--echo", "0.5", "--oracle"]
    assert words[9:] == ["--model", "my model", "--vocabulary", "my words.txt", "--seeds", "1", "2", "--quality", "--out", "a report"]
    assert document.command(Plan(Suite.BARGE_IN, "tiny", device="cuda:0")) == "parley eval barge_in --model tiny --device cuda:0 --out DIR"
    assert document.command(Plan(Suite.BARGE_IN, "tiny")) == "parley eval barge_in --model tiny --out DIR"


def test_figures_stand_under_the_only_seed_or_under_all_and_each():
    """As many heads as `table_row` has figures."""
    right = [outcome | {"seed": seed} for seed in (3, 4) for outcome in [{"correct": True}]]
    line = lines.Line("answers right", scenarios.KNOWN, lines.text_correct, lines.share)
    for seeds, heads in (((3,), " seed 3 |"), ((3, 4), " all seeds | seed 3 | seed 4 |")):
        plan = Plan(Suite.TURN_TAKING, "tiny", seeds=seeds)
        row = lines.rows([line], {scenarios.KNOWN: [each for each in right if each["seed"] in seeds]}, seeds)
        table = document.targets(plan, row)[0].splitlines()
        assert table[0] == f"| | target |{heads} n | met |" and len({cells.count("|") for cells in table}) == 1, table


def test_a_condition_tells_how_it_differs_from_the_one_that_it_is_like_on_the_same_scenes():
    """Of ten scenes of the one eight are right, but of the first six all: there the other, with five right, is a sixth worse."""
    of = {"seed": 0, "domain": "legs", "voice": "flite:awb", "turn": {"start": Start.IN_TIME}}
    known = [of | {"id": f"k{i}", "index": i, "correct": i < 8} for i in range(10)]
    noisy = [one | {"id": f"n{one['index']}", "correct": one["index"] != 2} for one in known[:6]]
    measured = {scenarios.KNOWN: known, scenarios.ROBUSTNESS[0]: noisy}
    rows = lines.counted(lines.rows([line for line in lines.DETAILS if line.title in ("answers right, text",)], measured, (0,)))
    plan = Plan(Suite.ROBUSTNESS, "tiny")
    noise = document.by_condition(plan, rows, {scenarios.ROBUSTNESS[0]: noisy, scenarios.KNOWN: [*known]})
    table = next(part for part in noise if "answers right, text" in part)
    assert "| change from known_phrasing, same scenes |" in table.splitlines()[0]
    assert re.search(r"\| answers right, text \| 83\.3% \[.*\] \| 6 \| -16\.7% \[-50\.0%, 0\.0%\] \|$", table, re.MULTILINE)
    alone = document.by_condition(plan, rows, {scenarios.ROBUSTNESS[0]: noisy})
    assert "change from" not in "".join(alone)


def test_who_takes_turns_stands_beside_a_cascade_on_the_scenes_that_both_played():
    def turn(index: int, start: Start, shift_s: float) -> dict[str, object]:
        return {"seed": 0, "index": index, "turn": {"start": start, "shift_s": shift_s}}

    def paused(index: int, early: bool) -> dict[str, object]:
        return {"seed": 0, "index": index, "pause": Pause.INSIDE if early else Pause.NONE}

    model = {scenarios.KNOWN: [turn(i, Start.IN_TIME, 0.4) for i in range(4)], scenarios.PAUSE: [paused(i, i == 3) for i in range(4)]}
    taken = [turn(0, Start.IN_TIME, 0.8), turn(1, Start.LATE, 1.2)]
    cascade = {scenarios.KNOWN: taken, scenarios.PAUSE: [paused(0, True), paused(1, False)]}
    title, table = document.with_turns({"tiny": model, "cascade": cascade, "echo alone": {scenarios.BARGE_IN: []}})
    cells = [[re.sub(r" \[.*\]", "", cell).strip() for cell in row.strip("|").split("|")] for row in table.splitlines()[2:]]
    assert title == "## Taking turns beside others"
    assert cells == [["tiny", "100.0% of 2", "0.400 s of 2", "0.0% of 2"], ["cascade", "50.0% of 2", "1.000 s of 2", "50.0% of 2"]]
    assert document.with_turns({"tiny": model}) == []


def test_the_largest_value_has_no_interval():
    (line,) = (line for line in lines.TABLE if line.title == "waveform: streaming - offline, largest")
    one = line.estimate([{"offline": difference} for difference in (1e-6, 3e-6, 2e-6)])
    assert (one.value, one.n) == (3e-6, 3) and np.isnan(one.low) and np.isnan(one.high)

"""The report: what stands beside what, how many were counted, which failures are shown."""

from parley.eval import scenarios
from parley.eval.metrics import interaction
from parley.eval.metrics.turn_taking import Ending, Start
from parley.eval.report import document, lines
from parley.eval.report.failures import Wrong, failures
from parley.eval.report.inputs import INPUT_DETAILS
from parley.eval.report.published import PUBLISHED


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
    assert (row.pooled.value, row.pooled.n, row.seeds) == (4 / 4, 5, {})


def test_every_table_of_a_report_says_how_many_were_counted():
    judged = ("a", True), ("a", False), ("b", True)
    outcomes = [{"seed": 0, "domain": "legs", "voice": f"flite:{name}", "correct": right} for name, right in judged]
    by_domain, by_voice = document.breakdowns(scenarios.HELD_OUT, outcomes)
    assert by_domain.splitlines()[-1] == "| legs | 66.7% [0.0%, 100.0%] | 3 |"
    assert by_voice.splitlines()[-2:] == ["| flite:a | 50.0% [0.0%, 100.0%] | 2 |", "| flite:b | 100.0% [-] | 1 |"]
    quiet = {"seconds": dict.fromkeys(interaction.Event, 1.0), "turns": 1}
    sound = {"responses": [0.5], "false_alarms": [], "barge_ins": [], "interaction": quiet}
    rows = lines.rows(lines.sound_lines(scenarios.BARGE_IN), {scenarios.BARGE_IN: [{"seed": 0, "sound": sound}] * 2}, (0,))
    assert "| 0.500 s [0.500 s, 0.500 s] n = 2 |" in document.by_sound(lines.counted(rows))[1]
    (_, _, table) = document.published(rows)
    assert "| barge_in: first response | 0.500 s [0.500 s, 0.500 s] | 2 | SALM-Duplex, UltraChat | 0.72s | SALM-Duplex" in table


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
    """Stops missed in three conditions, a false one, an early start and a silence (no right answers either), and a wrong answer."""

    def met(positive: bool, ending: Ending, index: int) -> dict[str, object]:
        return {"seed": 0, "index": index, "barge_in": {"ending": ending}, "positive": positive, "event": "Stop."}

    def asked(start: Start, index: int) -> dict[str, object]:
        right = {"question": "Who?", "expected": "me", "correct": False}
        return {"seed": 0, "index": index, "turn": {"start": start}} | right

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
    ]

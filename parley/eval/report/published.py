"""What others have published for the same measures, to stand beside ours. Their questions, voices and languages differ from ours."""

from collections.abc import Iterator
from dataclasses import dataclass

from parley.data.corpora.questions import ALPACA, LLAMA, TRIVIA, WEB
from parley.eval import scenarios

OMNI = "SALMONN-omni, NeurIPS 2025"
SALM = "SALM-Duplex, Interspeech 2025, Table 2"
FDB = "Full-Duplex-Bench v1, README of February 2026"


@dataclass(frozen=True)
class Published:
    """`figure` as it is printed, or as a percentage; `beside`: the name of our line that measures the same thing."""

    beside: str
    system: str
    figure: str
    where: str
    whisper: bool = False  # of speech as a large recogniser heard it, a Whisper or parakeet: stands only beside what a Whisper heard
    oracle: bool = False  # of a set that was played with the oracle's turn-taking: stands only beside what `--oracle` played


TOR, LATENCY, FREQUENCY, DIVERGENCE = "take-over rate (TOR), fdb", "latency, fdb", "backchannels a second, fdb", "JSD from people, fdb"
FULL_DUPLEX_BENCH_LINES = (
    f"synthetic_pause_handling: {TOR}",
    f"candor_pause_handling: {TOR}",
    *(f"icc_backchannel: {title}" for title in (TOR, FREQUENCY, DIVERGENCE)),
    *(f"candor_turn_taking: {title}" for title in (TOR, LATENCY)),
    *(f"synthetic_user_interruption: {title}" for title in (TOR, LATENCY)),
)
FULL_DUPLEX_BENCH = {
    "PersonaPlex": "58.4% 66.2% 32.7% 0.025 0.649 99.2% 0.070s 100.0% 0.400s",
    "dGSLM": "93.4% 93.5% 69.1% 0.015 0.934 97.5% 0.352s 91.7% 2.531s",
    "Moshi": "98.5% 98.0% 100.0% 0.001 0.957 94.1% 0.265s 100.0% 0.257s",
    "Freeze-Omni": "64.2% 48.1% 63.6% 0.001 0.997 33.6% 0.953s 86.7% 1.409s",
    "Gemini Live 2.0": "25.5% 31.0% 9.1% 0.012 0.896 65.5% 1.301s 89.1% 1.183s",
    "GPT-Realtime": "1.0% 12.0% 0.0% 0.007 0.980 100.0% 1.470s 97.0% 1.500s",
}

# SALMONN-omni, Table 3: answers right (%) in Llama Questions, Web Questions and TriviaQA, the GPTScore in AlpacaEval, each as text and as
# speech; the mean UTMOS.
PREDICTED = {
    "Moshi": "60.8 54.5 23.4 22.1 25.6 16.7 1.84 1.76 3.178",
    "Freeze-Omni": "74.2 56.2 40.8 27.9 45.1 28.5 3.90 2.46 4.277",
    "SALMONN-omni": "79.3 73.6 49.7 43.7 63.6 56.0 4.01 3.22 4.255",
}
ORACLE = {
    "GLM-4-Voice": "75.0 65.7 38.5 37.0 50.8 47.5 3.82 3.58 4.081",
    "Qwen2.5-Omni": "78.7 75.7 41.9 39.6 55.5 52.2 3.04 2.61 4.085",
    "VITA-1.5": "77.3 56.0 43.9 31.0 54.8 41.3 3.92 1.94 4.022",
    "miniCPM-o": "76.3 70.0 47.1 42.7 65.4 56.0 3.99 3.44 4.147",
    "Kimi-Audio": "79.7 68.3 44.0 37.3 63.6 51.2 3.92 2.95 2.679",
    "Baichuan-Audio": "76.0 74.0 43.1 40.7 56.9 53.0 3.76 3.32 4.182",
    "Freeze-Omni": "77.0 61.0 42.3 29.1 53.5 36.5 3.71 2.42 4.276",
    "SALMONN-omni": "80.0 75.0 50.5 45.4 66.0 58.8 4.05 3.33 4.261",
}


def answers() -> Iterator[Published]:
    """Table 3, beside our own questions and beside its own, where a user brings them."""
    sets = f"{OMNI}, Table 3, Llama / Web Questions / TriviaQA"
    for system, printed in PREDICTED.items():
        *figures, _, _, utmos = printed.split()
        text, speech = figures[::2], figures[1::2]
        relative = " / ".join(f"{float(s2s) / float(s2t):.2f}" for s2s, s2t in zip(speech, text))
        yield Published("known_phrasing: answers right, text: known phrasing", system, f"{' / '.join(text)}%", sets)
        yield Published("known_phrasing: answers right, speech, all questions", system, f"{' / '.join(speech)}%", sets, True)
        yield Published("known_phrasing: answers right, speech relative to text", system, relative, f"{sets}, derived", True)
        yield Published("known_phrasing: UTMOS", system, utmos, f"{OMNI}, Table 3, mean of four sets")
    for system, printed in ORACLE.items():
        for what, figures in (("text", printed.split()[:6:2]), ("speech", printed.split()[1:6:2])):
            name = f"oracle: answers right, {what}: made to answer at the question's end"
            yield Published(name, system, f"{' / '.join(figures)}%", f"{sets}, oracle", what == "speech")
    for oracle, systems in ((False, PREDICTED), (True, ORACLE)):
        for system, printed in systems.items():
            yield from answers_of_sets(system, printed.split(), oracle)


def answers_of_sets(system: str, printed: list[str], oracle: bool) -> Iterator[Published]:
    where = f"{OMNI}, Table 3{', oracle' if oracle else ''}"
    for name, pair in zip(SETS, zip(printed[::2], printed[1::2])):
        for what, figure in zip(("text", "speech"), pair):
            title, unit = ("GPTScore", "") if name == ALPACA else ("answers right", "%")
            yield Published(f"{name}: {title}, {what}", system, f"{figure}{unit}", where, what == "speech", oracle)


# Of the sets that a user brings, in this order: turn-taking success (%), and UTMOS where the model takes its turns itself.
SETS = (LLAMA, WEB, TRIVIA, ALPACA)
SUCCESS = {"Moshi": "85.0 76.0 37.1 83.4", "Freeze-Omni": "99.7 99.8 72.0 87.9", "SALMONN-omni": "99.7 99.6 92.8 92.0"}
SOUNDS = {"Moshi": "3.245 3.257 3.017 3.193", "Freeze-Omni": "4.288 4.273 4.293 4.255", "SALMONN-omni": "4.256 4.250 4.272 4.243"}


def of_sets() -> Iterator[Published]:
    for title, unit, systems, where in (
        ("start by the decision: in_time", "%", SUCCESS, "Table 4; it states no tolerance"),
        ("UTMOS", "", SOUNDS, "camera-ready, Table 13"),
    ):
        for system, printed in systems.items():
            for name, figure in zip(SETS, printed.split()):
                yield Published(f"{name}: {title}", system, f"{figure}{unit}", f"{OMNI}, {where}")


TURNS = "known_phrasing: turn-taking: starts within [0, 1.0] s of the question's end"
BY_EVENT = "Table 5; how it counts is not stated"  # with every interruption in recall's denominator it takes several yields an item
YIELDS = (  # SALMONN-omni, Table 5: precision, recall and F1
    (scenarios.BARGE_IN, "no echo", "Freeze-Omni", "64% 72% 0.68", "Table 5"),
    (scenarios.BARGE_IN_ECHO_LOW, "echo factor 0.1", "Freeze-Omni", "19% 86% 0.31", BY_EVENT),
    (scenarios.BARGE_IN_ECHO, "echo factor 1.0", "Freeze-Omni", "10% 69% 0.17", BY_EVENT),
    (scenarios.BARGE_IN_ECHO, "echo factor 1.0", "Moshi", "84% 77% 0.80", "Table 5"),
    (scenarios.BARGE_IN_ECHO, "echo factor 1.0", "SALMONN-omni", "84% 92% 0.88", "Table 5"),
    (scenarios.BARGE_IN_ECHO, "echo factor 1.0", "SALMONN-omni before DPO", "68% 93% 0.79", "Table 6"),
)
BARGE_IN_LINES = (
    "barge_in: barge-in success",
    "barge_in: false alarms",
    "barge_in: barge-in, from onset",
    "barge_in: first response",
)
BARGE_INS = {
    "SALM-Duplex, UltraChat": "83.0% 0.0% 0.52s 0.72s",
    "Moshi, UltraChat": "56.0% 0.0% 0.63s n/a",
    "SALM-Duplex, Impatient": "94.5% 0.0% 0.69s 0.92s",
    "Moshi, Impatient": "55.1% 0.0% 0.81s n/a",
}
EVENTS = {"ipu": "63.30 s (people 61.89 s)", "pause": "4.68 s (people 5.49 s)", "gap": "5.01 s (people 6.50 s)"}
SWAPPED = f"{OMNI}, camera-ready, Table 7; its rebuttal names the two the other way round"

PUBLISHED = (
    Published(TURNS, "Moshi", "37.1 to 85.0%", f"{OMNI}, Table 4"),
    Published(TURNS, "Freeze-Omni", "72.0 to 99.8%", f"{OMNI}, Table 4"),
    Published(TURNS, "SALMONN-omni", "92.0 to 99.7%", f"{OMNI}, Table 4"),
    *answers(),
    *of_sets(),
    *(
        Published(f"{condition.name}: {title}", system, figure, f"{OMNI}, {where}")
        for condition, echo, system, figures, where in YIELDS
        for title, figure in zip(("precision", "recall", f"barge-in F1, {echo}"), figures.split())
    ),
    *(
        Published(beside, system, figure, SALM)
        for system, figures in BARGE_INS.items()
        for beside, figure in zip(BARGE_IN_LINES, figures.split())
        if figure != "n/a"
    ),
    *(Published(f"multi_turn: {event} in five turns", "SALMONN-omni", figure, SWAPPED) for event, figure in EVENTS.items()),
    *(
        Published(beside, system, figure, FDB, whisper=not beside.endswith((FREQUENCY, DIVERGENCE)))
        for system, figures in FULL_DUPLEX_BENCH.items()
        for beside, figure in zip(FULL_DUPLEX_BENCH_LINES, figures.split())
    ),
)

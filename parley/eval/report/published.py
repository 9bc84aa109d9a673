"""What others have published for the same measures, to stand beside ours. Their questions, voices and languages differ from ours."""

from dataclasses import dataclass

OMNI = "SALMONN-omni, NeurIPS 2025"
SALM = "SALM-Duplex, Interspeech 2025"
FDB = "Full-Duplex-Bench v1, README of February 2026"


@dataclass(frozen=True)
class Published:
    """`figure` as it is printed; `beside`: the title of our line that measures the same thing."""

    beside: str
    system: str
    figure: str
    where: str


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

PUBLISHED = (
    Published("turn-taking", "Moshi", "37.1 to 85.0%", f"{OMNI}, Table 4"),
    Published("turn-taking", "Freeze-Omni", "72.0 to 99.8%", f"{OMNI}, Table 4"),
    Published("turn-taking", "SALMONN-omni", "92.0 to 99.7%", f"{OMNI}, Table 4"),
    Published("answers right, text", "Moshi", "60.8 / 23.4 / 25.6%", f"{OMNI}, Table 3, Llama / Web Questions / TriviaQA"),
    Published("answers right, text", "Freeze-Omni", "74.2 / 40.8 / 45.1%", f"{OMNI}, Table 3"),
    Published("answers right, text", "SALMONN-omni", "79.3 / 49.7 / 63.6%", f"{OMNI}, Table 3"),
    Published("answers right, speech relative to text", "Freeze-Omni", "0.76 / 0.68 / 0.63", f"{OMNI}, Table 3, derived"),
    Published("answers right, speech relative to text", "SALMONN-omni", "0.93 / 0.88 / 0.88", f"{OMNI}, Table 3, derived"),
    Published("barge-in F1, context-independent, echo 0.0", "Freeze-Omni", "0.68", f"{OMNI}, Table 5"),
    Published("barge-in F1, context-independent, echo 0.1", "Freeze-Omni", "0.31", f"{OMNI}, Table 5"),
    Published("barge-in F1, context-independent, echo 1.0", "Freeze-Omni", "0.17", f"{OMNI}, Table 5"),
    Published("barge-in F1, context-independent, echo 1.0", "Moshi", "0.80", f"{OMNI}, Table 5"),
    Published("barge-in F1, context-independent, echo 1.0", "SALMONN-omni", "0.88 (before DPO 0.79)", f"{OMNI}, Tables 5 and 6"),
    Published("barge-in F1, context-dependent, echo 1.0", "SALMONN-omni", "0.93 (before DPO 0.93)", f"{OMNI}, Table 6"),
    Published("barge-in F1, both settings, echo 1.0", "SALMONN-omni", "0.90 (before DPO 0.86)", f"{OMNI}, Table 6"),
    *(
        Published(beside, system, figure, FDB)
        for system, figures in FULL_DUPLEX_BENCH.items()
        for beside, figure in zip(FULL_DUPLEX_BENCH_LINES, figures.split())
    ),
)

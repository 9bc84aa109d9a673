"""What others have published for the same measures, to stand beside ours. Their questions, voices and languages differ from ours."""

from dataclasses import dataclass

OMNI = "SALMONN-omni, NeurIPS 2025"
SALM = "SALM-Duplex, Interspeech 2025"


@dataclass(frozen=True)
class Published:
    """`figure` as it is printed; `beside`: the title of our line that measures the same thing."""

    beside: str
    system: str
    figure: str
    where: str


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
)

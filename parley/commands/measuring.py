"""The commands that measure a model."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import tyro
from tyro.conf import OmitArgPrefixes, Positional

from parley.data.voices import parse_voice
from parley.eval.baselines import Baseline, CascadeConfig
from parley.eval.inputs.outcomes import Source
from parley.eval.judge import Endpoint
from parley.eval.outcomes import Judging
from parley.eval.report.compare import compare
from parley.eval.report.document import run as evaluation
from parley.eval.suites import Plan, Suite
from parley.train.step.distributed import usable


@dataclass(frozen=True)
class Judge:
    """Who scores the answers."""

    judge_url: str | None = None  # an OpenAI-compatible endpoint with its version: https://api.openai.com/v1; its key: PARLEY_JUDGE_KEY
    judge_model: str = Endpoint.model  # the model there
    judge_temperature: float | None = Endpoint.temperature  # of its answers; None leaves it out, for models that refuse it

    @property
    def endpoint(self) -> Endpoint | None:
        return Endpoint(self.judge_url, self.judge_model, temperature=self.judge_temperature) if self.judge_url else None


@dataclass(frozen=True)
class Instead:
    """What plays in the model's place."""

    baseline: Baseline | None = None  # a VAD cascade around the model, without or with an echo canceller; one that always or never speaks
    silence_s: float = CascadeConfig.silence_s  # a cascade's: the silence that ends the user's turn
    interruption_s: float = CascadeConfig.interruption_s  # a cascade's: the unbroken speech that interrupts the assistant

    @property
    def cascade(self) -> CascadeConfig:
        """ValueError where there is none to be told."""
        config = CascadeConfig(self.silence_s, interruption_s=self.interruption_s)
        if config != CascadeConfig() and self.baseline not in (Baseline.CASCADE, Baseline.CANCELLED):
            raise ValueError("--silence-s and --interruption-s are a cascade's; give --baseline cascade or cascade_cancelled with them")
        return config


def evaluate(
    suite: tyro.conf.Fixed[Suite],
    out: Path,
    judging: Annotated[Judging, OmitArgPrefixes],
    judge: Annotated[Judge, OmitArgPrefixes],
    instead: Annotated[Instead, OmitArgPrefixes],
    model: str = "tiny",
    dialogues: int | None = None,
    seeds: tuple[int, ...] = (0,),
    jobs: int = 1,
    device: str = "cpu",
    beside: Path | None = None,
) -> None:
    """Measure a model in dialogues with held-out voices, and write report.json, report.md and report.html.

    The model talks with simulated users through the engine that serves it, and hears its own echo. A run that was stopped goes on.

    Args:
        out: The folder for the report, and for what is finished already.
        judging: By what the answers are judged.
        judge: Gives the answers a GPTScore.
        instead: What plays in the model's place.
        model: A model that comes with the package, or a model directory.
        dialogues: How many for each condition and seed; 300 if not given, fewer in the suite of all (docs/evaluation.md).
        seeds: One column of the table each.
        jobs: Processes at work; the figures are the same for every number, except the times of a pass.
        device: That the model is on: cpu, cuda, ...
        beside: A folder of the --out folders of other evaluations, of baselines say, whose barge-in figures stand next to this one's.
    """
    plan = Plan(suite, model, dialogues, seeds, instead.baseline, instead.cascade, judging, judge.endpoint, device=usable(device))
    report(plan, out, jobs, beside)


def evaluate_inputs(
    path: Positional[Path],
    out: Path,
    judging: Annotated[Judging, OmitArgPrefixes],
    judge: Annotated[Judge, OmitArgPrefixes],
    instead: Annotated[Instead, OmitArgPrefixes],
    model: str = "tiny",
    voice: str = "piper:joe",
    echo: float = 0.0,
    oracle: bool = False,
    limit: int | None = None,
    human: Path | None = None,
    jobs: int = 1,
    device: str = "cpu",
) -> None:
    """Measure a model on what you bring, and write report.json, report.md and report.html. A run that was stopped goes on.

    Args:
        path: A folder in the layout of Full-Duplex-Bench v1 or v1.5, a lhotse manifest, or a question file as of WebQuestions, TriviaQA,
            Llama Questions or AlpacaEval (docs/evaluation.md).
        out: The folder for the report, and for what is finished already.
        judging: By what the answers are judged.
        judge: Gives the answers a GPTScore.
        instead: What plays in the model's place.
        model: A model that comes with the package, or a model directory.
        voice: Who speaks questions that are only text: ENGINE:NAME.
        echo: The model hears its own voice at this factor.
        oracle: Make the model answer at the end of the question, and at no other time; of question files.
        limit: So many items at most.
        human: How people's backchannels spread over every clip of Full-Duplex-Bench: a JSON object of lists of numbers, one a folder.
        jobs: Processes at work; the figures are the same for every number.
        device: That the model is on: cpu, cuda, ...
    """
    if not 0.0 <= echo <= 3600.0 or (limit is not None and limit < 1):
        raise ValueError(f"--echo is {echo}, --limit is {limit}; give 0 to 3600, and 1 or more")
    source = Source(path, parse_voice(voice), echo, limit, human, oracle)
    played = instead.baseline, instead.cascade
    report(Plan(Suite.INPUTS, model, None, (0,), *played, judging, judge.endpoint, source, usable(device)), out, jobs)


def report(plan: Plan, out: Path, jobs: int, beside: Path | None = None) -> None:
    text, missing = evaluation(plan, out, jobs, beside)
    print(text)
    if missing:
        raise ValueError(f"{missing} dialogues or scores could not be measured and are left out; {out / 'report.md'} says why")


def compare_evaluations(a: Positional[Path], b: Positional[Path]) -> None:
    """Compare two evaluations dialogue by dialogue: what got better or worse, and how sure that is.

    Args:
        a: The --out folder of the first `parley eval`.
        b: ... and of the second.
    """
    print(compare(a, b))


SUITES = {str(suite): partial(evaluate, suite) for suite in Suite if suite != Suite.INPUTS}
COMMANDS = {**SUITES, "inputs": evaluate_inputs, "compare": compare_evaluations}

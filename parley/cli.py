"""The command line. Every error of the user becomes one line on stderr and exit code 2, here and nowhere else."""

import json
import re
import signal
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass, replace
from functools import partial, update_wrapper
from importlib.metadata import version
from inspect import getdoc
from io import StringIO
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import torch
import tyro
from rich.console import Console
from rich.text import Text
from tyro.conf import EnumChoicesFromValues, FlagCreatePairsOff, OmitArgPrefixes, Positional, subcommand

from parley import recipes
from parley.clock import Clock
from parley.data.build import BuildConfig, build
from parley.data.corpora.entries import Failed
from parley.data.corpora.read import Corpus, read_corpus, write_scripts
from parley.data.manifest import read
from parley.data.recordings import write_recordings
from parley.data.remote.writer import Task, write_with, writing_endpoint
from parley.data.scripts import questions
from parley.data.shards.check import check
from parley.data.shards.convert import Form, convert
from parley.data.voices import parse_voice
from parley.eval.baselines import Baseline
from parley.eval.inputs.outcomes import Source
from parley.eval.judge import Endpoint
from parley.eval.outcomes import Judging
from parley.eval.report.compare import compare
from parley.eval.report.document import run as evaluation
from parley.eval.suites import Plan, Suite
from parley.llm.layout import LayoutConfig, lay_out, render
from parley.llm.tokens import Tokens
from parley.models.checkpoint import find_model, load_model, merge, save_model
from parley.runtime.converse import Listening, Outputs, converse_all
from parley.runtime.engine import Engine
from parley.runtime.load import measure_load, measure_long_session, read_recordings
from parley.runtime.serve.host import Host
from parley.runtime.serve.limits import Door, Limits, read_keys
from parley.runtime.serve.metrics import Metrics
from parley.runtime.serve.server import RECORDINGS, WEB, Address, Service
from parley.runtime.serve.server import run as serve_until_stopped
from parley.runtime.talk import talk_aloud

RecipeName = Literal["tiny", "small", "paper"]


def open_engine(model: str, threads: int, rows: int = 1, careful: bool = False) -> Engine:
    """A model on the CPU."""
    if threads < 1:
        raise ValueError(f"--threads is {threads}; give 1 or more")
    torch.set_num_threads(threads)
    torch.set_flush_denormal(True)  # in silence the memories decay to numbers that a CPU is slow with
    return Engine(load_model(find_model(model)), rows, careful)


def converse(
    recording: Positional[Path],
    output: Path | None = None,
    timeline: Path | None = None,
    plot: Path | None = None,
    output_dir: Path | None = None,
    stereo: bool = False,
    model: str = "tiny",
    echo: float = 0.0,
    tail: float = 0.0,
    realtime: bool = False,
    threads: int = 1,
) -> None:
    """Stream a recording through a model, block by block, as if it were spoken to it now.

    Prints when the model spoke and what it said. With a directory, every */input.wav below it is a dialogue, and the
    names given to --output, --timeline and --plot are file names beside each of them.

    Args:
        recording: A sound file of any format and rate (of stereo the left channel is heard), or a directory of */input.wav.
        output: Where to write what the model says, as WAV on the same clock as the recording. A directory: output.wav.
        timeline: Where to write one JSON object a block, and a summary as the last line. A directory: timeline.jsonl.
        plot: Where to draw the dialogue (.png, .pdf or .svg).
        output_dir: With a directory: write below this one instead of beside the recordings.
        stereo: Write what the model hears on the left and what it says on the right.
        model: A model that comes with the package, or a model directory.
        echo: The model hears its own voice at this factor, as from a loudspeaker beside the microphone.
        tail: Seconds of silence after the recording, for the last answer to finish.
        realtime: Take one block every 80 ms, as from a microphone.
        threads: CPU threads for one pass of the model.
    """
    listening, outputs = Listening(tail, echo, realtime), Outputs(output, timeline, plot, stereo)
    if not recording.exists():
        raise ValueError(f"{recording}: no such file or directory; check the path")
    if output_dir and not recording.is_dir():
        raise ValueError(f"--output-dir goes with a directory of recordings, and {recording} is one file; use --output")
    converse_all(open_engine(model, threads), recording, outputs, output_dir, listening, Console(highlight=False))


def talk(model: str = "tiny", device: str | None = None, threads: int = 1) -> None:
    """Talk with a model through the microphone and the loudspeaker. Stop with Ctrl-C.

    Args:
        model: A model that comes with the package, or a model directory.
        device: Name or number of the sound device; the system's default if not given.
        threads: CPU threads for one pass of the model.
    """
    talk_aloud(open_engine(model, threads), device, Console(highlight=False))


def serve(
    address: Annotated[Address, OmitArgPrefixes],
    limits: Annotated[Limits, OmitArgPrefixes],
    model: str = "tiny",
    threads: int = 1,
    keys: Path | None = None,
    origins: tuple[str, ...] = (),
    web: Path | None = None,
) -> None:
    """Serve a model: a page to talk with it, and the OpenAI Live and Realtime protocols. SIGTERM or Ctrl-C lets the dialogues end.

    Args:
        address: Where it listens.
        limits: What it grants.
        model: A model that comes with the package, or a model directory.
        threads: CPU threads for one pass of the model.
        keys: A file with one key a line; clients must bring one of them. Without it everybody may come in.
        origins: Pages of these origins may connect too, beside the server's own; "*" = every one.
        web: The folder with the page.
    """
    host = Host(open_engine(model, threads, limits.sessions, careful=True), limits, Metrics())
    service = Service(host, Door(limits, read_keys(keys), origins), model, web or WEB)
    serve_until_stopped(service, address)


def load(
    sessions: int = 6,
    seconds: float = 60.0,
    find: bool = False,
    model: str = "tiny",
    threads: int = 1,
    recordings: Path = RECORDINGS,
) -> None:
    """Measure a server with paced clients, as JSON: passes, onset, barge-in, underruns.

    Args:
        sessions: Clients at once.
        seconds: How long each of them talks.
        find: Go on with one client more each time, while 99 % of the passes take less than a block and nothing runs dry.
        model: A model that comes with the package, or a model directory.
        threads: CPU threads for one pass of the model.
        recordings: What the clients say: a folder of */input.wav with */meta.json.
    """
    while True:
        result = measure_load(sessions, seconds, model, threads, recordings)
        print(json.dumps(result), flush=True)
        if not find or not result["holds"]:
            return
        sessions += 1


def long_session(minutes: float = 60.0, model: str = "tiny", threads: int = 1, recordings: Path = RECORDINGS) -> None:
    """Measure one long session, fed as fast as the machine can: step time and memory, part by part, as JSON.

    Args:
        minutes: How long the dialogue is.
        model: A model that comes with the package, or a model directory.
        threads: CPU threads for one pass of the model.
        recordings: What the user says again and again: a folder of */input.wav with */meta.json.
    """
    print(json.dumps(measure_long_session(open_engine(model, threads), minutes, read_recordings(recordings))))


def world() -> None:
    """Print the questions of the spoken world, one JSON object a line: domain, question, answer, keywords, split."""
    for question in questions():
        print(json.dumps(question, ensure_ascii=False))


def show(dialogues: Positional[Path], name: Positional[str | None] = None, model: str = "tiny") -> None:
    """Print a dialogue block by block in colour: who is heard, and what the text slot reads and must predict.

    Args:
        dialogues: The directory of built dialogues.
        name: Which one; the first if not given.
        model: Whose tokens to use: a model that comes with the package, or a model directory.
    """
    tokens = Tokens.load(find_model(model) / "llm")
    for dialogue in read(dialogues):
        if name in (None, dialogue.id):
            layout = lay_out(dialogue, Clock(), tokens, LayoutConfig())
            Console(highlight=False).print(render(dialogue, layout, Clock(), tokens))
            return
    raise ValueError(f"{dialogues}: holds no dialogue {name!r}; its manifest lists the ids")


def build_dialogues(out: Positional[Path], config: Annotated[BuildConfig, OmitArgPrefixes], jobs: int = 1, ray: bool = False) -> None:
    """Build spoken dialogues as lhotse cuts. A build that was stopped goes on where it was.

    Args:
        out: The folder to fill.
        config: What is built.
        jobs: Processes at work; the result is the same for every number.
        ray: Work on a Ray cluster whose machines share the folder, or on this machine where there is none.
    """
    print(build(out, config, jobs, ray))


def read_scripts(
    corpus: Positional[Corpus],
    path: Positional[Path],
    out: Positional[Path],
    limit: int | None = None,
    context: bool = False,
    rounds: int = 1,
    part: str = "",
) -> None:
    """Turn a published corpus on this machine into dialogue scripts, for `parley data build --scripts`.

    Args:
        corpus: Which one; recordings is any folder of recordings with transcripts.
        path: Its file or folder, as it is published.
        out: The file of scripts to write. Beside it: what could not be used and why, and recordings that lay inside the corpus.
        limit: At most so many scripts.
        context: SQuAD: the user reads the paragraph out before the question.
        rounds: UltraChat: how many questions of a conversation.
        part: LibriSpeech and GigaSpeech: one part of it, like train-clean-100 or M.
    """
    found = write_scripts(read_corpus(corpus, path, out.with_suffix(".audio"), context, rounds, part), out, limit)
    print(f"{out}: {summary(*found)}")


def write_scripts_with(
    task: Positional[Task],
    source: Positional[Path],
    out: Positional[Path],
    url: str,
    model: str,
    limit: int | None = None,
    parallel: int = 4,
    temperature: float | None = None,
) -> None:
    """Let a language model write scripts, with the paper's prompts. A run that was stopped goes on.

    The key of the endpoint, if it needs one, is read from the variable PARLEY_WRITER_KEY.

    Args:
        task: Answers that can be spoken; dialogues about what the scripts ask; or what is said into their long answers.
        source: The file of scripts to start from.
        out: The file of scripts to write.
        url: An OpenAI-compatible endpoint, as in http://localhost:8000/v1.
        model: Its name there.
        limit: At most so many scripts of the source.
        parallel: Requests at a time.
        temperature: Of the model; its own default if not given.
    """
    endpoint = writing_endpoint(url, model, temperature)
    print(f"{out}: {summary(*write_with(task, endpoint, source, out, limit, parallel))}")


def summary(count: int, failed: list[Failed]) -> str:
    """How many scripts there are, and how many of which kind are left out."""
    kinds = Counter(each.reason.partition(":")[0] if each.reason.startswith(("duplicate", "contradiction")) else "bad" for each in failed)
    return ", ".join([f"{count} scripts", *(f"{number} left out ({kind})" for kind, number in sorted(kinds.items()))])


def check_manifest(path: Positional[Path]) -> None:
    """Validate a manifest: this project's, plain lhotse, NeMo's, shards, or a file of scripts. Every problem is named with its line.

    Args:
        path: The manifest, the folder with it, or the folder of shards.
    """
    count, problems = check(path)
    for problem in problems:
        print(problem)
    if problems:
        raise ValueError(f"{path}: {len(problems)} problems in {count} lines, see above")
    print(f"{path}: {count} lines, nothing wrong")


def convert_manifest(source: Positional[Path], out: Positional[Path], to: Form = Form.PLAIN) -> None:
    """Rewrite dialogues of any lhotse manifest: as this project's plain manifest, as Shar shards, or in NeMo's duplex convention.

    Args:
        source: The manifest, the folder with it, or the folder of shards.
        out: A new folder.
        to: What it becomes.
    """
    path, failed = convert(source, out, to)
    for each in failed:
        print(f"{each.id} is left out: {each.reason}", file=sys.stderr)
    print(path)


def recordings(out: Positional[Path]) -> None:
    """Speak the recordings that come with the package again.

    Args:
        out: The folder to fill.
    """
    write_recordings(out)


@dataclass(frozen=True)
class Judge:
    """Who scores the answers."""

    judge_url: str | None = None  # an OpenAI-compatible endpoint with its version: https://api.openai.com/v1; its key: PARLEY_JUDGE_KEY
    judge_model: str = Endpoint.model  # the model there

    @property
    def endpoint(self) -> Endpoint | None:
        return Endpoint(self.judge_url, self.judge_model) if self.judge_url else None


def evaluate(
    suite: tyro.conf.Fixed[Suite],
    out: Path,
    judging: Annotated[Judging, OmitArgPrefixes],
    judge: Annotated[Judge, OmitArgPrefixes],
    model: str = "tiny",
    baseline: Baseline | None = None,
    dialogues: int | None = None,
    seeds: tuple[int, ...] = (0,),
    jobs: int = 1,
) -> None:
    """Measure a model in dialogues with held-out voices, and write report.json, report.md and report.html.

    The model talks with simulated users through the engine that serves it, and hears its own echo. A run that was stopped goes on.

    Args:
        out: The folder for the report, and for what is finished already.
        judging: By what the answers are judged.
        judge: Gives the answers a GPTScore.
        model: A model that comes with the package, or a model directory.
        baseline: What plays in the model's place: a VAD cascade around it, without or with an echo canceller, or one that always or never
            speaks.
        dialogues: How many for each condition and seed; 300 if not given, fewer in the suite of all (docs/evaluation.md).
        seeds: One column of the table each.
        jobs: Processes at work; the figures are the same for every number, except the times of a pass.
    """
    report(Plan(suite, model, dialogues, seeds, baseline, judging, judge.endpoint), out, jobs)


def evaluate_inputs(
    path: Positional[Path],
    out: Path,
    judging: Annotated[Judging, OmitArgPrefixes],
    judge: Annotated[Judge, OmitArgPrefixes],
    model: str = "tiny",
    baseline: Baseline | None = None,
    voice: str = "piper:joe",
    echo: float = 0.0,
    limit: int | None = None,
    human: Path | None = None,
    jobs: int = 1,
) -> None:
    """Measure a model on what you bring, and write report.json, report.md and report.html. A run that was stopped goes on.

    Args:
        path: A folder in the layout of Full-Duplex-Bench v1 or v1.5, a lhotse manifest, or a question file as of WebQuestions, TriviaQA,
            Llama Questions or AlpacaEval (docs/evaluation.md).
        out: The folder for the report, and for what is finished already.
        judging: By what the answers are judged.
        judge: Gives the answers a GPTScore.
        model: A model that comes with the package, or a model directory.
        baseline: What plays in the model's place.
        voice: Who speaks questions that are only text: ENGINE:NAME.
        echo: The model hears its own voice at this factor.
        limit: So many items at most.
        human: How people's backchannels spread over every clip of Full-Duplex-Bench: a JSON object of lists of numbers, one a folder.
        jobs: Processes at work; the figures are the same for every number.
    """
    if not 0.0 <= echo <= 3600.0 or (limit is not None and limit < 1):
        raise ValueError(f"--echo is {echo}, --limit is {limit}; give 0 to 3600, and 1 or more")
    source = Source(path, parse_voice(voice), echo, limit, human)
    report(Plan(Suite.INPUTS, model, None, (0,), baseline, judging, judge.endpoint, source), out, jobs)


def report(plan: Plan, out: Path, jobs: int) -> None:
    text, missing = evaluation(plan, out, jobs)
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


def train_tokenizer(folder: Positional[Path], recipe: RecipeName = "tiny") -> None:
    """Make the word pieces of the spoken world: a Hugging Face tokenizer directory.

    Args:
        folder: Where to write it.
        recipe: The sizes.
    """
    recipes.make_tokenizer(recipes.RECIPES[recipe](), folder)


def train_synthesizer(folder: Positional[Path], tokenizer: Path, recipe: RecipeName = "tiny", device: str = "cpu") -> None:
    """Pre-train the synthesizer on the assistant's voice: speech tokens, mel, waveform, and the LM from word pieces to speech tokens.

    Args:
        folder: Checkpoints, logs and results. A run that was stopped goes on.
        tokenizer: The tokenizer directory.
        recipe: The sizes.
        device: cpu, cuda, ...
    """
    recipes.run_synthesizer(recipes.RECIPES[recipe](), tokenizer, folder, device)


def train_encoder(folder: Positional[Path], tokenizer: Path, data: Path, recipe: RecipeName = "tiny", device: str = "cpu") -> None:
    """Pre-train the streaming speech encoder: what is said, when a question has ended, and what it is about.

    Args:
        folder: Checkpoints and logs. A run that was stopped goes on.
        tokenizer: The tokenizer directory.
        data: A folder with the built dialogues stage1/train, stage1/validation, stage2/train and stage2/validation.
        recipe: The sizes.
        device: cpu, cuda, ...
    """
    recipes.run_encoder(recipes.RECIPES[recipe](), tokenizer, data, folder, device)


def train_distill(
    folder: Positional[Path], data: Path, teacher: str | None = None, recipe: RecipeName = "tiny", device: str = "cpu"
) -> None:
    """Distil the streaming speech encoder from a Whisper encoder, on recordings of any kind.

    Args:
        folder: Checkpoints, logs and the finished encoder, for stage 1. A run that was stopped goes on.
        data: A folder with the recordings `train`, and perhaps `validation`, each a lhotse manifest cuts.jsonl.
        teacher: The Whisper model, a directory or a hub id; the recipe's if not given.
        recipe: The sizes.
        device: cpu, cuda, ...
    """
    chosen = recipes.RECIPES[recipe]()
    if teacher is not None:
        chosen = replace(chosen, distill=replace(chosen.distill, teacher=teacher))
    recipes.run_distill(chosen, data, folder, device)


def train_stage1(
    folder: Positional[Path], tokenizer: Path, encoder: Path, data: Path, recipe: RecipeName = "tiny", device: str = "cpu"
) -> None:
    """Stage 1, streaming understanding: connector and backbone learn when a question ends, and its answer.

    Args:
        folder: Checkpoints, logs and the finished model. A run that was stopped goes on.
        tokenizer: The tokenizer directory.
        encoder: The folder of the encoder's pre-training, or of its distillation.
        data: A folder with the built dialogues `train` and `validation`.
        recipe: The sizes.
        device: cpu, cuda, ...
    """
    recipes.run_stage1(recipes.RECIPES[recipe](), tokenizer, encoder, data, folder, device)


def train_stage2(
    folder: Positional[Path], stage1: Path, synthesizer: Path, data: Path, recipe: RecipeName = "tiny", device: str = "cpu"
) -> None:
    """Stage 2, end to end: speech output and the dynamics of a full-duplex dialogue.

    Args:
        folder: Checkpoints, logs and the finished model. A run that was stopped goes on.
        stage1: The folder of stage 1.
        synthesizer: The folder of the synthesizer's pre-training.
        data: A folder with the built dialogues `train` and `validation`.
        recipe: The sizes.
        device: cpu, cuda, ...
    """
    recipes.run_stage2(recipes.RECIPES[recipe](), stage1, synthesizer, data, folder, device)


def train_mine(folder: Positional[Path], model: Path, data: Path, recipe: RecipeName = "tiny", device: str = "cpu") -> None:
    """Play built dialogues to a model and keep its mistakes in yielding, as preference pairs for stage 3.

    Args:
        folder: Where to write the pairs. A search that was stopped goes on.
        model: The model directory that stage 2 left.
        data: The folder of built dialogues.
        recipe: The sizes.
        device: cpu, cuda, ...
    """
    print(json.dumps(recipes.run_mine(recipes.RECIPES[recipe](), model, data, folder, device)))


def train_stage3(
    folder: Positional[Path], model: Path, pairs: Path, synthesizer: Path, data: Path, recipe: RecipeName = "tiny", device: str = "cpu"
) -> None:
    """Stage 3, preference: when to yield and when to go on, by DPO on the model's own mistakes.

    Args:
        folder: Checkpoints, logs and the finished model. A run that was stopped goes on.
        model: The model directory that stage 2 left.
        pairs: A folder with the mined pairs `train`, and perhaps `validation`.
        synthesizer: The folder of the synthesizer's pre-training.
        data: A folder with the built dialogues `train` and `validation` of stage 2.
        recipe: The sizes.
        device: cpu, cuda, ...
    """
    recipes.run_stage3(recipes.RECIPES[recipe](), model, pairs, synthesizer, data, folder, device)


def export(folder: Positional[Path], model: Path) -> None:
    """Write a trained model in half precision, as it is shipped; LoRA becomes part of its LLM.

    Args:
        folder: The model directory to write.
        model: The model directory that training left.
    """
    save_model(merge(load_model(model)), folder, torch.float16)


def later(command: Callable[..., None]) -> Callable[..., Callable[[], None]]:
    """With the arguments of `command`, this gives it ready to be run."""
    return update_wrapper(partial(partial, command), command)


def about(command: Callable[..., None]) -> str:
    """Its docstring without the arguments."""
    told = getdoc(command.func if isinstance(command, partial) else command) or ""
    return told.partition("\n\nArgs:")[0]


def commands(functions: dict[str, Callable[..., None]]) -> Any:
    """The type whose parser offers these sub-commands."""
    offered = {name: subcommand(name, description=about(function), constructor=later(function)) for name, function in functions.items()}
    return Union[tuple(Annotated[None, one] for one in offered.values())]


ABOUT = "Full-duplex speech LLMs: one model that listens, thinks and speaks at the same time. --version prints the version."
DATA = commands(
    {
        "world": world,
        "read": read_scripts,
        "write": write_scripts_with,
        "build": build_dialogues,
        "check": check_manifest,
        "convert": convert_manifest,
        "show": show,
        "recordings": recordings,
    }
)
SUITES = {suite: partial(evaluate, suite) for suite in Suite if suite != Suite.INPUTS}
EVAL = commands({**SUITES, "inputs": evaluate_inputs, "compare": compare_evaluations})
BENCH = commands({"load": load, "session": long_session})
TRAIN = commands(
    {
        "tokenizer": train_tokenizer,
        "synthesizer": train_synthesizer,
        "encoder": train_encoder,
        "distill": train_distill,
        "stage1": train_stage1,
        "stage2": train_stage2,
        "mine": train_mine,
        "stage3": train_stage3,
        "export": export,
    }
)
COMMANDS = Union[
    commands({"converse": converse, "talk": talk, "serve": serve}),
    Annotated[EVAL, subcommand("eval", description="Measure a model, suite by suite, or compare two evaluations.")],
    Annotated[BENCH, subcommand("bench", description="Measure the running system: many sessions at a server, or one for an hour.")],
    Annotated[DATA, subcommand("data", description="The spoken world: its questions, its dialogues, and how they are built.")],
    Annotated[TRAIN, subcommand("train", description="Train a model from nothing, stage by stage; runs/tiny.sh is the whole story.")],
]


def parse(arguments: list[str]) -> Callable[[], None]:
    """The command, ready to be run. ValueError for what is none."""
    box = StringIO()
    try:
        with redirect_stderr(box):
            return tyro.cli(COMMANDS, prog="parley", description=ABOUT, args=arguments, config=(FlagCreatePairsOff, EnumChoicesFromValues))
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        raise ValueError(in_one_line(box.getvalue())) from None


def in_one_line(box: str) -> str:
    """What tyro says in a box: a heading, and parts between rules. Of a wrong value the part with the argument's help is left out."""
    _, *rows, _ = (row.strip("│| ") for row in Text.from_ansi(box).plain.strip().splitlines())
    parts = re.split("[─-]{8,}", " ".join(rows))
    said = [part.partition(" Got errors:")[0].strip(" .") for part in parts if "Argument helptext:" not in part]
    return "; ".join(said).replace("__tyro-dummy-inner__.", "")


def run(arguments: list[str]) -> None:
    if arguments == ["--version"]:
        print(f"parley {version('parley')}")
        return
    parse(arguments)()


def main(arguments: list[str] | None = None) -> int:
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # a terminated run cleans up as after Ctrl-C
    try:
        run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        print("parley: stopped; outputs that were not complete are not there", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"parley: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

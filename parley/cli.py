"""The command line. Every error of the user becomes one line on stderr and exit code 2, here and nowhere else."""

import json
import signal
import sys
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any, Literal, Union

import torch
import tyro
from rich.console import Console
from tyro.conf import EnumChoicesFromValues, FlagCreatePairsOff, OmitArgPrefixes, Positional, subcommand

from parley import recipes
from parley.clock import Clock
from parley.data.build import BuildConfig, build
from parley.data.manifest import read
from parley.data.recordings import write_recordings
from parley.data.scripts import questions
from parley.eval.baselines import Baseline
from parley.eval.report.compare import compare
from parley.eval.report.document import run as evaluation
from parley.eval.suites import Plan, Suite
from parley.llm.layout import LayoutConfig, lay_out, render
from parley.llm.tokens import Tokens
from parley.models.checkpoint import find_model, load_model, save_model
from parley.runtime.converse import Listening, Outputs, converse_all
from parley.runtime.engine import Engine
from parley.runtime.load import measure_load, measure_long_session, read_recordings
from parley.runtime.serve.host import Host
from parley.runtime.serve.limits import Door, Limits, read_keys
from parley.runtime.serve.metrics import Metrics
from parley.runtime.serve.server import RECORDINGS, WEB, Address, Service
from parley.runtime.serve.server import run as serve_until_stopped
from parley.runtime.talk import talk_aloud

RecipeName = Literal["tiny"]


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


def build_dialogues(out: Positional[Path], config: Annotated[BuildConfig, OmitArgPrefixes], jobs: int = 1) -> None:
    """Build spoken dialogues as lhotse cuts. A build that was stopped goes on where it was.

    Args:
        out: The folder to fill.
        config: What is built.
        jobs: Processes at work; the result is the same for every number.
    """
    print(build(out, config, jobs))


def recordings(out: Positional[Path]) -> None:
    """Speak the recordings that come with the package again.

    Args:
        out: The folder to fill.
    """
    write_recordings(out)


def evaluate(
    suite: tyro.conf.Fixed[Suite],
    out: Path,
    model: str = "tiny",
    baseline: Baseline | None = None,
    dialogues: int = 300,
    seeds: tuple[int, ...] = (0,),
    jobs: int = 1,
) -> None:
    """Measure a model in dialogues with held-out voices, and write report.json, report.md and report.html.

    The model talks with simulated users through the engine that serves it, and hears its own echo. A run that was stopped goes on.

    Args:
        out: The folder for the report, and for what is finished already.
        model: A model that comes with the package, or a model directory.
        baseline: What plays in the model's place: a VAD cascade around it, without or with an echo canceller, or one that always or never
            speaks.
        dialogues: How many for each condition and seed.
        seeds: One column of the table each.
        jobs: Processes at work; the figures are the same for every number, except the times of a pass.
    """
    text, failed = evaluation(Plan(suite, model, dialogues, seeds, baseline), out, jobs)
    print(text)
    if failed:
        raise ValueError(f"{failed} dialogues could not be measured and are left out; {out / 'report.md'} says why")


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


def train_stage1(
    folder: Positional[Path], tokenizer: Path, encoder: Path, data: Path, recipe: RecipeName = "tiny", device: str = "cpu"
) -> None:
    """Stage 1, streaming understanding: connector and backbone learn when a question ends, and its answer.

    Args:
        folder: Checkpoints, logs and the finished model. A run that was stopped goes on.
        tokenizer: The tokenizer directory.
        encoder: The folder of the encoder's pre-training.
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


def export(folder: Positional[Path], model: Path) -> None:
    """Write a trained model in half precision, as it is shipped.

    Args:
        folder: The model directory to write.
        model: The model directory that training left.
    """
    save_model(load_model(model), folder, torch.float16)


def commands(functions: dict[str, Any]) -> Any:
    """The type whose parser offers these sub-commands."""
    return Union[tuple(Annotated[None, subcommand(name, constructor=function)] for name, function in functions.items())]


DATA = commands({"world": world, "show": show, "build": build_dialogues, "recordings": recordings})
BENCH = commands({"load": load, "session": long_session})
EVAL = commands({**{suite: partial(evaluate, suite) for suite in Suite}, "compare": compare_evaluations})
TRAIN = commands(
    {
        "tokenizer": train_tokenizer,
        "synthesizer": train_synthesizer,
        "encoder": train_encoder,
        "stage1": train_stage1,
        "stage2": train_stage2,
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


def run(arguments: list[str]) -> None:
    if arguments == ["--version"]:
        print(f"parley {version('parley')}")
        return
    about = "Full-duplex speech LLMs: one model that listens, thinks and speaks at the same time. --version prints the version."
    tyro.cli(COMMANDS, prog="parley", description=about, args=arguments, config=(FlagCreatePairsOff, EnumChoicesFromValues))


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

"""The commands for data: the spoken world, scripts, dialogues, manifests."""

import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Annotated

from rich.console import Console
from tyro.conf import OmitArgPrefixes, Positional

from parley.data.build import BuildConfig, build
from parley.data.corpora.entries import Failed
from parley.data.corpora.read import Corpus, read_corpus, write_scripts
from parley.data.manifest import read
from parley.data.recordings import write_recordings
from parley.data.remote.writer import Task, write_with, writing_endpoint
from parley.data.shards.check import check
from parley.data.shards.convert import Form, convert
from parley.data.world.world import FIRST, questions
from parley.llm.layout import lay_out, render
from parley.llm.tokens import Tokens
from parley.models.checkpoint import find_model, load_config


def world(world: str = FIRST) -> None:
    """Print the questions of a spoken world, one JSON object a line: domain, question, answer, keywords, split.

    Args:
        world: first, which the shipped model was trained on, or full.
    """
    for question in questions(world):
        print(json.dumps(question, ensure_ascii=False))


def show(dialogues: Positional[Path], name: Positional[str | None] = None, model: str = "tiny") -> None:
    """Print a dialogue block by block in colour: who is heard, and what the text slot reads and must predict.

    Args:
        dialogues: The directory of built dialogues.
        name: Which one; the first if not given.
        model: Whose tokens and layout to use: a model that comes with the package, or a model directory.
    """
    folder = find_model(model)
    config, tokens = load_config(folder), Tokens.load(folder / "llm")
    for dialogue in read(dialogues):
        if name in (None, dialogue.id):
            layout = lay_out(dialogue, config.clock, tokens, config.layout)
            Console(highlight=False).print(render(dialogue, layout, config.clock, tokens))
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
    if jobs < 1:
        raise ValueError(f"--jobs is {jobs}; give 1 or more")
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
    if (limit is not None and limit < 1) or rounds < 1:
        raise ValueError(f"--limit is {limit}, --rounds is {rounds}; give 1 or more")
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
    if (limit is not None and limit < 1) or parallel < 1:
        raise ValueError(f"--limit is {limit}, --parallel is {parallel}; give 1 or more")
    if temperature is not None and not 0.0 <= temperature < math.inf:
        raise ValueError(f"--temperature is {temperature}; give 0 or more")
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


COMMANDS = {
    "world": world,
    "read": read_scripts,
    "write": write_scripts_with,
    "build": build_dialogues,
    "check": check_manifest,
    "convert": convert_manifest,
    "show": show,
    "recordings": recordings,
}

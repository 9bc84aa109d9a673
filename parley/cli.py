"""The command line. Every error of the user becomes one line on stderr and exit code 2, here and nowhere else."""

import re
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from difflib import get_close_matches
from functools import partial, update_wrapper
from importlib.metadata import version
from inspect import getdoc
from io import StringIO
from typing import Annotated, Any, Union

import tyro
from rich.text import Text
from safetensors import SafetensorError
from tyro.conf import EnumChoicesFromValues, FlagCreatePairsOff, subcommand

from parley.commands.data import (
    build_dialogues,
    check_manifest,
    convert_manifest,
    read_scripts,
    recordings,
    show,
    world,
    write_scripts_with,
)
from parley.commands.measuring import compare_evaluations, evaluate, evaluate_inputs
from parley.commands.talking import converse, load, long_session, serve, talk
from parley.commands.training import (
    export,
    train_distill,
    train_encoder,
    train_mine,
    train_relearn,
    train_stage1,
    train_stage2,
    train_stage3,
    train_synthesizer,
    train_tokenizer,
)
from parley.data.filling import FULL
from parley.eval.suites import Suite


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
TALKING = {"converse": converse, "talk": talk, "serve": serve}
SUITES = {suite: partial(evaluate, suite) for suite in Suite if suite != Suite.INPUTS}
EVAL = {**SUITES, "inputs": evaluate_inputs, "compare": compare_evaluations}
BENCH = {"load": load, "session": long_session}
DATA = {
    "world": world,
    "read": read_scripts,
    "write": write_scripts_with,
    "build": build_dialogues,
    "check": check_manifest,
    "convert": convert_manifest,
    "show": show,
    "recordings": recordings,
}
TRAIN = {
    "tokenizer": train_tokenizer,
    "synthesizer": train_synthesizer,
    "relearn": train_relearn,
    "encoder": train_encoder,
    "distill": train_distill,
    "stage1": train_stage1,
    "stage2": train_stage2,
    "mine": train_mine,
    "stage3": train_stage3,
    "export": export,
}
GROUPS = {"eval": EVAL, "bench": BENCH, "data": DATA, "train": TRAIN}
TOLD = {
    "eval": "Measure a model, suite by suite, or compare two evaluations.",
    "bench": "Measure the running system: many sessions at a server, or one for an hour.",
    "data": "The spoken world: its questions, its dialogues, and how they are built.",
    "train": "Train a model from nothing, stage by stage; runs/tiny.sh is the whole story.",
}
BELOW = {name: Annotated[commands(functions), subcommand(name, description=TOLD[name])] for name, functions in GROUPS.items()}
COMMANDS: Any = Union[(commands(TALKING), *BELOW.values())]


def parse(arguments: list[str]) -> Callable[[], None]:
    """The command, ready to be run. ValueError for what is none."""
    check_names(arguments)
    box = StringIO()
    try:
        with redirect_stderr(box):
            return tyro.cli(COMMANDS, prog="parley", description=ABOUT, args=arguments, config=(FlagCreatePairsOff, EnumChoicesFromValues))
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        said = re.sub("(For full helptext, )?(see|run:?) parley.*--help", f"see {helper(arguments)} --help", in_one_line(box.getvalue()))
        raise ValueError(re.sub(r"^Error parsing (?!-)\w+: ", "", said)) from None  # the name of a group of arguments, which no user knows


def check_names(arguments: list[str]) -> None:
    """ValueError where a command is misspelt, which tyro takes for a value in the wrong place."""
    first, second = (*arguments, "-", "-")[:2]
    for where, name, known in (("parley", first, [*TALKING, *GROUPS]), (f"parley {first}", second, [*GROUPS.get(first, [])])):
        if known and not name.startswith("-") and name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"choose {', '.join(known)}"
            raise ValueError(f"{where} has no command {name!r}; {hint}; see {where} --help")


def helper(arguments: list[str]) -> str:
    """Whose --help tells more: that of the command among the arguments, as far as there is one."""
    first, second = (*arguments, "", "")[:2]
    if second in GROUPS.get(first, ()):
        return f"parley {first} {second}"
    return f"parley {first}" if first in GROUPS or first in TALKING else "parley"


def in_one_line(box: str) -> str:
    """What tyro says in a box: a heading, and parts between rules. Of a wrong value the part with the argument's help is left out."""
    rows = (row.strip("╭╮╰╯│| ") for row in Text.from_ansi(box).plain.splitlines())
    _, *parts = re.split("[─-]{8,}", " ".join(row for row in rows if row))
    said = (part.partition(" Got errors:")[0].strip(" .") for part in parts if "Argument helptext:" not in part)
    return "; ".join(part for part in said if part).replace("__tyro-dummy-inner__.", "")


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
    except (ValueError, OSError, SafetensorError) as error:
        full = isinstance(error, OSError) and error.errno in FULL or isinstance(error, SafetensorError)  # that of a write
        said = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename and error.strerror else str(error)
        print(f"parley: {' '.join(said.split())}{'; make room and run the same command again' if full else ''}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

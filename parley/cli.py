"""The command line. Every error of the user becomes one line on stderr and exit code 2, here and nowhere else.

Only the commands of the kind that is asked for are loaded: they bring PyTorch and more along, which takes seconds.
"""

import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr
from dataclasses import dataclass
from difflib import get_close_matches
from functools import partial, update_wrapper
from importlib import import_module
from importlib.metadata import version
from inspect import getdoc
from io import StringIO
from typing import Annotated, Any, Union

import tyro
from rich.text import Text
from safetensors import SafetensorError
from tyro.conf import EnumChoicesFromValues, FlagCreatePairsOff, subcommand

from parley.data.filling import FULL


def later(command: Callable[..., None]) -> Callable[..., Callable[[], None]]:
    """With the arguments of `command`, this gives it ready to be run."""
    return update_wrapper(partial(partial, command), command)


def about(command: Callable[..., None]) -> str:
    """Its docstring without the arguments."""
    told = getdoc(command.func if isinstance(command, partial) else command) or ""
    return told.partition("\n\nArgs:")[0]


def nothing() -> None:
    """Stands for a command that is not asked for."""


def commands(functions: dict[str, Callable[..., None]]) -> Any:
    """The type whose parser offers these sub-commands."""
    offered = (subcommand(name, description=about(function), constructor=later(function)) for name, function in functions.items())
    return Union[tuple(Annotated[None, one] for one in offered)]


def loaded(module: str) -> dict[str, Callable[..., None]]:
    """The commands in a module of parley/commands."""
    return import_module(f"parley.commands.{module}").COMMANDS


@dataclass(frozen=True)
class Group:
    module: str
    about: str


ABOUT = "Full-duplex speech LLMs: one model that listens, thinks and speaks at the same time. --version prints the version."
TYRO = (FlagCreatePairsOff, EnumChoicesFromValues)
TALKING = {  # each with the first line of its help
    "converse": "Stream a recording through a model, block by block, as if it were spoken to it now.",
    "talk": "Talk with a model through the microphone and the loudspeaker. Stop with Ctrl-C.",
    "serve": "Serve a model: a page to talk with it, and the OpenAI Live and Realtime protocols. SIGTERM or Ctrl-C lets the dialogues end.",
}
GROUPS = {
    "eval": Group("measuring", "Measure a model, suite by suite, or compare two evaluations."),
    "bench": Group("benchmarks", "Measure the running system: many sessions at a server, or one for an hour."),
    "data": Group("data", "The spoken world: its questions, its dialogues, and how they are built."),
    "train": Group("training", "Train a model from nothing, stage by stage; runs/tiny.sh is the whole story."),
}


def offered(first: str) -> Any:
    """The type whose parser knows all about the commands that begin with `first`, and of the others their names."""
    told = TALKING | {name: group.about for name, group in GROUPS.items()}
    known = {name: Annotated[None, subcommand(name, description=about, constructor=nothing)] for name, about in told.items()}
    if first in GROUPS:
        known[first] = Annotated[commands(loaded(GROUPS[first].module)), subcommand(first, description=GROUPS[first].about)]
    if first in TALKING:
        function = loaded("talking")[first]
        known[first] = Annotated[None, subcommand(first, description=about(function), constructor=later(function))]
    return Union[tuple(known.values())]


def below(first: str) -> list[str]:
    """The commands of a group; none of what is no group."""
    return [*loaded(GROUPS[first].module)] if first in GROUPS else []


def parse(arguments: list[str]) -> Callable[[], None]:
    """The command, ready to be run. ValueError for what is none."""
    check_names(arguments)
    first, box = (*arguments, "")[0], StringIO()
    try:
        with redirect_stderr(box):
            return tyro.cli(offered(first), prog="parley", description=ABOUT, args=arguments, config=TYRO)
    except SystemExit as stop:
        if not stop.code:  # --help
            raise
        said = re.sub("(For full helptext, )?(see|run:?) parley.*--help", f"see {helper(arguments)} --help", in_one_line(box.getvalue()))
        raise ValueError(re.sub(r"^Error parsing (?!-)[\w.]+: ", "", said)) from None  # the name of a group of arguments


def check_names(arguments: list[str]) -> None:
    """ValueError where a command is misspelt, which tyro takes for a value in the wrong place."""
    first, second = (*arguments, "-", "-")[:2]
    for where, name, known in (("parley", first, [*TALKING, *GROUPS]), (f"parley {first}", second, below(first))):
        if known and not name.startswith("-") and name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"choose {', '.join(known)}"
            raise ValueError(f"{where} has no command {name!r}; {hint}; see {where} --help")


def helper(arguments: list[str]) -> str:
    """Whose --help tells more: that of the command among the arguments, as far as there is one."""
    first, second = (*arguments, "", "")[:2]
    if second in below(first):
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
    except BrokenPipeError:  # whoever reads the output, as `head` does, has had enough of it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the rest is written at the end
        return 1
    except RuntimeError as error:
        if type(error).__name__ != "OutOfMemoryError":  # torch's, which need not be imported for it
            raise
        print(f"parley: {str(error).splitlines()[0]} Take fewer seconds a batch, or fewer rows or pairs", file=sys.stderr)
        return 2
    except (ValueError, OSError, SafetensorError) as error:
        full = isinstance(error, OSError) and error.errno in FULL or isinstance(error, SafetensorError)  # that of a write
        said = f"{error.filename}: {error.strerror}" if isinstance(error, OSError) and error.filename and error.strerror else str(error)
        said += "; a file is where a folder should be, name another" if isinstance(error, FileExistsError | NotADirectoryError) else ""
        print(f"parley: {' '.join(said.split())}{'; make room and run the same command again' if full else ''}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The only training loop: step, clip, log, save, resume.

A run is a pure function of its configuration: batch `i` and the random draws of step `i` depend on (seed, i) alone, so a killed run
that is started again goes on from its last checkpoint and reaches the same numbers as one that was never stopped.
"""

import json
import logging
import math
import shutil
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from parley.data.filling import difference, leave, noted, unfinished
from parley.models.checkpoint import read_weights, stored
from parley.train.step.distributed import World, all_fine, average_gradients, join
from parley.train.step.optimizer import Optimizers, optimizers

logger = logging.getLogger(__name__)

Losses = Callable[[Any], dict[str, Tensor]]
HARMLESS = ("log_every", "validate_every", "validate_before", "save_every", "keep", "ahead")  # of a configuration: what changes no number


@dataclass(frozen=True)
class LoopConfig:
    """A linear warm-up, and a cosine fall to `floor` times the peak rate."""

    steps: int
    rate: float
    warmup: int = 100
    floor: float = 0.05
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.05
    muon: bool = False  # the matrices inside of the networks are moved by Muon; AdamW moves all else
    clip: float = 1.0
    bfloat16: bool = False  # matrix products in it (autocast), and Muon's; weights, gradients, sums and moments stay in float32
    ahead: int = 0  # threads that make the batches to come; 0: each is made when it is needed
    batches: int = 1  # a step, of all processes together: short and long dialogues, which fill batches of their own, meet in one step
    log_every: int = 20
    validate_every: int = 250
    validate_before: bool = False  # the first step too
    save_every: int = 250
    keep: int = 1  # checkpoints, the newest
    seed: int = 0

    def __post_init__(self) -> None:
        for name, value in (("log", self.log_every), ("validate", self.validate_every), ("save", self.save_every)):
            if value < 1:
                raise ValueError(f"{name}_every is {value}; give 1 or more, and for never more than there are steps")


def rate_at(step: int, config: LoopConfig) -> float:
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.rate * (config.floor + (1 - config.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def precision(config: LoopConfig, device: torch.device) -> torch.autocast:
    """In which a run computes its losses: a context, or a decorator."""
    return torch.autocast(device.type, torch.bfloat16, enabled=config.bfloat16)


def save(run: Path, step: int, model: nn.Module, optimizer: Optimizers, keep: int, world: World) -> None:
    """Writes `run/step-N` whole, then points `run/latest.json` at it; a kill at any moment leaves a usable checkpoint. `keep` stay. Each
    process has to call it, and the one that leads writes. What is `frozen` is left out."""
    moments = optimizer.moments()
    if not world.leads:
        return
    folder = run / f"step-{step:07d}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        still = frozen(model)
        learned = {name: value for name, value in model.state_dict().items() if name not in still}
        save_file({name: stored(value, value.dtype) for name, value in learned.items()}, folder / "model.safetensors")
        save_file({name: stored(value, value.dtype) for name, value in moments.items()}, folder / "optimizer.safetensors")
    except SafetensorError as error:
        raise ValueError(f"{folder}: cannot be written ({error}); make room, the same command goes on where it was saved last") from error
    leave(run / "latest.json", {"step": step, "folder": folder.name})
    every = sorted(run.glob("step-*"))
    kept = [each for each in every if each <= folder][-keep:]
    for old in every:
        if old not in kept:
            shutil.rmtree(old)


def frozen(model: nn.Module) -> set[str]:
    """The names of what does not train: a run that goes on finds it again where it began."""
    return {name for name, parameter in model.named_parameters(remove_duplicate=False) if not parameter.requires_grad}


def latest(run: Path) -> tuple[Path, int]:
    """Where the latest checkpoint of a run folder lies, and the number of steps done."""
    if not (run / "latest.json").exists():
        raise ValueError(f"{run} holds no checkpoint; run the stage before this one first")
    pointer = json.loads((run / "latest.json").read_text())
    return run / pointer["folder"], pointer["step"]


def load_latest(run: Path, model: nn.Module) -> tuple[Path, int]:
    """Restores the weights of the latest checkpoint of a run folder; returns what `latest` does."""
    folder, step = latest(run)
    fit(read_weights(folder / "model.safetensors"), model, folder, frozen(model))
    return folder, step


def fit(weights: dict[str, Tensor], model: nn.Module, source: Path, elsewhere: Collection[str] = ()) -> None:
    """Loads all of `weights`; those `elsewhere` may be missing. ValueError names the first tensor in which they differ from `model`."""
    wanted = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    found = {name: tuple(value.shape) for name, value in weights.items()}
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name) and (name in found or name not in elsewhere):
            there, here = (f"has the shape {shapes[name]}" if name in shapes else "is missing" for shapes in (found, wanted))
            raise ValueError(f"{source} is of another configuration: the tensor {name} {there} there and {here} here; use its recipe")
    model.load_state_dict(weights, strict=False)


def claim(run: Path, configuration: dict[str, Any]) -> None:
    """A folder holds one run: notes its configuration in `run.json`. ValueError names where a run that goes on would differ. What stopped
    before it had done anything, at a dialogue that cannot be trained on say, may be begun again with whatever has been changed since."""
    note = run / "run.json"
    if note.exists() and {file.name for file in run.iterdir()} - {note.name, unfinished(note).name}:
        same_configuration(run, noted(note), configuration)
    elif join().leads:
        leave(note, configuration)


def same_configuration(place: Path, found: dict[str, Any], configuration: dict[str, Any]) -> None:
    """ValueError names the first value of `configuration` that is another one in what was `found` in `place`, or is only in one of them."""
    if differs := difference(found, configuration, HARMLESS):
        raise ValueError(f"{place} is of another configuration: {differs}; set it back, or take another folder")


def resume(run: Path, model: nn.Module, optimizer: Optimizers) -> int:
    """Restores the latest checkpoint of a run folder; returns the number of steps done (0 for a fresh run)."""
    if not (run / "latest.json").exists():
        return 0
    folder, step = load_latest(run, model)
    optimizer.restore(read_weights(folder / "optimizer.safetensors"))
    logger.info("%s: going on at step %d", run, step)
    return step


def refuse(what: str, batches: list[Any], bad: Path, world: World) -> NoReturn:
    """Saves what a run stumbled over, and stops it, and then the other processes, which ask `all_fine`."""
    torch.save(batches, bad)
    all_fine(False, world)
    look = f"torch.load({str(bad)!r}, weights_only=False)"
    raise ValueError(f"{what}; look at its batches, {look}. The same command would meet them again: take another folder and a lower rate")


def accumulate(losses: Losses, batches: list[Any], bad: Path, world: World) -> dict[str, float]:
    """Adds the gradient of the mean loss of `batches`; returns the means of all terms. A batch whose loss is not finite is saved as `bad`,
    and stops all processes."""
    sums: dict[str, list[float]] = {}
    for batch in batches:
        terms = losses(batch)
        if not math.isfinite(terms["loss"].item()):
            refuse(f"{bad.parent}: {', '.join(f'{name} is {value.item():.4g}' for name, value in terms.items())}", [batch], bad, world)
        (terms["loss"] / len(batches)).backward()
        for name, value in terms.items():
            sums.setdefault(name, []).append(value.item())
    if not all_fine(True, world):
        raise ValueError(f"{bad.parent}: stopped: the loss of another process is not finite; that one says which, and saved its batch")
    return {name: sum(values) / len(values) for name, values in sums.items()}


def mean_losses(losses: Losses, batches: list[Any]) -> dict[str, float]:
    """Of each term over the batches that have it: `meaning` needs an answer in the batch, `speech` a whole one."""
    values: dict[str, list[float]] = {}
    with torch.no_grad():
        for batch in batches:
            for name, value in losses(batch).items():
                values.setdefault(name, []).append(float(value))
    return {name: sum(found) / len(found) for name, found in values.items()}


def made_ahead(batch_at: Callable[[int], Any], numbers: Iterable[int], ahead: int) -> Iterator[Any]:
    """`batch_at(number)` of each, made by `ahead` threads while the ones before are in use. What one of them raises comes in its turn."""
    if not ahead:
        yield from map(batch_at, numbers)
        return
    waiting: deque[Future[Any]] = deque()
    with ThreadPoolExecutor(ahead) as threads:
        try:
            for number in numbers:
                waiting.append(threads.submit(batch_at, number))
                if len(waiting) > ahead:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            threads.shutdown(cancel_futures=True)


class Journal:
    """What a run reports: to TensorBoard, and one JSON object a line to `log.jsonl`."""

    def __init__(self, place: Path, done: int) -> None:
        """`done`: steps of the checkpoint that a run goes on from; what was logged after it is done again."""
        file = place / "log.jsonl"
        lines = file.read_text().splitlines(keepends=True) if done and file.exists() else []
        kept = [line for line in lines if line.endswith("\n") and json.loads(line)["step"] <= done]
        self.started = time.perf_counter() - (json.loads(kept[-1])["seconds"] if kept else 0.0)
        file.parent.mkdir(parents=True, exist_ok=True)
        unfinished(file).write_text("".join(kept))
        unfinished(file).replace(file)  # on a full disk the old one stays
        self.board, self.log = SummaryWriter(place, purge_step=done + 1 if done else None), open(file, "a")

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *error: object) -> None:
        self.board.close()
        self.log.close()

    def write(self, step: int, entry: dict[str, float], of_step: dict[str, float]) -> None:
        """`of_step` goes to TensorBoard alone."""
        for name, value in {**entry, **of_step}.items():
            self.board.add_scalar(name, value, step)
        seconds = round(time.perf_counter() - self.started, 1)
        self.log.write(json.dumps({"step": step, "seconds": seconds, **entry}) + "\n")
        self.log.flush()


def train(
    model: nn.Module,
    losses: Losses,
    batch_at: Callable[[int], Any],
    config: LoopConfig,
    run: Path,
    validation: list[Any] | None = None,
    measure: Callable[[], dict[str, float]] | None = None,
) -> bool:
    """Trains `model` in place for `config.steps` steps. `losses(batch)["loss"]` is minimised; `batch_at(number)` must be pure.

    Under torchrun the processes share the batches of a step. `measure` adds to what validation logs. Returns whether this process leads.
    """
    torch.set_flush_denormal(True)  # where gradients are rare, Adam's moments decay to numbers that a CPU is slow with
    world = join()
    if config.batches % world.size:
        raise ValueError(f"{run}: {world.size} processes cannot share {config.batches} batches a step evenly; start as many as divide them")
    run.mkdir(parents=True, exist_ok=True)
    muon = None if not config.muon else torch.bfloat16 if config.bfloat16 else torch.float32
    optimizer = optimizers(model, config.rate, config.betas, config.weight_decay, muon, world)
    first = resume(run, model, optimizer)
    parameters = optimizer.parameters
    losses = precision(config, parameters[0].device)(losses)
    columns = (TextColumn(run.name), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"))
    place = run if world.leads else run / f"rank{world.rank}"

    def validate() -> dict[str, float]:
        model.eval()
        found = mean_losses(losses, validation) if validation else {}
        found |= measure() if measure and world.leads else {}
        return {f"validation/{name}": value for name, value in found.items()}

    with Journal(place, first) as journal, Progress(*columns, disable=not world.leads) as progress:
        bar = progress.add_task("train", total=config.steps, completed=first, note="")
        if first == 0 and config.validate_before:
            journal.write(0, validate(), {})
        ready = made_ahead(batch_at, range(first * config.batches + world.rank, config.steps * config.batches, world.size), config.ahead)
        for step in range(first, config.steps):
            torch.manual_seed((config.seed * 1_000_003 + step) * world.size + world.rank)
            model.train()
            batches = list(islice(ready, config.batches // world.size))
            bad = place / f"bad-{step:07d}.pt"
            model.zero_grad(set_to_none=True)
            terms = accumulate(losses, batches, bad, world)
            average_gradients(parameters, world)
            norm = float(nn.utils.clip_grad_norm_(parameters, config.clip))
            if not math.isfinite(norm):
                refuse(f"{run}: the gradient is {norm}", batches, bad, world)
            optimizer.step(rate_at(step, config))
            done = step + 1
            entry = {f"train/{name}": value for name, value in terms.items()} if done % config.log_every == 0 else {}
            if (validation or measure) and (done % config.validate_every == 0 or done == config.steps):
                entry |= validate()
            if entry:
                journal.write(done, entry, {"gradient_norm": norm, "rate": rate_at(step, config)})
            progress.update(bar, completed=done, note=f"loss {terms['loss']:.3f}")
            if done % config.save_every == 0 or done == config.steps:
                save(run, done, model, optimizer, config.keep, world)
    model.eval()
    return world.leads

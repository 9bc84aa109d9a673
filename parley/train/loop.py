"""The only training loop: step, clip, log, save, resume.

A run is a pure function of its configuration: batch `i` and the random draws of step `i` depend on (seed, i) alone, so a killed run
that is started again goes on from its last checkpoint and reaches the same numbers as one that was never stopped.
"""

import json
import logging
import math
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from parley.train.distributed import average_gradients, join

logger = logging.getLogger(__name__)

Losses = Callable[[Any], dict[str, Tensor]]


@dataclass(frozen=True)
class LoopConfig:
    """AdamW with a linear warm-up and a cosine fall to `floor` times the peak rate."""

    steps: int
    rate: float
    warmup: int = 100
    floor: float = 0.05
    betas: tuple[float, float] = (0.9, 0.95)
    weight_decay: float = 0.05
    clip: float = 1.0
    accumulate: int = 1  # batches a step: short and long dialogues, which fill batches of their own, meet in one step
    log_every: int = 20
    validate_every: int = 250
    save_every: int = 250
    seed: int = 0


def rate_at(step: int, config: LoopConfig) -> float:
    if step < config.warmup:
        return config.rate * (step + 1) / config.warmup
    done = (step - config.warmup) / max(1, config.steps - config.warmup)
    return config.rate * (config.floor + (1 - config.floor) * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def optimizer_of(model: nn.Module, config: LoopConfig) -> torch.optim.AdamW:
    """Weight decay on matrices only; not on vectors, nor on Mamba's `A_log` and `D`."""
    trained = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    kept = [parameter for name, parameter in trained if parameter.ndim < 2 or name.endswith("A_log")]
    decayed = [parameter for name, parameter in trained if not (parameter.ndim < 2 or name.endswith("A_log"))]
    groups = [{"params": decayed, "weight_decay": config.weight_decay}, {"params": kept, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.rate, betas=config.betas)


def save(run: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Writes `run/step-N` whole, then points `run/latest.json` at it; a kill at any moment leaves a usable checkpoint."""
    folder = run / f"step-{step:07d}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    state = optimizer.state_dict()
    moments = {f"{i}.{key}": value.contiguous() for i, entry in state["state"].items() for key, value in entry.items()}
    save_file({name: value.contiguous().clone() for name, value in model.state_dict().items()}, folder / "model.safetensors")
    save_file(moments, folder / "optimizer.safetensors")
    pointer = run / "latest.json.tmp"
    pointer.write_text(json.dumps({"step": step, "folder": folder.name}))
    os.replace(pointer, run / "latest.json")
    for old in run.glob("step-*"):
        if old != folder:
            shutil.rmtree(old)


def load_latest(run: Path, model: nn.Module) -> tuple[Path, int]:
    """Restores the weights of the latest checkpoint of a run folder; returns where it lies, and the number of steps done."""
    if not (run / "latest.json").exists():
        raise ValueError(f"{run} holds no checkpoint; run the stage before this one first")
    latest = json.loads((run / "latest.json").read_text())
    folder = run / latest["folder"]
    model.load_state_dict(load_file(folder / "model.safetensors"))
    return folder, latest["step"]


def resume(run: Path, model: nn.Module, optimizer: torch.optim.Optimizer) -> int:
    """Restores the latest checkpoint of a run folder; returns the number of steps done (0 for a fresh run)."""
    if not (run / "latest.json").exists():
        return 0
    folder, step = load_latest(run, model)
    moments: dict[int, dict[str, Tensor]] = {}
    for name, value in load_file(folder / "optimizer.safetensors").items():
        index, key = name.split(".")
        moments.setdefault(int(index), {})[key] = value
    optimizer.load_state_dict({"state": moments, "param_groups": optimizer.state_dict()["param_groups"]})
    return step


def accumulate(losses: Losses, batches: list[Any], optimizer: torch.optim.Optimizer) -> dict[str, float]:
    """The gradient of the mean loss of `batches`; returns the means of all terms."""
    optimizer.zero_grad(set_to_none=True)
    sums: dict[str, list[float]] = {}
    for batch in batches:
        terms = losses(batch)
        (terms["loss"] / len(batches)).backward()
        for name, value in terms.items():
            sums.setdefault(name, []).append(value.item())
    return {name: sum(values) / len(values) for name, values in sums.items()}


def mean_losses(losses: Losses, batches: list[Any]) -> dict[str, float]:
    with torch.no_grad():
        every = [losses(batch) for batch in batches]
    return {name: sum(float(one[name]) for one in every) / len(every) for name in every[0]}


def train(
    model: nn.Module,
    losses: Losses,
    batch_at: Callable[[int], Any],
    config: LoopConfig,
    run: Path,
    validation: list[Any] | None = None,
) -> bool:
    """Trains `model` in place for `config.steps` steps. `losses(batch)["loss"]` is minimised; `batch_at(number)` must be pure.

    Under torchrun every process takes its own batches of a step. Logs to TensorBoard and `run/log.jsonl`. Returns whether this process
    is the one that writes results. RuntimeError where the loss is not finite.
    """
    torch.set_flush_denormal(True)  # where gradients are rare, Adam's moments decay to numbers that a CPU is slow with
    world = join()
    run.mkdir(parents=True, exist_ok=True)
    optimizer = optimizer_of(model, config)
    first = resume(run, model, optimizer)
    if first:
        logger.info("%s: going on at step %d", run, first)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    columns = (TextColumn(run.name), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), TextColumn("{task.fields[note]}"))
    started = time.perf_counter()
    quiet = not world.leads
    place = run if world.leads else run / f"rank{world.rank}"
    with SummaryWriter(place) as board, Progress(*columns, disable=quiet) as progress, open(place / "log.jsonl", "a") as log:
        bar = progress.add_task("train", total=config.steps, completed=first, note="")
        for step in range(first, config.steps):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step, config)
            torch.manual_seed((config.seed * 1_000_003 + step) * world.size + world.rank)
            model.train()
            first_batch = (step * world.size + world.rank) * config.accumulate
            terms = accumulate(losses, [batch_at(first_batch + i) for i in range(config.accumulate)], optimizer)
            if not math.isfinite(terms["loss"]):
                raise RuntimeError(f"{run}: the loss is {terms['loss']} at step {step}; lower the rate, or look at that batch")
            average_gradients(parameters, world)
            norm = nn.utils.clip_grad_norm_(parameters, config.clip)
            optimizer.step()

            done = step + 1
            entry = {f"train/{name}": value for name, value in terms.items()} if done % config.log_every == 0 else {}
            if validation and (done % config.validate_every == 0 or done == config.steps):
                model.eval()
                entry |= {f"validation/{name}": value for name, value in mean_losses(losses, validation).items()}
            if entry:
                for name, value in entry.items():
                    board.add_scalar(name, value, done)
                board.add_scalar("gradient_norm", float(norm), done)
                board.add_scalar("rate", rate_at(step, config), done)
                log.write(json.dumps({"step": done, "seconds": round(time.perf_counter() - started, 1), **entry}) + "\n")
                log.flush()
            progress.update(bar, completed=done, note=f"loss {terms['loss']:.3f}")
            if world.leads and (done % config.save_every == 0 or done == config.steps):
                save(run, done, model, optimizer)
    model.eval()
    return world.leads

"""The training loop: what stops it, what it keeps, and what it refuses. That a killed run goes on is tested in test_recipes.py."""

import json
import math
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.testing import assert_close

from parley.train import loop
from parley.train.loop import LoopConfig, Losses, claim, fit, mean_losses, rate_at, train
from parley.train.step.distributed import World, average_gradients, usable
from parley.train.step.muon import Muon
from parley.train.step.optimizer import optimizers


def test_the_rate_warms_up_and_falls_to_its_floor():
    config = LoopConfig(steps=100, rate=1.0, warmup=10, floor=0.1)
    assert rate_at(0, config) == pytest.approx(0.1) and rate_at(9, config) == 1.0
    assert rate_at(100, config) == pytest.approx(0.1)
    assert all(rate_at(step, config) >= rate_at(step + 1, config) for step in range(10, 99))


def test_a_loss_that_is_not_finite_stops_the_run_and_leaves_its_batch(tmp_path: Path):
    """The fourth batch is bad, in the second step; the checkpoint of the first is there, and the weights are whole."""
    model = nn.Linear(1, 1)
    config = LoopConfig(steps=3, rate=1e-3, batches=2, save_every=1, clip=1e9)
    inputs = [torch.tensor([[float(number)]]) for number in (1, 2, 3, math.nan, 5, 6)]

    def losses(batch: Tensor) -> dict[str, Tensor]:
        return {"loss": model(batch).square().sum(), "length": torch.tensor(4.0)}

    with pytest.raises(ValueError, match=r"loss is nan, length is 4;.*bad-0000001.pt"):
        train(model, losses, inputs.__getitem__, config, tmp_path)
    (saved,) = torch.load(tmp_path / "bad-0000001.pt", weights_only=False)
    assert saved.isnan().all()
    assert json.loads((tmp_path / "latest.json").read_text())["step"] == 1
    assert all(parameter.isfinite().all() for parameter in model.parameters())


TOGETHER = """
import sys, torch
from pathlib import Path
from torch import nn
from parley.train.loop import LoopConfig, train

torch.manual_seed(1)
model, seen = nn.Linear(1, 1), []

def batch_at(number):
    seen.append(number)
    return torch.tensor([[float("nan" if number == int(sys.argv[2]) else number)]])

config = LoopConfig(steps=3, rate=1e-3, batches=4, save_every=1)
try:
    train(model, lambda x: {"loss": model(x).square().sum()}, batch_at, config, Path(sys.argv[1]))
except ValueError as error:
    print(error)
print(seen)
"""


def together(script: str, *arguments: object) -> list[list[str]]:
    """The last lines of two processes that train as one."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    path = os.pathsep.join((str(Path.cwd()), str(Path(__file__).parent)))
    world = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    processes = [
        subprocess.Popen(command, env={**os.environ, **world, "RANK": str(rank)}, stdout=subprocess.PIPE, text=True) for rank in (0, 1)
    ]
    return [process.communicate(timeout=240)[0].splitlines()[-2:] for process in processes]


def test_a_loss_that_is_not_finite_in_one_process_stops_all_with_a_line_and_is_saved_there(tmp_path: Path):
    """Of the batches 4 to 7 of the second step the second process has 5, which is bad, and 7."""
    (told, seen), (of_it, its) = together(TOGETHER, tmp_path, 5)
    assert "the loss of another process is not finite" in told and "loss is nan" in of_it and "rank1/bad-0000001.pt" in of_it
    (saved,) = torch.load(tmp_path / "rank1" / "bad-0000001.pt", weights_only=False)
    assert saved.isnan().all() and not list(tmp_path.glob("bad-*"))
    assert seen == "[0, 2, 4, 6]" and its == "[1, 3, 5, 7]"
    assert json.loads((tmp_path / "latest.json").read_text())["step"] == 1


def test_processes_that_cannot_share_the_batches_of_a_step_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(loop, "join", lambda: World(1, 3))
    with pytest.raises(ValueError, match="3 processes cannot share 4 batches a step evenly"):
        train(nn.Linear(1, 1), lambda x: {}, lambda step: None, LoopConfig(steps=1, rate=1e-3, batches=4), tmp_path)


def test_batches_made_ahead_change_no_number_and_fail_in_their_turn(tmp_path: Path):
    """The first batch waits until the second is begun, which nobody asked for yet."""
    begun = [threading.Event() for _ in range(12)]

    def trained(run: str, batch_at: Callable[[int], Tensor], config: LoopConfig) -> Tensor:
        torch.manual_seed(0)
        model = nn.Linear(1, 1)
        train(model, lambda x: {"loss": model(x).square().sum()}, batch_at, config, tmp_path / run)
        return model.weight.detach()

    def eager(number: int) -> Tensor:
        begun[number].set()
        assert number or begun[1].wait(30)
        return torch.full((1, 1), float(number + 1))

    def failing(number: int) -> Tensor:
        if number == 4:
            raise ValueError("dialogue 4 is damaged")
        return torch.ones(1, 1)

    config = LoopConfig(steps=5, rate=1e-2, batches=2, save_every=1, ahead=2)
    one_by_one = trained("plain", lambda number: torch.full((1, 1), float(number + 1)), replace(config, ahead=0))
    assert torch.equal(trained("ahead", eager, config), one_by_one)
    with pytest.raises(ValueError, match="dialogue 4 is damaged"):
        trained("failing", failing, config)
    assert json.loads((tmp_path / "failing" / "latest.json").read_text())["step"] == 2


def test_the_newest_checkpoints_are_kept(tmp_path: Path):
    model = nn.Linear(1, 1)
    config = LoopConfig(steps=7, rate=1e-3, save_every=2, keep=2)
    (tmp_path / "step-0000099").mkdir()  # a save that a kill interrupted, of another rhythm
    train(model, lambda x: {"loss": model(x).square().sum()}, lambda step: torch.ones(1, 1), config, tmp_path)
    assert sorted(path.name for path in tmp_path.glob("step-*")) == ["step-0000006", "step-0000007"]
    train(model, lambda x: {"loss": model(x).square().sum()}, lambda step: torch.ones(1, 1), replace(config, steps=8, keep=1), tmp_path)
    assert [path.name for path in tmp_path.glob("step-*")] == ["step-0000008"]


def test_a_gradient_that_is_not_finite_stops_the_run_before_it_spoils_the_weights(tmp_path: Path):
    model = nn.Linear(1, 1)
    before = model.weight.clone()
    with pytest.raises(ValueError, match="the gradient is nan"):
        train(model, lambda x: {"loss": (model(x) * 0).sqrt().sum()}, lambda step: torch.ones(1, 1), LoopConfig(1, 1.0), tmp_path)
    assert len(torch.load(tmp_path / "bad-0000000.pt", weights_only=False)) == 1 and torch.equal(model.weight, before)


def test_a_checkpoint_of_another_model_is_refused_by_the_name_of_the_tensor(tmp_path: Path):
    def losses_of(model: nn.Module) -> Losses:
        return lambda x: {"loss": model(x).square().sum()}

    def go(model: nn.Module) -> bool:
        return train(model, losses_of(model), lambda step: torch.ones(1, 3), LoopConfig(steps=1, rate=1e-3), tmp_path)

    assert go(nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 1)))
    with pytest.raises(ValueError, match=r"the tensor 0.bias has the shape \(2,\) there and has the shape \(4,\) here"):
        go(nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 1)))
    with pytest.raises(ValueError, match=r"the tensor 1.bias has the shape \(1,\) there and is missing here"):
        go(nn.Sequential(nn.Linear(3, 2)))


def test_a_folder_holds_one_run_and_the_difference_of_another_is_named(tmp_path: Path):
    claim(tmp_path, {"model": {"layers": 3}})
    claim(tmp_path, {"model": {"layers": 4}, "betas": (0.9, 0.95), "log_every": 20})  # the one before left nothing but its note
    (tmp_path / "log.jsonl").touch()
    claim(tmp_path, {"model": {"layers": 4}, "betas": (0.9, 0.95), "log_every": 1})
    with pytest.raises(ValueError, match="model.layers was 4 and is 6 now; set it back, or take another folder"):
        claim(tmp_path, {"model": {"layers": 6}, "betas": (0.9, 0.95), "log_every": 20})
    with pytest.raises(ValueError, match="betas.1 was 0.95 and is 0.98 now"):
        claim(tmp_path, {"model": {"layers": 4}, "betas": (0.9, 0.98), "log_every": 20})
    with pytest.raises(ValueError, match="model.width was not set and is 3 now"):
        claim(tmp_path, {"model": {"layers": 4, "width": 3}, "betas": (0.9, 0.95), "log_every": 20})
    (tmp_path / "run.json").write_text('{"model":')
    with pytest.raises(ValueError, match="run.json is not what was left there; take another folder"):
        claim(tmp_path, {"model": {"layers": 4}, "betas": (0.9, 0.95), "log_every": 20})


def test_a_note_that_could_not_be_written_whole_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(self: Path, text: str) -> None:
        with open(self, "w") as file:
            file.write(text[:5])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "write_text", full)
        with pytest.raises(OSError):
            claim(tmp_path, {"layers": 4})
    claim(tmp_path, {"layers": 6})
    assert json.loads((tmp_path / "run.json").read_text()) == {"layers": 6}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_run_that_goes_on_while_the_disk_is_full_keeps_its_log(tmp_path: Path):
    lines = "".join(json.dumps({"step": step, "seconds": float(step)}) + "\n" for step in range(1, 6))
    (tmp_path / "log.jsonl").write_text(lines)
    (tmp_path / "unfinished-log.jsonl").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        loop.Journal(tmp_path, 3)
    assert (tmp_path / "log.jsonl").read_text() == lines


def test_a_parameter_that_was_not_used_has_a_gradient_of_zero_in_one_process_too():
    used, unused = nn.Parameter(torch.ones(2)), nn.Parameter(torch.ones(3))
    used.sum().backward()
    average_gradients([used, unused], World())
    assert used.grad is not None and used.grad.tolist() == [1, 1] and unused.grad is not None and unused.grad.tolist() == [0, 0, 0]


@pytest.mark.parametrize("name", ["log_every", "validate_every", "save_every"])
def test_what_is_never_to_happen_is_no_zero(name: str):
    with pytest.raises(ValueError, match=f"{name} is 0; give 1 or more"):
        LoopConfig(**{"steps": 1, "rate": 1.0, name: 0})


def test_a_measure_is_logged_with_the_validation_and_before_the_first_step(tmp_path: Path):
    model = nn.Linear(1, 1)
    config = LoopConfig(steps=4, rate=1e-3, validate_every=2, validate_before=True)
    train(model, lambda x: {"loss": model(x).square().sum()}, lambda step: torch.ones(1, 1), config, tmp_path, measure=lambda: {"f1": 0.5})
    lines = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [(line["step"], line["validation/f1"]) for line in lines] == [(0, 0.5), (2, 0.5), (4, 0.5)]


def test_a_term_of_the_validation_loss_is_the_mean_of_the_batches_that_have_it():
    batches = [{"loss": 1.0}, {"loss": 2.0, "speech": 4.0}, {"loss": 6.0, "speech": 5.0, "meaning": 7.0}]
    found = mean_losses(lambda batch: {name: torch.tensor(value) for name, value in batch.items()}, batches)
    assert found == {"loss": 3.0, "speech": 4.5, "meaning": 7.0}


def test_of_cuda_each_process_has_its_own(monkeypatch: pytest.MonkeyPatch):
    set_to, tried = [], []
    monkeypatch.setattr(torch.cuda, "set_device", set_to.append)
    monkeypatch.setattr(torch, "zeros", lambda *size, dtype, device: (tried.append(device), torch.ones(1))[1])
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    assert usable("cuda") == "cuda:0"
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert usable("cuda") == "cuda:1" and set_to == ["cuda:0", "cuda:1"]
    assert (usable("cpu"), usable("cuda:3")) == ("cpu", "cuda:3") and tried == ["cuda:0", "cuda:1", "cpu", "cuda:3"]
    assert len(set_to) == 2


def test_a_device_without_double_precision_is_refused(monkeypatch: pytest.MonkeyPatch):
    def mps(*size: int, dtype: torch.dtype, device: str) -> Tensor:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64. Please use float32.")

    monkeypatch.setattr(torch, "zeros", mps)
    with pytest.raises(ValueError, match="--device mps cannot be used .*support float64\\); take cpu"):
        usable("mps")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is one")
@pytest.mark.parametrize("device", ["cuda", "cuda:9", "nonsense", "meta"])
def test_a_device_that_there_is_not_is_refused_in_one_line(device: str):
    with pytest.raises(ValueError, match=f"^--device {device}.* cannot be used .*; take cpu") as refused:
        usable(device)
    assert "\n" not in str(refused.value)


class Stack(nn.Module):
    """With a parameter of every kind that an optimizer tells apart."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table = nn.Embedding(70, 64)
        self.layers = nn.ModuleList([nn.Linear(64, 96), nn.Linear(96, 8), nn.Linear(8, 96)])
        self.head = nn.Linear(96, 70)

    def losses(self, tokens: Tensor) -> dict[str, Tensor]:
        hidden = self.table(tokens)
        for layer in self.layers:
            hidden = layer(hidden).tanh()
        return {"loss": nn.functional.cross_entropy(self.head(hidden), tokens)}


def test_muon_moves_the_matrices_of_layers_in_all_directions_alike_and_adamw_the_rest():
    """The gradient of one token has one direction: so has AdamW's step, nearly, while Muon lets each of those after it count as much."""
    stack = Stack()
    before = {name: value.detach().clone() for name, value in stack.named_parameters()}
    moved = optimizers(stack, 1e-2, (0.9, 0.95), 0.0, torch.float32, World())
    assert sorted(len(part.param_groups[0]["params"]) for part in moved.parts) == [1, 4]
    for tokens in (torch.tensor([3]), torch.arange(70)):
        stack.zero_grad()
        stack.losses(tokens)["loss"].backward()
        moved.step(1e-2)
    steps = {name: value.detach() - before[name] for name, value in stack.named_parameters()}
    wide = {name: torch.linalg.svdvals(steps[name]) for name in ("layers.0.weight", "table.weight", "head.weight")}
    spread = {name: float(values[0] / values[31]) for name, values in wide.items()}
    assert spread["layers.0.weight"] < 2 < 5 < min(spread["table.weight"], spread["head.weight"]), spread
    size = steps["layers.0.weight"].square().mean().sqrt()
    assert 1e-3 < size < 4e-3  # two steps of a fifth of the rate at most, which is what AdamW's are in the long run
    one = optimizers(Stack(), 1e-2, (0.9, 0.95), 0.0, None, World()).parts
    assert [type(part) for part in one] == [torch.optim.AdamW]


@pytest.mark.skipif(not hasattr(torch.optim, "Muon"), reason="torch before 2.9 has no Muon to compare with")
def test_muon_in_bfloat16_makes_the_steps_of_torch_s_and_in_float32_nearly_so():
    torch.manual_seed(1)
    start = [torch.randn(96, 64), torch.randn(64, 130)]
    gradients = [[torch.randn_like(matrix) for matrix in start] for _ in range(3)]

    def moved(make: Callable[[list[nn.Parameter]], torch.optim.Optimizer]) -> list[Tensor]:
        matrices = [nn.Parameter(matrix.clone()) for matrix in start]
        optimizer = make(matrices)
        for given in gradients:
            for matrix, gradient in zip(matrices, given, strict=True):
                matrix.grad = gradient.clone()
            optimizer.step()
        return [matrix.detach() - before for matrix, before in zip(matrices, start, strict=True)]

    theirs = moved(lambda matrices: torch.optim.Muon(matrices, lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw"))
    ours = moved(lambda matrices: Muon(matrices, 0.02, 0.1, torch.bfloat16))
    exact = moved(lambda matrices: Muon(matrices, 0.02, 0.1, torch.float32))
    for their, our, one in zip(theirs, ours, exact, strict=True):
        assert_close(our, their, rtol=0, atol=1e-7)
        assert 0 < (one - their).norm() < 0.02 * their.norm()


def test_a_checkpoint_holds_what_trains_and_is_gone_on_from_where_the_rest_is_as_it_was(tmp_path: Path):
    def stack(first: float) -> Stack:
        made = Stack()
        made.table.requires_grad_(False)
        nn.init.constant_(made.layers[0].weight.requires_grad_(False), first)
        return made

    def go(made: Stack) -> dict[str, Tensor]:
        config = LoopConfig(steps=4, rate=1e-2, warmup=1, save_every=2)
        train(made, made.losses, lambda step: torch.arange(70), config, tmp_path / "run")
        return made.state_dict()

    whole = go(stack(0.5))
    saved = load_file(tmp_path / "run" / "step-0000004" / "model.safetensors")
    assert saved.keys() == whole.keys() - {"table.weight", "layers.0.weight"}
    again = go(stack(0.25))  # it is finished: what was learned is read, what was not is as it is given
    assert all(torch.equal(again[name], value) for name, value in saved.items()) and again["layers.0.weight"].unique().tolist() == [0.25]
    loose = Stack()
    with pytest.raises(ValueError, match="the tensor layers.0.weight is missing there"):
        fit(saved, loose, tmp_path)
    fit(saved, loose, tmp_path, loose.state_dict())
    with pytest.raises(ValueError, match="the tensor strange has the shape"):
        fit({**saved, "strange": torch.zeros(1)}, loose, tmp_path, loose.state_dict())


@pytest.mark.parametrize("muon", [False, True])
def test_a_run_that_goes_on_moves_its_weights_as_if_it_had_never_stopped(muon: bool, tmp_path: Path):
    config = LoopConfig(steps=6, rate=1e-2, warmup=1, save_every=2, muon=muon)

    def batch_at(number: int) -> Tensor:
        return torch.arange(number, number + 9)

    def stopping(number: int) -> Tensor:
        if number == 3:
            raise KeyboardInterrupt
        return batch_at(number)

    whole, again, other = Stack(), Stack(), Stack()
    train(whole, whole.losses, batch_at, config, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(again, again.losses, stopping, config, tmp_path / "stopped")
    resumed = Stack()
    train(resumed, resumed.losses, batch_at, config, tmp_path / "stopped")
    assert all(torch.equal(one, two) for one, two in zip(whole.parameters(), resumed.parameters()))
    train(other, other.losses, batch_at, replace(config, muon=not muon), tmp_path / "other")
    assert not torch.equal(other.state_dict()["layers.0.weight"], whole.state_dict()["layers.0.weight"])


SHARED = """
import sys, torch
from pathlib import Path
from parley.train.loop import LoopConfig, train
from test_loop import Stack

def batch_at(number):
    if number >= int(sys.argv[2]):
        raise KeyboardInterrupt
    return torch.arange(number, number + 9)

stack = Stack()
try:
    train(stack, stack.losses, batch_at, LoopConfig(steps=4, rate=1e-2, warmup=1, batches=2, save_every=2, muon=True), Path(sys.argv[1]))
except KeyboardInterrupt:
    pass
"""


def test_processes_that_share_the_work_of_muon_move_the_weights_as_one_does_and_go_on_as_if_never_stopped(tmp_path: Path):
    together(SHARED, tmp_path / "whole", 8)
    together(SHARED, tmp_path / "stopped", 4)
    together(SHARED, tmp_path / "stopped", 8)
    alone = Stack()
    config = LoopConfig(steps=4, rate=1e-2, warmup=1, batches=2, save_every=2, muon=True)
    train(alone, alone.losses, lambda number: torch.arange(number, number + 9), config, tmp_path / "alone")
    files = ("model.safetensors", "optimizer.safetensors")
    whole, stopped, own = ([load_file(tmp_path / name / "step-0000004" / file) for file in files] for name in ("whole", "stopped", "alone"))
    assert_close(stopped, whole, rtol=0, atol=0)
    assert [*map(sorted, whole)] == [*map(sorted, own)]
    for name, began in Stack().state_dict().items():
        moved, other = own[0][name] - began, whole[0][name] - own[0][name]  # a sum in another order, of which Muon's bfloat16 makes more
        assert other.norm() < 0.1 * moved.norm() != 0, name

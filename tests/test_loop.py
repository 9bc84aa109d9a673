"""The training loop: a killed run reaches the same numbers as one that was never stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from torch import nn

from parley.train.loop import LoopConfig, rate_at, train

RUN = """
import sys, time, torch
from pathlib import Path
from torch import nn
from parley.train.loop import LoopConfig, train

torch.manual_seed(1)
model = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Dropout(0.1), nn.Linear(16, 1))

def batch_at(step):
    if step == int(sys.argv[2]):
        print("now", flush=True)
        time.sleep(60)
    return torch.randn(4, 8, generator=torch.Generator().manual_seed(step))

def losses(x):
    return {"loss": (model(x)[:, 0] - x.sum(1)).square().mean()}

train(model, losses, batch_at, LoopConfig(steps=30, rate=1e-2, warmup=5, log_every=1, save_every=7), Path(sys.argv[1]))
"""


def start(folder: Path, sleep_at: int) -> subprocess.Popen:
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", RUN, str(folder), str(sleep_at)], stdout=subprocess.PIPE, text=True, env=environment)


def numbers(folder: Path) -> dict[int, float]:
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return {line["step"]: line["train/loss"] for line in lines}


def test_a_run_killed_by_sigkill_resumes_to_the_same_numbers(tmp_path: Path):
    whole, killed = start(tmp_path / "whole", -1), start(tmp_path / "killed", 17)
    assert whole.wait(timeout=120) == 0
    while "now" not in killed.stdout.readline():
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    assert json.loads((tmp_path / "killed" / "latest.json").read_text())["step"] == 14
    assert start(tmp_path / "killed", -1).wait(timeout=120) == 0
    assert numbers(tmp_path / "killed") == numbers(tmp_path / "whole")
    final = Path("step-0000030") / "model.safetensors"
    assert (tmp_path / "killed" / final).read_bytes() == (tmp_path / "whole" / final).read_bytes()


def test_the_rate_warms_up_and_falls_to_its_floor():
    config = LoopConfig(steps=100, rate=1.0, warmup=10, floor=0.1)
    assert rate_at(0, config) == pytest.approx(0.1) and rate_at(9, config) == 1.0
    assert rate_at(100, config) == pytest.approx(0.1)
    assert all(rate_at(step, config) >= rate_at(step + 1, config) for step in range(10, 99))


def test_a_loss_that_is_not_finite_stops_the_run(tmp_path: Path):
    model = nn.Linear(1, 1)
    config = LoopConfig(steps=3, rate=1.0)
    with pytest.raises(RuntimeError, match="the loss is nan at step 0"):
        train(model, lambda batch: {"loss": model(batch).sum() * float("nan")}, lambda step: torch.ones(1, 1), config, tmp_path)

"""The commands that train a model, stage by stage."""

import json
from dataclasses import replace
from pathlib import Path

import torch
from tyro.conf import Positional

from parley import recipes
from parley.models.checkpoint import blend, find_model, load_model, merge, read_weights, save_model
from parley.train.loop import fit
from parley.train.stage2 import without_heads
from parley.train.step.distributed import usable


def train_tokenizer(folder: Positional[Path], recipe: str = "tiny") -> None:
    """Make the word pieces of the spoken world: a Hugging Face tokenizer directory.

    Args:
        folder: Where to write it.
        recipe: The sizes: tiny, trial, small, paper, or FILE.py:FUNCTION, one of your own.
    """
    recipes.make_tokenizer(recipes.named(recipe), folder)


def train_synthesizer(folder: Positional[Path], tokenizer: Path, recipe: str = "tiny", device: str = "cpu") -> None:
    """Pre-train the synthesizer on the assistant's voice: speech tokens, mel, waveform, and the LM from word pieces to speech tokens.

    Args:
        folder: Checkpoints, logs and results. A run that was stopped goes on.
        tokenizer: The tokenizer directory.
        recipe: The sizes: tiny, trial, small, paper, or FILE.py:FUNCTION, one of your own.
        device: cpu, cuda, ...
    """
    recipes.run_synthesizer(recipes.named(recipe), tokenizer, folder, usable(device))


def train_relearn(folder: Positional[Path], model: str = "tiny", recipe: str = "tiny", device: str = "cpu") -> None:
    """Make what stages 2 and 3 need to go on from a finished model: a speech tokenizer for its voice, which models come without.

    Args:
        folder: Checkpoints, logs and results, as those of `train synthesizer`. A run that was stopped goes on.
        model: A shipped model's name, or a model directory.
        recipe: The sizes, which must be those of the model: tiny, trial, small, paper, or FILE.py:FUNCTION.
        device: cpu, cuda, ...
    """
    recipes.run_relearn(recipes.named(recipe), find_model(model), folder, usable(device))


def train_encoder(
    folder: Positional[Path], tokenizer: Path, data: Path, model: str | None = None, recipe: str = "tiny", device: str = "cpu"
) -> None:
    """Pre-train the streaming speech encoder: what is said, when a question has ended, and what it is about.

    Args:
        folder: Checkpoints and logs. A run that was stopped goes on.
        tokenizer: The tokenizer directory.
        data: A folder with the built dialogues stage1/train, stage1/validation, stage2/train and stage2/validation.
        model: Go on with the encoder of this model, a shipped name or a directory, instead of with one that has heard nothing yet.
        recipe: The sizes: tiny, trial, small, paper, or FILE.py:FUNCTION, one of your own.
        device: cpu, cuda, ...
    """
    recipes.run_encoder(recipes.named(recipe), tokenizer, data, folder, usable(device), find_model(model) if model else None)


def train_distill(
    folder: Positional[Path], data: Path, teacher: str | None = None, recipe: str = "tiny", device: str = "cpu"
) -> None:
    """Distil the streaming speech encoder from a Whisper encoder, on recordings of any kind.

    Args:
        folder: Checkpoints, logs and the finished encoder, for stage 1. A run that was stopped goes on.
        data: A folder with the recordings `train`, and perhaps `validation`, each a lhotse manifest cuts.jsonl.
        teacher: The Whisper model, a directory or a hub id; the recipe's if not given.
        recipe: The sizes: tiny, trial, small, paper, or FILE.py:FUNCTION, one of your own.
        device: cpu, cuda, ...
    """
    chosen = recipes.named(recipe)
    if teacher is not None:
        chosen = replace(chosen, distill=replace(chosen.distill, teacher=teacher))
    recipes.run_distill(chosen, data, folder, usable(device))


def train_stage1(
    folder: Positional[Path], tokenizer: Path, encoder: Path, data: Path, recipe: str = "tiny", device: str = "cpu"
) -> None:
    """Stage 1, streaming understanding: connector and backbone learn when a question ends, and its answer.

    Args:
        folder: Checkpoints, logs and the finished model. A run that was stopped goes on.
        tokenizer: The tokenizer directory.
        encoder: The folder of the encoder's pre-training, or of its distillation.
        data: A folder with the built dialogues `train` and `validation`.
        recipe: The sizes: tiny, trial, small, paper, or FILE.py:FUNCTION, one of your own.
        device: cpu, cuda, ...
    """
    recipes.run_stage1(recipes.named(recipe), tokenizer, encoder, data, folder, usable(device))


def train_stage2(
    folder: Positional[Path],
    synthesizer: Path,
    data: Path,
    stage1: Path | None = None,
    model: str | None = None,
    encoder: Path | None = None,
    recipe: str = "tiny",
    device: str = "cpu",
) -> None:
    """Stage 2, end to end: speech output and the dynamics of a full-duplex dialogue.

    Args:
        folder: Checkpoints, logs and the finished model. A run that was stopped goes on.
        synthesizer: The folder of the synthesizer's pre-training, or of `train relearn`.
        data: A folder with the built dialogues `train` and `validation`.
        stage1: The folder of stage 1, whose model is trained on ...
        model: ... or, in its place, a finished model: a shipped name or a directory ...
        encoder: ... that hears by the encoder of this folder of `train encoder` from now on. Where the recipe's encoder learns along, its
            heads are needed too.
        recipe: The sizes: tiny, trial, small, paper, or FILE.py:FUNCTION, one of your own.
        device: cpu, cuda, ...
    """
    if (stage1 is None) == (model is None):
        raise ValueError("give what stage 2 begins with: --stage1 with the folder of stage 1, or --model with a finished model")
    begin = stage1 / "model" if stage1 else find_model(str(model))
    recipes.run_stage2(recipes.named(recipe), begin, synthesizer, data, folder, usable(device), encoder, stage1 is not None)


def train_mine(folder: Positional[Path], model: str, data: Path, recipe: str = "tiny", device: str = "cpu") -> None:
    """Play built dialogues to a model and keep its mistakes in yielding, as preference pairs for stage 3.

    Args:
        folder: Where to write the pairs. A search that was stopped goes on.
        model: The model directory that stage 2 left, or a shipped model's name.
        data: The folder of built dialogues.
        recipe: The sizes: tiny, trial, small, paper, or FILE.py:FUNCTION, one of your own.
        device: cpu, cuda, ...
    """
    print(json.dumps(recipes.run_mine(recipes.named(recipe), find_model(model), data, folder, usable(device))))


def train_stage3(
    folder: Positional[Path], model: str, pairs: Path, synthesizer: Path, data: Path, recipe: str = "tiny", device: str = "cpu"
) -> None:
    """Stage 3, preference: when to yield and when to go on, by DPO on the model's own mistakes.

    Args:
        folder: Checkpoints, logs and the finished model. A run that was stopped goes on.
        model: The model directory that stage 2 left, or a shipped model's name.
        pairs: A folder with the mined pairs `train`, and perhaps `validation`.
        synthesizer: The folder of the synthesizer's pre-training, or of `train relearn`.
        data: A folder with the built dialogues `train` and `validation` of stage 2.
        recipe: The sizes: tiny, trial, small, paper, or FILE.py:FUNCTION, one of your own.
        device: cpu, cuda, ...
    """
    recipes.run_stage3(recipes.named(recipe), find_model(model), pairs, synthesizer, data, folder, usable(device))


def export(
    folder: Positional[Path], model: Path, step: int | None = None, began: str | None = None, share: float | None = None
) -> None:
    """Write a trained model in half precision, as it is shipped; LoRA becomes part of its LLM.

    Args:
        folder: The model directory to write.
        model: The model directory that training left.
        step: Take the weights of this step's checkpoint, of those that the run still keeps, instead of the last.
        began: Mix in the model that this one was trained on from, a shipped name or a directory ...
        share: ... with this share of its weights; 0.4 if not given.
    """
    if share is not None and (began is None or not 0 <= share <= 1):
        raise ValueError(f"--share is {share}; give a part from 0 to 1, and --began, the model that is mixed in")
    trained = load_model(model)
    if step is not None:
        checkpoint = model.parent / f"step-{step:07d}" / "model.safetensors"
        if not checkpoint.exists():
            kept = ", ".join(str(int(each.name.removeprefix("step-"))) for each in sorted(model.parent.glob("step-*")))
            raise ValueError(f"{model.parent} keeps no checkpoint of step {step}; it has: {kept or '(none)'}")
        fit(without_heads(read_weights(checkpoint)), trained, checkpoint, trained.state_dict())
    trained = merge(trained)
    if began is not None:
        blend(trained, merge(load_model(find_model(began))), 0.4 if share is None else share)
    save_model(trained, folder, torch.float16)


COMMANDS = {
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

"""A model as a directory: `config.json` (configuration, checksums), `weights.safetensors`, and `llm/` in the ordinary Hugging Face form."""

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import AutoConfig, AutoModelForCausalLM

from parley.llm.backbone import Backbone
from parley.llm.lora import is_lora, plain_name
from parley.llm.tokens import Tokens
from parley.models.salmonn_omni import SalmonnOmni, SalmonnOmniConfig

SHIPPED = Path(__file__).parent.parent / "weights"
CONFIG = TypeAdapter(SalmonnOmniConfig)
FAMILY = "salmonn_omni"


def shipped(name: str) -> Path:
    """The directory of a model that comes with the package. ValueError names those that there are."""
    names = sorted(path.parent.name for path in SHIPPED.glob("*/config.json"))
    if name not in names:
        raise ValueError(f"there is no model named {name!r}; give a model directory, or one of: {', '.join(names) or '(none is shipped)'}")
    return SHIPPED / name


def find_model(name: str) -> Path:
    """A model directory by path, or by the name of a shipped model, which a folder of the same name that holds no model does not hide."""
    there = Path(name).is_dir() and ((Path(name) / "config.json").exists() or not (SHIPPED / name / "config.json").exists())
    return Path(name) if there else shipped(name)


def digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def checksum(content: dict) -> str:
    """Of `config.json`: of all in it but this."""
    rest = {key: value for key, value in content.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def save_model(model: SalmonnOmni, directory: Path, dtype: torch.dtype = torch.float32) -> None:
    """Writes the model directory, whole; `dtype` is what the weights are stored in (they are always loaded as float32)."""
    part = directory.with_name(f"unfinished-{directory.name}")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    own = {name: value for name, value in model.state_dict().items() if not name.startswith("backbone.llm.") or is_lora(name)}
    save_file({name: stored(value, dtype) for name, value in own.items()}, part / "weights.safetensors")
    llm = AutoModelForCausalLM.from_config(model.backbone.llm.config, dtype=dtype)
    llm.load_state_dict({plain_name(name): value for name, value in model.backbone.llm.state_dict().items() if not is_lora(name)})
    llm.save_pretrained(part / "llm")
    model.tokens.tokenizer.save_pretrained(part / "llm")
    files = [part / "weights.safetensors", *sorted((part / "llm").iterdir())]
    content = {
        "family": FAMILY,
        "config": CONFIG.dump_python(model.config, mode="json"),
        "files": {path.relative_to(part).as_posix(): digest(path) for path in files},
    }
    (part / "config.json").write_text(json.dumps({**content, "checksum": checksum(content)}, indent=1) + "\n")
    (directory / "llm").mkdir(parents=True, exist_ok=True)
    for path in [*files, part / "config.json"]:
        path.replace(directory / path.relative_to(part))
    shutil.rmtree(part)


def stored(value: Tensor, dtype: torch.dtype) -> Tensor:
    """A copy on the CPU: a device may have no room for a second one."""
    return value.detach().to("cpu", dtype if value.is_floating_point() else value.dtype, copy=True).contiguous()


def merge(model: SalmonnOmni) -> SalmonnOmni:
    """The same model, in place, with LoRA as part of its LLM where it had one."""
    model.backbone.merge()
    model.config = replace(model.config, backbone=model.backbone.config)
    return model


def blend(model: SalmonnOmni, other: SalmonnOmni, share: float) -> SalmonnOmni:
    """The first, in place, with `share` of the other's weights and the rest of its own. The mean of a model and of what it became by
    training on often can what both can (Wortsman et al., 2022). ValueError where they differ in shape."""
    if not 0.0 <= share <= 1.0:
        raise ValueError(f"a share of {share:g}; give one from 0 to 1")
    own, others = model.state_dict(), other.state_dict()
    shapes, wanted = ({name: value.shape for name, value in state.items()} for state in (others, own))
    if shapes != wanted:
        name = next(name for name in sorted(shapes.keys() | wanted.keys()) if shapes.get(name) != wanted.get(name))
        raise ValueError(f"the two models differ in the tensor {name}; blend a model with what it became by training on")
    model.load_state_dict({name: value.lerp(others[name], share) if value.is_floating_point() else value for name, value in own.items()})
    return model


def load_model(directory: Path) -> SalmonnOmni:
    """The model of a directory, in float32, in evaluation mode. ValueError says what is missing or damaged."""
    content = read_config(directory)
    llm_directory = directory / "llm"
    if not llm_directory.is_dir():
        raise ValueError(f"{directory}: the folder llm/ is missing; copy the whole model directory again")
    weights = read_weights(directory / "weights.safetensors")
    for name in content["files"]:
        if not (directory / name).exists():
            raise ValueError(f"{directory / name} is missing; copy the whole model directory again")
    try:
        tokens = Tokens.load(llm_directory)
        llm = AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(llm_directory), dtype=torch.float32)
        config = CONFIG.validate_python(content["config"])
        model = SalmonnOmni(config, Backbone(llm, config.backbone, (tokens.think, tokens.shift)), tokens)
    except Exception as error:  # the libraries that read it raise of every kind
        raise ValueError(f"{directory}: the configuration cannot be used ({' '.join(str(error).split())[:200]}); copy it again") from error
    llm_weights: dict[str, Tensor] = {}
    for name in content["files"]:  # what else lies there is not the model's
        if (file := directory / name).parent == llm_directory and file.suffix == ".safetensors":
            llm_weights |= read_weights(file)
    tied = {"lm_head.weight"} if llm.config.tie_word_embeddings else set()
    names = {name: plain_name(name) for name in llm.state_dict() if not is_lora(name)}
    added = {name for name in llm.state_dict() if is_lora(name)}
    for name, plain in names.items():
        if plain in llm_weights:
            llm_weights[name] = llm_weights.pop(plain)
    fill(model.backbone.llm, llm_weights, llm_directory, tied | added)
    fill(model, weights, directory / "weights.safetensors", {f"backbone.llm.{name}" for name in names})
    for name, expected in content["files"].items():
        if digest(directory / name) != expected:
            raise ValueError(f"{directory / name} is damaged: its checksum is not the one in config.json; copy it again")
    return model.eval()


def load_config(directory: Path) -> SalmonnOmniConfig:
    """The configuration of a model directory alone. ValueError as of `load_model`."""
    return CONFIG.validate_python(read_config(directory)["config"])


def read_config(directory: Path) -> dict:
    file = directory / "config.json"
    if not file.exists():
        raise ValueError(f"{directory} holds no model: config.json is missing; give a model directory or the name of a shipped model")
    try:
        content = json.loads(file.read_text())
    except ValueError as error:
        raise ValueError(f"{file} is damaged: {error}; copy it again") from error
    if not isinstance(content, dict):
        raise ValueError(f"{file} is damaged: it holds no object; copy it again")
    if content.get("family") != FAMILY or not {"config", "files"} <= content.keys():
        raise ValueError(f"{file} is no parley model of the family {FAMILY}; its family is {content.get('family')!r}")
    known = {"family", "config", "files", "checksum"}  # of older models the last is not there
    if not content.keys() <= known or content.get("checksum", checksum(content)) != checksum(content):
        raise ValueError(f"{file} is damaged: its checksum is not the one that it names; copy it again")
    return content


def read_weights(file: Path) -> dict[str, Tensor]:
    if not file.exists():
        raise ValueError(f"{file} is missing; copy the whole model directory again")
    try:
        return {name: value.float() if value.is_floating_point() else value for name, value in load_file(file).items()}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{file} is damaged ({' '.join(str(error).split())[:120]}); copy it again") from error


def fill(module: torch.nn.Module, weights: dict[str, Tensor], source: Path, elsewhere: set[str]) -> None:
    """Strict: every tensor of `module` that is not filled elsewhere must be there in its shape, and no other."""
    wanted = {name: value.shape for name, value in module.state_dict().items() if name not in elsewhere}
    for name, shape in wanted.items():
        if name not in weights:
            raise ValueError(f"{source}: the tensor {name} is missing; this checkpoint is damaged or of another configuration")
        if weights[name].shape != shape:
            found = tuple(weights[name].shape)
            raise ValueError(f"{source}: the tensor {name} has the shape {found}, the configuration wants {tuple(shape)}")
    if extra := sorted(weights.keys() - wanted.keys() - elsewhere):
        raise ValueError(f"{source}: the tensor {extra[0]} is not part of this configuration; the checkpoint is of another one")
    module.load_state_dict({name: weights[name] for name in wanted}, strict=False)

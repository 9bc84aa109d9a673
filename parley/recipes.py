"""Recipes: functions that return a whole configuration, and the stages run with one. Variants use `dataclasses.replace`."""

import math
import runpy
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from lhotse import MonoCut
from torch import Tensor
from transformers import PreTrainedModel

from parley.clock import Clock
from parley.data import manifest
from parley.data.dataset import DatasetConfig, DialogueDataset, Part
from parley.data.filling import noted
from parley.data.manifest import MANIFEST
from parley.data.shards.shar import shards_of
from parley.data.world.sentences import answers, assistant_sentences
from parley.dialogue import Kind
from parley.encoder.mamba import MambaConfig
from parley.encoder.speech_encoder import SpeechEncoder, SpeechEncoderConfig
from parley.llm.backbone import Backbone, BackboneConfig, LlamaSize, PretrainedLLM, check_fits, load_llm, small_llama
from parley.llm.batch import Batch
from parley.llm.layout import LayoutConfig
from parley.llm.lora import LoraSize
from parley.llm.tokens import Tokens, train_tokenizer
from parley.models.checkpoint import digest, load_model, read_weights
from parley.models.salmonn_omni import ConnectorConfig, SalmonnOmni, SalmonnOmniConfig
from parley.synthesizer.flow import MelDecoderConfig
from parley.synthesizer.speech_lm import SpeechLMConfig
from parley.synthesizer.synthesizer import Synthesizer, SynthesizerConfig
from parley.synthesizer.tokenizer import SpeechTokenizerConfig
from parley.train import distill, encoder, stage1, stage2, stage3
from parley.train.distill import ENCODER, Distillation, DistillConfig, RecordingDataset, Teacher, read_recordings
from parley.train.encoder import EncoderConfig, ListeningEncoder
from parley.train.listening import Listening, ListeningConfig
from parley.train.loop import LoopConfig, claim, fit, latest, same_configuration
from parley.train.preference.pairs import PAIRS, MineConfig, PairDataset, mine, read_lines, yielding
from parley.train.stage1 import Stage1Config
from parley.train.stage2 import Stage2Config
from parley.train.stage3 import Stage3Config
from parley.train.step.distributed import join
from parley.train.voice import synthesizer
from parley.train.voice.plain_text import plain_sentences
from parley.train.voice.spoken import SPOKEN, spoken_in
from parley.train.voice.spoken import TOKENIZER as TOKENIZER_OF_SPEECH
from parley.train.voice.synthesizer import SynthesizerTrainingConfig

TOKENIZER = "tokenizer.json"  # of a Hugging Face tokenizer directory
ON_GPU = LoopConfig(steps=0, rate=0.0, bfloat16=True, ahead=4)  # of steps and rates that each stage sets
StageConfig = EncoderConfig | Stage1Config | Stage2Config | Stage3Config


@dataclass(frozen=True)
class Recipe:
    """Everything that a run needs to know. `llm`: the size of a Llama trained from scratch, or a pretrained one."""

    name: str
    model: SalmonnOmniConfig
    llm: LlamaSize | PretrainedLLM
    listening: ListeningConfig
    encoder: EncoderConfig
    encoder_data: DatasetConfig
    stage1: Stage1Config
    stage1_data: DatasetConfig
    stage2: Stage2Config
    stage2_data: DatasetConfig
    synthesizer: SynthesizerTrainingConfig
    distill: DistillConfig = field(default=DistillConfig())
    mine: MineConfig = field(default=MineConfig())
    stage3: Stage3Config = field(default_factory=Stage3Config)
    validation_batches: int = 4
    validation_dialogues: int = 64  # of stage 3: played through every few steps


def tiny() -> Recipe:
    """The embedded default: trained from scratch on two CPU cores, real time on one."""
    model = SalmonnOmniConfig(
        clock=Clock(block_ms=80, input_rate=16000, output_rate=16000),
        encoder=SpeechEncoderConfig(channels=128, mamba=MambaConfig(d_model=256, layers=8, d_state=8)),
        connector=ConnectorConfig(frames=2, hidden=512),
        backbone=BackboneConfig(context_blocks=320, speech_layer=3),
        layout=LayoutConfig(think=0.3),
        synthesizer=SynthesizerConfig(),
    )
    heard = DatasetConfig(gain_db=(-24.0, 6.0), room_share=0.25, noise_share=0.3, echo_delay_ms=(0.0, 160.0), echo_room=0.3, moved=(-3, 3))
    return Recipe(
        name="tiny",
        model=model,
        llm=LlamaSize(vocab_size=1536, hidden_size=256, intermediate_size=512, num_hidden_layers=4, num_attention_heads=4),
        listening=ListeningConfig(),
        encoder=EncoderConfig(LoopConfig(steps=7000, rate=1.2e-3, warmup=50, batches=2, betas=(0.9, 0.98), muon=True)),
        encoder_data=replace(heard, seconds=32.0, part=Part.HEARD, lead_out=7, moved_share=0.6),
        stage1=Stage1Config(LoopConfig(steps=1200, rate=8e-4, warmup=50, batches=2, betas=(0.9, 0.98))),
        stage1_data=replace(heard, seconds=32.0, part=Part.ANSWER, moved_share=0.6),
        stage2=Stage2Config(LoopConfig(steps=1200, rate=1e-3, warmup=50, batches=2, betas=(0.9, 0.98), muon=True), heard=0.3),
        stage2_data=replace(heard, seconds=48.0, moved=(-3, 5), moved_share=0.3),
        synthesizer=SynthesizerTrainingConfig(),
        mine=MineConfig(each=200, echo_delay_ms=heard.echo_delay_ms, echo_room=heard.echo_room),
        stage3=Stage3Config(
            replace(Stage3Config().loop, rate=2e-5, batches=8, validate_every=4, save_every=4, keep=10, betas=(0.9, 0.98)), plain_s=48.0
        ),
    )


def trial() -> Recipe:
    """`tiny` with a few steps a stage: whether a machine can run the whole story, in minutes. What comes out has learned nothing."""
    alone = LoopConfig(steps=4, rate=1e-4, warmup=1, log_every=1, validate_every=2)
    few = replace(alone, batches=2)
    tiny_ = tiny()
    return replace(
        tiny_,
        name="trial",
        encoder=replace(tiny_.encoder, loop=few),
        stage1=replace(tiny_.stage1, loop=few),
        stage2=replace(tiny_.stage2, loop=few),
        synthesizer=replace(tiny_.synthesizer, autoencoder=alone, vocoder=alone, lm=alone, sounding=24, more=24, held_out=4),
        mine=replace(tiny_.mine, each=2),
        stage3=replace(tiny_.stage3, loop=replace(few, rate=1e-6, validate_before=True), pairs=1),
        validation_batches=1,
        validation_dialogues=4,
    )


def small() -> Recipe:
    """One GPU: a small LLM with LoRA, an encoder distilled from Whisper-small, the synthesizer of `tiny` with a longer breath."""
    paper_ = paper()
    llm = LlamaSize(49152, 960, 2560, 32, 15, rope_theta=100000.0, num_key_value_heads=5)
    return replace(
        paper_,
        name="small",
        model=replace(
            paper_.model,
            encoder=SpeechEncoderConfig(channels=384, mamba=MambaConfig(d_model=768, layers=12)),
            connector=ConnectorConfig(frames=2, hidden=2048),
            backbone=BackboneConfig(context_blocks=1500, speech_layer=24, lora=LoraSize(), half=True),
            synthesizer=SynthesizerConfig(lm=SpeechLMConfig(max_tokens=1500, max_pieces=375, gate=False, per_piece=25)),
        ),
        llm=PretrainedLLM("HuggingFaceTB/SmolLM2-360M-Instruct", llm),
        distill=DistillConfig("openai/whisper-small", replace(ON_GPU, steps=50_000, rate=5e-4, warmup=1000), rows=64),
        stage1=Stage1Config(replace(ON_GPU, steps=10_000, rate=2e-4), perturbation=None, meaning=0.0),
        stage2=Stage2Config(replace(ON_GPU, steps=10_000, rate=1e-4), perturbation=None, meaning=0.0),
        stage3=replace(paper_.stage3, loop=replace(paper_.stage3.loop, rate=5e-6, batches=128), pairs=2, plain_s=30.0),
        synthesizer=SynthesizerTrainingConfig(),
    )


def paper() -> Recipe:
    """The paper's sizes, rates and steps (section 4.1). Its synthesizer is CosyVoice2; here it is ours: its LM is as wide
    and deep and speaks for up to a minute, mel decoder and vocoder are those of `tiny`.

    A batch of stages 1 and 2 is counted in seconds: 32 of them are about 128 dialogues of 15 s.
    """
    levels = (3,) * 8  # 6,561 speech tokens
    model = SalmonnOmniConfig(
        encoder=SpeechEncoderConfig(channels=1024, mamba=MambaConfig(d_model=2048, layers=32)),
        connector=ConnectorConfig(frames=2, hidden=4096),
        backbone=BackboneConfig(context_blocks=2250, speech_layer=24, lora=LoraSize(rank=32, alpha=32), half=True),  # 3 minutes
        layout=LayoutConfig(think=0.1),
        synthesizer=SynthesizerConfig(
            lm=SpeechLMConfig(
                896, 24, 14, 4864, math.prod(levels), max_tokens=1500, max_pieces=375, connector=2048, gate=False, per_piece=25
            ),
            mel_decoder=MelDecoderConfig(levels=levels),
        ),
    )
    llama = LlamaSize(128256, 4096, 14336, 32, 32, rope_theta=500000.0, num_key_value_heads=8, tie_word_embeddings=False)
    return Recipe(
        name="paper",
        model=model,
        llm=PretrainedLLM("meta-llama/Meta-Llama-3-8B-Instruct", llama),
        listening=ListeningConfig(),
        encoder=EncoderConfig(replace(ON_GPU, steps=10_000, rate=1.5e-3)),
        encoder_data=DatasetConfig(seconds=60.0, part=Part.HEARD),
        distill=DistillConfig(loop=replace(ON_GPU, steps=300_000, rate=3e-4, warmup=2000, batches=32)),  # its rate is not in the paper
        stage1=Stage1Config(replace(ON_GPU, steps=50_000, rate=4e-5, batches=32), perturbation=None, meaning=0.0),
        stage1_data=DatasetConfig(seconds=60.0, part=Part.ANSWER),
        stage2=Stage2Config(replace(ON_GPU, steps=30_000, rate=3e-5, batches=32), perturbation=None, meaning=0.0),
        stage2_data=DatasetConfig(seconds=60.0),
        synthesizer=SynthesizerTrainingConfig(tokenizer=SpeechTokenizerConfig(levels=levels)),
        stage3=Stage3Config(replace(Stage3Config().loop, batches=256, bfloat16=True, ahead=4, keep=4), pairs=1, perturbation=None),
    )


RECIPES = {"tiny": tiny, "trial": trial, "small": small, "paper": paper}


def named(name: str) -> Recipe:
    """One of `RECIPES`, or what FUNCTION in FILE.py returns, for "FILE.py:FUNCTION". ValueError where it is neither."""
    if name in RECIPES:
        return RECIPES[name]()
    file, _, function = name.rpartition(":")
    if not file.endswith(".py"):
        raise ValueError(f"{name!r} is no recipe; choose {', '.join(RECIPES)}, or write FILE.py:FUNCTION")
    if not Path(file).is_file():
        raise ValueError(f"{file}: no such file with recipes")
    make = runpy.run_path(file).get(function)
    recipe = make() if callable(make) else None
    if not isinstance(recipe, Recipe):
        raise ValueError(f"{file}: {function!r} is no function that returns a parley.recipes.Recipe")
    return recipe


def shape_of(recipe: Recipe) -> LlamaSize:
    """Of the LLM."""
    return recipe.llm.shape if isinstance(recipe.llm, PretrainedLLM) else recipe.llm


def fresh_model(recipe: Recipe, tokens: Tokens) -> SalmonnOmni:
    """A model of a recipe before stage 1: its LLM pretrained or random, with the tokenizer's vocabulary, all else random."""
    if isinstance(recipe.llm, PretrainedLLM):
        llm: PreTrainedModel = load_llm(recipe.llm.source, tokens)
    else:
        llm = small_llama(replace(recipe.llm, vocab_size=len(tokens.tokenizer)), tokens)
    return SalmonnOmni(recipe.model, Backbone(llm, recipe.model.backbone, (tokens.think, tokens.shift)), tokens)


def make_tokenizer(recipe: Recipe, folder: Path) -> None:
    """A Hugging Face tokenizer directory: that of the pretrained LLM, or the word pieces of the spoken world."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(recipe.llm, PretrainedLLM):
        Tokens.load(recipe.llm.source).tokenizer.save_pretrained(folder)
        return
    others = plain_sentences(3000, np.random.default_rng(0))
    train_tokenizer(10 * answers(recipe.model.world) + others, recipe.llm.vocab_size).save_pretrained(folder)


def validation_set(data: DialogueDataset, batches: int) -> list[Batch]:
    """Batches spread over the short and the long dialogues."""
    steps = np.argsort(data.order(0), kind="stable")  # of the first epoch, by the length of their dialogues
    count = min(batches, len(steps))
    middles = (np.arange(count) + 0.5) * len(steps) / max(1, count)
    return [data.batch(int(step)) for step in steps[middles.astype(int)]]


def fresh_listening(recipe: Recipe, tokens: Tokens) -> Listening:
    """The heads of the encoder's training."""
    return Listening(recipe.model.encoder.mamba.d_model, tokens, recipe.model.connector.frames, recipe.listening)


def mark(file: Path) -> str:
    """By what a run knows a file again, wherever it lies."""
    if not file.is_file():
        raise ValueError(f"{file}: no such file; make it with the step before this one")
    return digest(file)[:16]


def marks(folders: dict[str, Path]) -> dict[str, str]:
    """Of manifests of dialogues, by their names."""
    return {f"{name}/{file.name}": mark(file) for name, folder in folders.items() for file in shards_of(folder) or [folder / MANIFEST]}


def splits(data: Path) -> dict[str, Path]:
    return {split: data / split for split in ("train", "validation")}


def claim_stage(
    recipe: Recipe, folder: Path, stage: StageConfig, dataset: DatasetConfig, data: dict[str, Path], sources: dict[str, Path]
) -> None:
    """A run that goes on must be the same one: its model, configurations, processes, and, by content, its data and what it starts from."""
    given = {"model": asdict(recipe.model), "llm": asdict(recipe.llm), "listening": asdict(recipe.listening)}
    given |= {"stage": asdict(stage), "dataset": asdict(dataset), "data": marks(data)}
    claim(folder, {**given, "from": {name: mark(file) for name, file in sources.items()}, "processes": join().size})


def dialogues(recipe: Recipe, places: Iterable[Path], tokens: Tokens, config: DatasetConfig) -> DialogueDataset:
    """Of one or more manifests."""
    cuts = [cut for place in places for cut in manifest.read_cuts(place)]
    return DialogueDataset(cuts, recipe.model.clock, tokens, recipe.model.layout, config)


def finished(run: Path) -> Path:
    """The weights that a run of `train encoder` has left. ValueError where it was stopped before its end."""
    checkpoint, step = latest(run)
    steps = noted(run / "run.json").get("stage", {}).get("loop", {}).get("steps", math.inf)
    if step < steps:
        raise ValueError(f"{run} is not finished ({step} steps are done); start its stage again, which goes on, or take another folder")
    return checkpoint / "model.safetensors"


def load_for(recipe: Recipe, folder: Path) -> SalmonnOmni:
    """The model of a directory. ValueError names where it is not the recipe's; its thresholds, which are set after training, may differ."""
    model = load_model(folder)
    wanted = replace(recipe.model, thresholds=model.config.thresholds)
    same_configuration(folder, asdict(model.config), asdict(wanted))
    return model


def load_from_stage1(recipe: Recipe, folder: Path) -> SalmonnOmni:
    """As `load_for`, of a model that has not spoken yet: the layer that is spoken from, and the weights of what is said and of the slots,
    are the recipe's, so that several may go on from one stage 1."""
    model, wanted = load_model(folder), recipe.model
    backbone = replace(model.config.backbone, speech_layer=wanted.backbone.speech_layer)
    found = replace(model.config, backbone=backbone, layout=wanted.layout, speech_loss=wanted.speech_loss)
    same_configuration(folder, asdict(found), asdict(replace(wanted, thresholds=found.thresholds)))
    check_fits(model.backbone.llm, backbone)
    model.config, model.backbone.config = found, backbone
    return model


def run_encoder(recipe: Recipe, tokenizer: Path, data: Path, folder: Path, device: str, model_folder: Path | None = None) -> None:
    """The encoder's pre-training, on the dialogues of both stages: `data` holds the folders `stage1` and `stage2`, each with `train` and
    `validation` as made by `parley data build`. It goes on with the encoder of a finished model where one is given."""
    mark(tokenizer / TOKENIZER)
    tokens = Tokens.load(tokenizer)
    torch.manual_seed(recipe.encoder.loop.seed)
    both = {f"{stage}/{split}": place for stage in ("stage1", "stage2") for split, place in splits(data / stage).items()}
    sources = {"tokenizer": tokenizer / TOKENIZER} | ({"model": model_folder / "config.json"} if model_folder else {})
    speech_encoder = load_for(recipe, model_folder).encoder if model_folder else SpeechEncoder(recipe.model.encoder)
    claim_stage(recipe, folder, recipe.encoder, recipe.encoder_data, both, sources)
    stage = ListeningEncoder(speech_encoder, fresh_listening(recipe, tokens), recipe.encoder.perturbation).to(device)

    def dataset(split: str) -> DialogueDataset:
        return dialogues(recipe, (data / "stage1" / split, data / "stage2" / split), tokens, recipe.encoder_data)

    validation = validation_set(dataset("validation"), 2 * recipe.validation_batches)
    encoder.run(stage, dataset("train").batch, validation, recipe.encoder, folder, hears=model_folder is not None)


def run_distill(recipe: Recipe, data: Path, folder: Path, device: str) -> None:
    """The encoder learns from the recipe's Whisper; `data` holds the folders `train` and, perhaps, `validation` with lhotse manifests."""
    config = recipe.distill
    there = {split: place for split, place in splits(data).items() if split == "train" or place.exists()}
    claim(folder, {"encoder": asdict(recipe.model.encoder), "distill": asdict(config), "data": marks(there)})
    torch.manual_seed(config.loop.seed)
    teacher = Teacher(config.teacher, device)
    stage = Distillation(SpeechEncoder(recipe.model.encoder), teacher.width).to(device)

    def dataset(split: str) -> RecordingDataset:
        return RecordingDataset(read_recordings(data / split), config.rows, config.seconds, config.loop.seed)

    validation = [dataset("validation").batch(step) for step in range(recipe.validation_batches)] if (data / "validation").exists() else []
    distill.run(stage, teacher, dataset("train").batch, validation, config, folder)


def run_stage1(recipe: Recipe, tokenizer: Path, encoder_folder: Path, data: Path, folder: Path, device: str) -> None:
    """Stage 1 from the folder of the encoder's pre-training or distillation: `data` holds the folders `train` and `validation`."""
    distilled = encoder_folder / ENCODER
    before = distilled if distilled.exists() else finished(encoder_folder)
    sources = {"encoder": before, "tokenizer": tokenizer / TOKENIZER}
    mark(tokenizer / TOKENIZER)
    tokens = Tokens.load(tokenizer)
    torch.manual_seed(recipe.stage1.loop.seed)
    model = fresh_model(recipe, tokens)
    if distilled.exists():
        fit(read_weights(distilled), model.encoder, distilled)
    else:
        fit(read_weights(before), ListeningEncoder(model.encoder, fresh_listening(recipe, tokens)), before)
    claim_stage(recipe, folder, recipe.stage1, recipe.stage1_data, splits(data), sources)

    train, held_out = (dialogues(recipe, [data / split], tokens, recipe.stage1_data) for split in ("train", "validation"))
    stage1.run(model.to(device), train.batch, validation_set(held_out, recipe.validation_batches), recipe.stage1, folder)


def run_synthesizer(recipe: Recipe, tokenizer: Path, folder: Path, device: str) -> None:
    """Synthesizer pre-training: the speech tokenizer, mel decoder, vocoder and speech-token LM, on the assistant's voice."""
    given = {"synthesizer": asdict(recipe.model.synthesizer), "stage": asdict(recipe.synthesizer), "world": recipe.model.world}
    claim(folder, {**given, "from": {"tokenizer": mark(tokenizer / TOKENIZER)}})
    tokens = Tokens.load(tokenizer)
    torch.manual_seed(recipe.synthesizer.seed)
    parts = Synthesizer(recipe.model.synthesizer, shape_of(recipe).hidden_size, len(tokens.tokenizer))
    said = answers(recipe.model.world), assistant_sentences(recipe.model.world)
    synthesizer.run(recipe.synthesizer, parts, tokens, *said, folder, device)


def run_relearn(recipe: Recipe, model_folder: Path, folder: Path, device: str) -> None:
    """A speech tokenizer for the voice of a finished model, so that stages 2 and 3 can go on from it."""
    model = load_for(recipe, model_folder)
    claim(folder, {"stage": asdict(recipe.synthesizer), "from": {"model": mark(model_folder / "config.json")}})
    synthesizer.relearn(recipe.synthesizer, model.synthesizer, answers(recipe.model.world), folder, device)


def speaks_by(synthesizer: Synthesizer, pretrained: dict[str, Tensor]) -> bool:
    """Whether its tokens sound as those of `pretrained`, but for half precision: then its LM is what stage 2 made of that one."""
    own = {name: value for name, value in synthesizer.state_dict().items() if name.startswith(("mel_decoder.", "vocoder."))}
    return all(name in pretrained and torch.equal(value.cpu().half(), pretrained[name].half()) for name, value in own.items())


def run_stage2(
    recipe: Recipe,
    model_folder: Path,
    synthesizer_folder: Path,
    data: Path,
    folder: Path,
    device: str,
    encoder_folder: Path | None = None,
    from_stage1: bool = False,
) -> None:
    """Stage 2 from the model that stage 1 left, or a finished one, perhaps with an encoder that was trained on since, and the folder of the
    synthesizer's pre-training. Where the encoder learns along, so do the heads of its own folder."""
    voice = synthesizer_folder / "synthesizer.safetensors"
    model = (load_from_stage1 if from_stage1 else load_for)(recipe, model_folder).to(device)
    sources = {"model": model_folder / "config.json", "synthesizer": voice}
    sources |= {"speech tokenizer": synthesizer_folder / TOKENIZER_OF_SPEECH, "spoken": synthesizer_folder / SPOKEN}
    listening = fresh_listening(recipe, model.tokens) if encoder_folder else None
    if encoder_folder and listening:
        learned = sources["encoder"] = finished(encoder_folder)
        fit(read_weights(learned), ListeningEncoder(model.encoder, listening), learned)
    elif recipe.stage2.listening:
        raise ValueError(f"in stage 2 of the recipe {recipe.name} the encoder learns along: give --encoder, the folder of `train encoder`")
    mark(voice)
    if not speaks_by(model.synthesizer, pretrained := read_weights(voice)):
        fit(pretrained, model.synthesizer, voice)
    claim_stage(recipe, folder, recipe.stage2, recipe.stage2_data, splits(data), sources)
    cuts = {split: list(manifest.read_cuts(data / split)) for split in ("train", "validation")}
    spoken: dict[str, list[int]] = {}

    def dataset(split: str) -> DialogueDataset:
        return DialogueDataset(cuts[split], model.clock, model.tokens, recipe.model.layout, recipe.stage2_data, spoken)

    train, held_out = dataset("train"), dataset("validation")
    both = [*cuts["train"], *cuts["validation"]]
    spoken |= spoken_in(both, synthesizer_folder, model.synthesizer, recipe.synthesizer.tokenizer, model.tokens, folder)
    stage2.run(model, train.batch, validation_set(held_out, recipe.validation_batches), recipe.stage2, folder, listening)


def run_mine(recipe: Recipe, model_folder: Path, data: Path, folder: Path, device: str) -> dict[str, int]:
    """The model's own mistakes in built dialogues `data`, as preference pairs."""
    model = load_for(recipe, model_folder).to(device)
    given = {"model": mark(model_folder / "config.json"), "data": marks({"dialogues": data}), "mine": asdict(recipe.mine)}
    claim(folder, given)
    return mine(model, list(manifest.read_cuts(data)), recipe.mine, folder)


def is_dynamic(cut: MonoCut) -> bool:
    """Something is said into an answer, or after it, that stage 3 has pairs for."""
    return any(segment.kind in (Kind.INTERRUPTION, Kind.BACKCHANNEL, Kind.CHAT) for segment in manifest.segments(cut))


def run_stage3(recipe: Recipe, model_folder: Path, pairs: Path, synthesizer_folder: Path, data: Path, folder: Path, device: str) -> None:
    """Stage 3 from a finished model and what `run_mine` found: `pairs` holds the folder `train`, and `validation`, which may have few pairs
    or none; `data` holds the dialogues of stage 2."""
    model = load_for(recipe, model_folder).to(device)
    held = pairs / "validation" / PAIRS
    sources = {"model": model_folder / "config.json", "pairs": pairs / "train" / PAIRS, "spoken": synthesizer_folder / SPOKEN}
    sources |= {"held-out pairs": held} if held.exists() else {}
    config, plain_data = recipe.stage3, replace(recipe.stage2_data, seconds=recipe.stage3.plain_s)
    claim_stage(recipe, folder, config, plain_data, splits(data), sources)

    def pairs_of(split: str, rows: int) -> PairDataset:
        return PairDataset(pairs / split, model.tokens, model.clock, config.region, rows, config.loop.seed)

    learned = pairs_of("train", config.pairs)
    plain = [cut for cut in manifest.read_cuts(data / "train") if not is_dynamic(cut)]
    spoken = spoken_in(plain, synthesizer_folder, model.synthesizer, recipe.synthesizer.tokenizer, model.tokens, folder)
    dataset = DialogueDataset(plain, model.clock, model.tokens, recipe.model.layout, plain_data, spoken)
    few = min(config.pairs, len(read_lines(held)) if held.exists() else 0)
    held_out = pairs_of("validation", few) if few else None
    talks = [cut for cut in manifest.read_cuts(data / "validation") if is_dynamic(cut)][: recipe.validation_dialogues]
    measure = partial(yielding, model, talks, recipe.mine) if talks else None
    stage3.run(model, learned, dataset.batch, held_out, measure, config, folder)

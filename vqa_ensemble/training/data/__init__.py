"""Data sets as tensors: pictures' regions, questions as words, soft answer scores."""

from __future__ import annotations

from vqa_ensemble.errors import InputError
from vqa_ensemble.training.data.daquar import Daquar
from vqa_ensemble.training.data.easy_vqa import EasyVqa
from vqa_ensemble.training.data.folder import FolderDataset
from vqa_ensemble.training.data.gqa import Gqa
from vqa_ensemble.training.data.splits import Dataset
from vqa_ensemble.training.data.tdiuc import Tdiuc
from vqa_ensemble.training.data.visual7w import Visual7W
from vqa_ensemble.training.data.vqa import VqaFolder
from vqa_ensemble.training.recipe import DataSection

_FOLDERS: dict[str, type[FolderDataset]] = {
    kind.name: kind for kind in (Daquar, Gqa, Tdiuc, Visual7W)
}


def open_dataset(data: DataSection) -> Dataset:
    """The data set that a recipe's ``[data]`` names; its splits are read when asked for.

    Raises
    ------
    InputError
        If its package or folder is missing.
    """
    if data.dataset == "easy-vqa":
        return EasyVqa(data.patch)
    if not data.root:
        raise InputError(
            f"data set '{data.dataset}' needs the folder of its files",
            where="data.root",
            fix="Set it in the recipe, or give --data-root.",
        )
    if data.dataset in _FOLDERS:
        return _FOLDERS[data.dataset](data.root, regions=data.regions)
    return VqaFolder(data.root, name=data.dataset, regions=data.regions)

"""Region features: every published format becomes the same store, and bad ones are named."""

from __future__ import annotations

import gzip
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from region_writers import (
    COUNTS,
    IDS,
    PICTURES,
    WIDTH,
    coded,
    in_pixels,
    write_hdf5,
    write_hdf5_with_sizes,
    write_lmdb,
    write_lmdb_of_arrays,
    write_lmdb_of_npz,
    write_lxmert,
    write_npz_folder,
    write_transposed_npz,
    write_tsv,
)
from strategies import examples

from vqa_ensemble.cli import group
from vqa_ensemble.errors import InputError
from vqa_ensemble.files.plain_pickle import read_plain_pickle
from vqa_ensemble.regions.files import convert_regions, read_regions
from vqa_ensemble.regions.store import RegionStore, write_store

FORMATS = [
    write_tsv,
    write_lxmert,
    write_hdf5,
    write_hdf5_with_sizes,
    write_npz_folder,
    write_transposed_npz,
    write_lmdb,
    write_lmdb_of_arrays,
    write_lmdb_of_npz,
]


def assert_holds_the_pictures(store: RegionStore) -> None:
    rows = {int(image): row for row, image in enumerate(store.image_ids)}
    assert set(rows) == set(IDS)
    for image, (features, boxes) in PICTURES.items():
        found_features, found_boxes, mask = store.read(np.array([rows[image]]))
        np.testing.assert_array_equal(found_features[mask], features)
        np.testing.assert_allclose(found_boxes[mask], boxes, atol=1e-6)


@pytest.mark.parametrize("write", FORMATS)
def test_every_format_becomes_the_same_store(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    store = convert_regions([write(source)], tmp_path / "regions")
    assert store.width == WIDTH
    assert_holds_the_pictures(store)
    again = convert_regions([tmp_path / "regions"], tmp_path / "again")
    assert_holds_the_pictures(again)
    for name in ("features", "boxes", "counts", "image_ids"):
        one, other = (tmp_path / folder / f"{name}.npy" for folder in ("regions", "again"))
        assert one.read_bytes() == other.read_bytes()


def test_fixed_regions_in_hdf5(tmp_path: Path) -> None:
    h5py = pytest.importorskip("h5py")
    features = np.arange(4 * 3 * 2, dtype=np.float32).reshape(4, 3, 2)
    boxes = np.tile(np.array([0, 0.25, 0.5, 1, 0.5, 0.75], np.float32), (4, 3, 1))
    with h5py.File(tmp_path / "train36.hdf5", "w") as file:
        file["image_features"], file["spatial_features"] = features, boxes
        file["image_ids"] = np.array([5, 3, 9, 1])
    store = convert_regions([tmp_path / "train36.hdf5"], tmp_path / "regions")
    assert store.image_ids.tolist() == [5, 3, 9, 1]
    found, found_boxes, mask = store.read(np.array([2, 0]))
    np.testing.assert_array_equal(found, features[[2, 0]])
    np.testing.assert_array_equal(found_boxes, boxes[[2, 0], :, :4])
    assert mask.all()


def test_the_first_k_regions_are_read(tmp_path: Path) -> None:
    convert_regions([write_tsv(tmp_path)], tmp_path / "regions")
    whole, first = RegionStore(tmp_path / "regions"), RegionStore(tmp_path / "regions", 2)
    rows = np.array([2, 0, 1, 2])
    features, boxes, mask = first.read(rows)
    assert features.shape == (4, 2, WIDTH)
    assert mask.sum(1).tolist() == [2, 2, 1, 2]
    np.testing.assert_array_equal(features, whole.read(rows)[0][:, :2])
    np.testing.assert_array_equal(boxes, whole.read(rows)[1][:, :2])
    assert not features[~mask].any()
    assert RegionStore(tmp_path / "regions", 50).read(rows)[0].shape == (4, 5, WIDTH)
    kept = convert_regions([tmp_path / "regions"], tmp_path / "few", limit=2)
    assert kept.counts.tolist() == [2, 1, 2]


def test_a_store_goes_to_another_process(tmp_path: Path) -> None:
    store = convert_regions([write_tsv(tmp_path)], tmp_path / "regions")
    sent = pickle.dumps(store)
    assert len(sent) < 1000  # the place, not the content
    assert_holds_the_pictures(pickle.loads(sent))  # noqa: S301


@examples(30, deadline=None)
@given(
    st.lists(
        st.integers(1, 6).flatmap(
            lambda k: hnp.arrays(np.float16, (k, 3), elements=st.floats(-8, 8, width=16))
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, pictures: Any) -> None:
    folder = tmp_path_factory.mktemp("store")
    with write_store(folder) as writer:
        for image, features in enumerate(pictures):
            boxes = np.tile(np.array([0, 0, 1, 1]), (len(features), 1))
            writer.add(image, features, boxes, path=folder)
    store = RegionStore(folder)
    features, _, mask = store.read(np.arange(len(pictures))[::-1])
    for found, there, expected in zip(features, mask, reversed(pictures), strict=True):
        np.testing.assert_array_equal(found[there], expected)


def test_ids_of_both_kinds_become_text(tmp_path: Path) -> None:
    with write_store(tmp_path) as writer:
        for image in ("n161313", 2370799):
            writer.add(image, np.ones((1, 2)), np.array([[0, 0, 1, 1]]), path=tmp_path)
    assert RegionStore(tmp_path).image_ids.tolist() == ["n161313", "2370799"]


def add(writer: Any, image: int = 1, **changes: Any) -> None:
    arrays = {"features": np.ones((2, 3)), "boxes": np.array([[0, 0, 1, 1], [0, 0, 0.5, 1]])}
    writer.add(image, **{**arrays, **changes}, path="from.tsv")


def changed(array: np.ndarray, place: tuple[int, int], value: float) -> np.ndarray:
    array = array.astype(float)
    array[place] = value
    return array


BOXES = np.array([[0.0, 0, 1, 1], [0, 0, 0.5, 1]])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": changed(np.ones((2, 3)), (1, 2), np.nan)}, "region 1 has a feature that"),
        ({"features": changed(np.ones((2, 3)), (0, 0), 1e6)}, "region 0 has a feature of 1e.06,"),
        ({"boxes": changed(BOXES, (1, 2), 1.2)}, "region 1 is not within .*: 0, 0, 1.2, 1"),
        ({"boxes": changed(BOXES, (0, 0), -0.5)}, "box of region 0 is not within"),
        ({"boxes": changed(BOXES, (0, 3), np.nan)}, "box of region 0 is not within"),
        ({"boxes": changed(BOXES, (1, 0), 0.9)}, "box of region 1 is not within"),
        ({"features": np.ones((2, 4))}, "features are 4 wide, those before 3"),
        ({"features": np.ones((3, 3))}, "do not fit"),
        ({"features": np.ones((0, 3)), "boxes": BOXES[:0]}, "has no regions"),
        ({"image": 0}, "stands there twice"),
    ],
)  # fmt: skip
def test_wrong_regions_are_named_and_nothing_is_written(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    def write() -> None:
        with write_store(tmp_path / "regions") as writer:
            add(writer, 0)
            add(writer, **changes)

    image = changes.get("image", 1)
    with pytest.raises(InputError, match=rf"^from\.tsv, image {image}: .*{message}"):
        write()
    assert not any((tmp_path / "regions").glob("*"))


def test_a_run_that_fails_leaves_the_store_there_was(tmp_path: Path) -> None:
    source = write_tsv(tmp_path)
    convert_regions([source], tmp_path / "regions")
    with pytest.raises(InputError, match="image 42: stands there twice"):
        convert_regions([source, source], tmp_path / "regions")
    assert_holds_the_pictures(RegionStore(tmp_path / "regions"))


def test_a_store_without_its_last_file_is_not_whole(tmp_path: Path) -> None:
    convert_regions([write_tsv(tmp_path)], tmp_path / "regions")
    (tmp_path / "regions" / "image_ids.npy").unlink()
    with pytest.raises(InputError, match=r"image_ids\.npy: no such file"):
        RegionStore(tmp_path / "regions")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("features", np.full((2, 3, 4), np.nan, np.float16), "image 8: region 0 has a feature"),
        ("boxes", np.full((2, 3, 4), 40, np.float32), "image 8: the box of region 0 .*: 40, 40"),
        ("boxes", np.zeros((2, 2, 4), np.float32), r"boxes.npy: has shape \(2, 2, 4\); expected"),
        ("features", np.zeros((3, 3, 4), np.float16), r"has shape \(3, 3, 4\); expected"),
        ("features", np.zeros((4, 4), np.float16), r"has shape \(4, 4\); expected \(6, D\)"),
        ("image_ids", np.array([8, 8]), "image 8 stands there twice"),
        ("counts", np.array([3, 4]), "must lie between 1 and 3"),
        ("counts", np.array([3]), r"has shape \(1,\)"),
        ("counts", np.array([3.0, 3.0]), "counts.npy: holds float64; expected integers"),
        ("image_ids", np.array([8.5, 9.5]), "image_ids.npy: holds float64; expected integers or"),
        ("image_ids", np.array([[8], [9]]), r"image_ids.npy: has shape \(2, 1\); expected \(I,\)"),
        ("features", np.ones((2, 3, 4), np.int64), "features.npy: holds int64; expected"),
        ("boxes", np.full((2, 3, 4), "a"), "boxes.npy: holds <U1; expected"),
    ],
)  # fmt: skip
def test_arrays_of_other_programs_are_checked(
    tmp_path: Path, name: str, array: np.ndarray, message: str
) -> None:
    arrays = {
        "features": np.ones((2, 3, 4), np.float16),
        "boxes": np.tile(np.array([0, 0, 1, 1], np.float32), (2, 3, 1)),
        "image_ids": np.array([8, 9]),
        "counts": np.array([3, 3]),
    }
    for key, value in {**arrays, name: array}.items():
        np.save(tmp_path / f"{key}.npy", value)
    with pytest.raises(InputError, match=message):
        RegionStore(tmp_path)


@pytest.mark.parametrize("wrong", [1.5, np.nan])
def test_boxes_of_a_store_are_checked_when_it_is_opened(tmp_path: Path, wrong: float) -> None:
    convert_regions([write_tsv(tmp_path)], tmp_path / "regions")
    path = tmp_path / "regions" / "boxes.npy"
    boxes = np.load(path)
    boxes[COUNTS[0] + COUNTS[1] + 2, 3] = wrong
    np.save(path, boxes)
    with pytest.raises(InputError, match="image 100005: the box of region 2 is not within"):
        RegionStore(tmp_path / "regions")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.tsv", b"1\t2\t3\n", r"a\.tsv, line 1: has 3 columns. It must have 6"),
        ("a.tsv", b"1\t2\t3\t1\tAA!AAA\tAAAA\n", r"a\.tsv, line 1: its boxes are not base64 of"),
        ("a.tsv", b"1\t2\t3\t2\t" + b"A" * 22 + b"==\tAAAAAA==\n", "num_boxes is 2, but .* 1 b"),
        ("a.tsv", b"1\tx\t3\t1\t" + b"A" * 22 + b"==\tAAAAAA==\n", "image_w is b'x'. It must be a"),
        ("a.tsv", b"1\t0\t3\t1\t" + b"A" * 22 + b"==\tAAAAAA==\n", "width and height are 0 and 3"),
        ("a.tsv", b"1\t2\t3\t0\t\t\n", r"a\.tsv, line 1: has no regions"),
        ("a.tsv.gz", gzip.compress(b"", mtime=0), r"a\.tsv\.gz: is packed with gzip. Unpack it"),
        ("a.hdf5", b"nothing", "is not a readable HDF5 file"),
        ("a.lmdb", b"nothing", "is not a readable LMDB database"),
        ("a.npz", b"nothing", r"a\.npz: is not a readable \.npz file"),
        ("a.zip", b"nothing", "is of an unknown kind. Known are .tsv"),
    ],
)  # fmt: skip
def test_broken_files_are_named(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        list(read_regions(tmp_path / name))


def write_npz(path: Path, **changes: Any) -> None:
    features, boxes = PICTURES[42]
    arrays = {"features": features, "boxes": boxes, "scores": np.arange(3.0), **changes}
    np.savez(path, **{name: array for name, array in arrays.items() if array is not None})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"boxes": None}, r"^\S*42\.npz: has no array boxes. Save its boxes as"),
        ({"scores": np.arange(2.0)}, "scores are not 3 finite numbers, one a region"),
        ({"scores": np.array([1, np.nan, 3])}, "scores are not 3 finite numbers"),
        ({"scores": np.ones((3, 2))}, "scores are not 3 finite numbers"),
        ({"scores": np.array(["a", "b", "c"])}, "scores are not 3 finite numbers"),
        ({"boxes": np.array(1.0)}, r"features \(3, 6\) and boxes \(1,\) do not fit"),
        ({"features": np.array(1.0)}, r"features \(1,\) and boxes \(3, 4\) do not fit"),
        ({"boxes": np.ones((3, 5))}, r"features \(3, 6\) and boxes \(3, 5\) do not fit"),
        ({"features": np.ones((7, 7, 2))}, r"features \(7, 7, 2\) and boxes \(3, 4\) do not fit"),
        ({"image_w": 200, "image_h": 100}, "within one pixel of 200 x 100: they look like shares"),
    ],
)  # fmt: skip
def test_arrays_that_do_not_belong_together_are_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    write_npz(tmp_path / "42.npz")
    list(read_regions(tmp_path))
    write_npz(tmp_path / "42.npz", **changes)
    with pytest.raises(InputError, match=message):
        list(read_regions(tmp_path))


def test_what_editors_and_other_systems_add_to_text_is_ignored(tmp_path: Path) -> None:
    content = write_tsv(tmp_path).read_bytes().replace(b"\n", b"\r\n")
    (tmp_path / "VAL.TSV").write_bytes(b"\xef\xbb\xbf" + content + b"\r\n")
    assert_holds_the_pictures(convert_regions([tmp_path / "VAL.TSV"], tmp_path / "regions"))


def test_a_file_without_pictures_is_named(tmp_path: Path) -> None:
    (tmp_path / "empty.tsv").touch()
    with pytest.raises(InputError, match=r"empty\.tsv: holds no pictures"):
        convert_regions([write_tsv(tmp_path), tmp_path / "empty.tsv"], tmp_path / "regions")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"pos_boxes": np.arange(4)}, r"pos_boxes has shape \(4,\). It must be \(I, 2\)"),
        ({"pos_boxes": np.array([[0, 3], [3, 3], [4, 9], [0, 0]])}, "image 7: has no regions"),
        ({"pos_boxes": np.array([[0, 3], [3, 4], [4, 10], [0, 0]])}, "regions that are not there"),
        ({"image_w": np.ones(3)}, r"image_w has shape \(3,\); expected \(4,\)"),
        ({"image_bb": np.full((9, 4), 0.5)}, "image 42: all boxes lie within one pixel of 200 x 1"),
        ({"image_features/42": np.ones((3, 6))}, "has no data set 'image_features'"),
    ],
)  # fmt: skip
def test_hdf5_with_other_contents_is_refused(
    tmp_path: Path, arrays: dict[str, np.ndarray], message: str
) -> None:
    h5py = pytest.importorskip("h5py")
    path = write_hdf5_with_sizes(tmp_path)
    with h5py.File(path, "a") as file:
        for name, array in arrays.items():
            del file[name.split("/")[0]]
            file[name] = array
    with pytest.raises(InputError, match=message):
        convert_regions([path], tmp_path / "regions")


def test_features_of_no_width_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tsv"
    path.write_text(f"42\t200\t100\t3\t{coded(in_pixels(PICTURES[42][1]))}\t\n")
    with pytest.raises(InputError, match=r"features \(3, 0\) and boxes \(3, 4\) do not fit"):
        convert_regions([path], tmp_path / "regions")


def write_store_folder(folder: Path) -> Path:
    convert_regions([write_tsv(folder)], folder / "regions")
    (folder / "karpathy_val_resnet101_faster_rcnn_genome.tsv.0").unlink()
    return folder / "regions"


@pytest.mark.slow
@pytest.mark.parametrize("write", [*FORMATS, write_store_folder])
def test_damaged_files_are_taken_or_refused(tmp_path: Path, write: Callable[[Path], Path]) -> None:
    source = tmp_path / "source"
    source.mkdir()
    path = write(source)
    random = np.random.default_rng(0)
    refused = 0
    for file in sorted(path.rglob("*") if path.is_dir() else source.iterdir()):
        if file.name == "lock.mdb":
            continue
        whole = file.read_bytes()
        for change in range(40):
            content, place = bytearray(whole), int(random.integers(len(whole)))
            if change % 4 == 0:
                del content[place:]
            else:
                content[place : place + change] = random.bytes(len(content[place : place + change]))
            file.write_bytes(bytes(content))
            try:
                convert_regions([path], tmp_path / "regions")
            except InputError:
                refused += 1
        file.write_bytes(whole)
    assert refused > 10
    convert_regions([path], tmp_path / "regions")


def test_a_cut_database_is_refused(tmp_path: Path) -> None:
    path = write_lmdb(tmp_path)
    file = path / "data.mdb"
    content = file.read_bytes()
    for part in (2, 3):
        file.write_bytes(content[: len(content) // part])
        with pytest.raises(InputError, match=r"is shorter than its|is not a readable LMDB"):
            list(read_regions(path))


def test_a_database_whose_pages_lead_beyond_its_end_is_refused(tmp_path: Path) -> None:
    """Reading there would end the process."""
    path = write_lmdb(tmp_path)
    file = path / "data.mdb"
    content = bytearray(file.read_bytes())
    content[9002:9003] = b"../../etc/passwd"  # what follows is not where the page says
    file.write_bytes(content)
    with pytest.raises(InputError, match=r"is a damaged LMDB .* ends the process \(SIG"):
        list(read_regions(path))


def test_hdf5_that_does_not_say_its_images_asks_for_them(tmp_path: Path) -> None:
    path = write_hdf5(tmp_path, index="none")
    with pytest.raises(InputError, match=r"which picture is which. It needs .*val_imgid2idx\.pkl"):
        list(read_regions(path))
    for rows in ('{"1": 99}', '{"1": 0, "2": 0}'):
        (tmp_path / "val_imgid2idx.json").write_text(rows)
        with pytest.raises(InputError, match="is not a map of image ids to different rows below 4"):
            list(read_regions(path))


class Evil:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("exit 1",)


def test_pickles_run_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(os, "system", called.append)
    path = write_hdf5(tmp_path)
    (tmp_path / "val_imgid2idx.pkl").write_bytes(pickle.dumps({1: Evil()}))
    with pytest.raises(InputError, match=r"val_imgid2idx\.pkl: is not a pickle of plain values"):
        list(read_regions(path))
    assert not called
    values = {"a": np.arange(3.0), "b": np.float32(2), "c": [1, "x", None, (2.5, b"y")]}
    for protocol in range(2, 6):
        back = read_plain_pickle(pickle.dumps(values, protocol))
        np.testing.assert_array_equal(back["a"], values["a"])
        assert (back["b"], back["c"]) == (values["b"], values["c"])


def test_the_command_converts(tmp_path: Path) -> None:
    arguments = ["convert-features", str(write_tsv(tmp_path)), "-o", str(tmp_path / "regions")]
    result = CliRunner().invoke(group, [*arguments, "--json"], catch_exceptions=False)
    report = json.loads(result.output)
    assert (report["pictures"], report["regions"], report["width"]) == (3, 9, WIDTH)
    assert (report["fewest"], report["most"]) == (1, 5)
    result = CliRunner().invoke(group, arguments, catch_exceptions=False)
    assert "9 regions of 3 pictures" in result.output


@pytest.mark.parametrize("how", ["external link", "soft link", "virtual", "external storage"])
@pytest.mark.parametrize("name", ["image_features", "spatial_features", "image_ids"])
def test_hdf5_that_reaches_into_other_files_is_refused(tmp_path: Path, how: str, name: str) -> None:
    h5py = pytest.importorskip("h5py")
    values = {
        "image_features": np.ones((2, 3, 4), np.float32),
        "spatial_features": np.full((2, 3, 6), 0.5, np.float32),
        "image_ids": np.array([1, 2]),
    }
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file[name] = values[name]
    secret = tmp_path / "secret"
    secret.write_bytes(values[name].tobytes())
    with h5py.File(tmp_path / "a.hdf5", "w") as file:
        for key, value in values.items():
            if key != name:
                file[key] = value
        if how == "external link":
            file[name] = h5py.ExternalLink("other.h5", name)
        elif how == "soft link":
            file["inner"] = h5py.ExternalLink("other.h5", name)
            file[name] = h5py.SoftLink("/inner")
        elif how == "virtual":
            layout = h5py.VirtualLayout(values[name].shape, values[name].dtype)
            layout[:] = h5py.VirtualSource(tmp_path / "other.h5", name, values[name].shape)
            file.create_virtual_dataset(name, layout)
        else:
            stored = [(str(secret), 0, values[name].nbytes)]
            file.create_dataset(name, values[name].shape, values[name].dtype, external=stored)
    with pytest.raises(InputError, match=f"'{name}' is a link, virtual, or stored outside"):
        convert_regions([tmp_path / "a.hdf5"], tmp_path / "regions")

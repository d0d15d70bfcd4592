"""evaluate --metric wups: sets of things, compared in WordNet's taxonomy."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from command_line import Runner
from foreign_files import dump
from hypothesis import given, settings
from hypothesis import strategies as st
from wordnet_files import SYNSETS, write_wordnet

from vqa_ensemble.errors import InputError
from vqa_ensemble.files import wordnet
from vqa_ensemble.files.wordnet import WordNet
from vqa_ensemble.scoring.wups import wups


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wordnet(tmp_path_factory.mktemp("wordnet"))


@pytest.fixture(scope="module")
def tiny(folder: Path) -> WordNet:
    return WordNet(folder)


# By hand: twice the depth of what is above both, over the sum of their depths.
PAIRS = [
    ("dog", "puppy", 10 / 11),
    ("dog", "hound", 1.0),
    ("dog", "cat", 6 / 10),
    ("cat", "canine", 6 / 9),
    ("dog", "table", 2 / 8),
    ("table", "chair", 4 / 6),
    ("table", "arm chair", 4 / 6),
    ("mouse", "chair", 6 / 8),  # the person: below mammal, as the mouse
    ("dogs", "mice", 6 / 9),
    ("dog", "unheard-of", 0.0),
]


@pytest.mark.parametrize(("first", "second", "expected"), PAIRS)
def test_similarity_is_that_of_wu_and_palmer(
    tiny: WordNet, first: str, second: str, expected: float
) -> None:
    assert tiny.similarity(first, second) == pytest.approx(expected)
    assert tiny.similarity(second, first) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("answer", "right", "at_9", "at_0"),
    [
        ("dog", "dog", 1, 1),
        ("Dog", "dog", 1, 1),
        ("puppy", "dog", 10 / 11, 10 / 11),
        ("cat", "dog", 0.06, 0.6),
        ("gone", "dog", 0, 0),
        ("gone", "gone", 1, 1),
        ("2", "two", 1, 1),  # in VQA normal form
        # Sets: in any order, and as members write them who know no commas.
        ("table, dog", "dog,table", 1, 1),
        ("dog, dog", "dog", 1, 1),
        ("dog table", "table, dog", 1, 1),
        # What is missing: the dog is all there, the table is near the dog by 1/4.
        ("dog", "dog, table", 0.025, 0.25),
        ("dog, table", "dog", 0.025, 0.25),
        # min(10/11 · 1, 10/11 · 1)
        ("puppy, table", "dog, table", 10 / 11, 10 / 11),
        # min(6/10 · 4/6, 6/10 · 4/6)
        ("cat, chair", "dog, table", 0.06 * 4 / 60, 0.6 * 4 / 6),
        (",", "dog", 0, 0),
    ],
)
def test_wups_by_hand(tiny: WordNet, answer: str, right: str, at_9: float, at_0: float) -> None:
    assert wups([answer], [right], tiny.similarity)[0] == pytest.approx(at_9)
    assert wups([answer], [right], tiny.similarity, 0.0)[0] == pytest.approx(at_0)


things = st.lists(st.sampled_from([w for words, _ in SYNSETS.values() for w in words] + ["gone"]),
                  min_size=1, max_size=3).map(",".join)  # fmt: skip


@settings(deadline=None)
@given(answer=things, right=things)
def test_wups_is_symmetric_and_grows_as_the_threshold_falls(
    tiny: WordNet, answer: str, right: str
) -> None:
    strict, plain = (
        wups([answer, right], [right, answer], tiny.similarity, threshold) for threshold in (0.9, 0)
    )
    assert strict[0] == pytest.approx(strict[1])
    assert plain[0] == pytest.approx(plain[1])
    assert 0 <= strict[0] <= plain[0] <= 1
    assert (plain[0] == 1) == (set(answer.split(",")) == set(right.split(","))) or plain[0] == 1


def scored(
    cli: Runner, tmp_path: Path, answers: dict[int, str], *options: object
) -> dict[str, float]:
    (tmp_path / "a.csv").write_text('question_id,answer\n1,"dog, table"\n2,cat\n3,puppy\n')
    file = dump(tmp_path / "s.json", [{"question_id": q, "answer": a} for q, a in answers.items()])
    (found,) = cli.good(
        "evaluate", file, "--annotations", tmp_path / "a.csv", "--metric", "wups", "--json",
        *options,
    ).json["files"]  # fmt: skip
    assert isinstance(found, dict)
    return found


def test_evaluate_gives_both_figures(cli: Runner, tmp_path: Path, folder: Path) -> None:
    answers = {1: "table, dog", 2: "dog", 3: "dog"}
    found = scored(cli, tmp_path, answers, "--wordnet", folder)
    assert found["overall"] == pytest.approx(100 * (1 + 0.06 + 10 / 11) / 3, abs=0.005)
    assert found["WUPS@0.0"] == pytest.approx(100 * (1 + 0.6 + 10 / 11) / 3, abs=0.005)
    del answers[1]
    found = scored(cli, tmp_path, answers, "--wordnet", folder, "--missing", "wrong")
    assert found["WUPS@0.0"] == pytest.approx(100 * (0.6 + 10 / 11) / 3, abs=0.005)


def test_the_environment_names_the_folder(
    cli: Runner, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WNSEARCHDIR", str(folder))
    assert scored(cli, tmp_path, {1: "dog, table", 2: "cat", 3: "puppy"})["overall"] == 100.0


def test_a_system_without_wordnet_is_told_where_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import nltk.data

    monkeypatch.setattr(wordnet, "SYSTEM_FOLDER", tmp_path)
    monkeypatch.setattr(nltk.data, "path", [])
    with pytest.raises(InputError, match=r"needs WordNet.*wordnet-base.*--wordnet"):
        WordNet()
    with pytest.raises(InputError, match=f"{tmp_path}: has no index.noun of WordNet"):
        WordNet(tmp_path)
    write_wordnet(tmp_path)
    assert WordNet().similarity("dog", "hound") == 1.0


@pytest.mark.parametrize("zipped", [False, True])
def test_data_of_nltk_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, folder: Path, zipped: bool
) -> None:
    import shutil

    import nltk.data

    monkeypatch.setattr(wordnet, "SYSTEM_FOLDER", tmp_path / "none")
    monkeypatch.setattr(nltk.data, "path", [str(tmp_path)])
    shutil.copytree(folder, tmp_path / "corpora" / "wordnet")
    if zipped:
        shutil.make_archive(
            str(tmp_path / "corpora" / "wordnet"), "zip", tmp_path / "corpora", "wordnet"
        )
        shutil.rmtree(tmp_path / "corpora" / "wordnet")
    assert WordNet().similarity("dogs", "puppy") == pytest.approx(10 / 11)


@pytest.mark.parametrize("file", ["index.noun", "data.noun"])
@pytest.mark.parametrize("content", ["\xff", "dog n 1\n", "dog n x y z\n" * 99])
def test_broken_files_are_refused(tmp_path: Path, file: str, content: str) -> None:
    write_wordnet(tmp_path)
    (tmp_path / file).write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=f"{tmp_path}: holds no WordNet that can be read"):
        WordNet(tmp_path).similarity("dog", "puppy")


def test_irregular_plurals_may_be_left_out(tmp_path: Path) -> None:
    (write_wordnet(tmp_path) / "noun.exc").unlink()
    plain = WordNet(tmp_path)
    assert plain.similarity("dogs", "hound") == 1.0
    assert plain.similarity("mice", "mouse") == 0.0


def test_nltk_missing_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nltk", None)
    monkeypatch.setitem(sys.modules, "nltk.data", None)
    with pytest.raises(InputError, match=r"pip install 'vqa-ensemble\[wups\]'"):
        WordNet()


def test_the_real_wordnet() -> None:
    try:
        real = WordNet()
    except InputError as error:
        pytest.skip(str(error))
    # The figure of NLTK's own documentation for dog and cat; carnivore is at depth 12, they at 14.
    assert real.similarity("dog", "cat") == pytest.approx(2 * 12 / (14 + 14))
    assert real.similarity("garbage can", "ashcan") == 1.0
    assert real.similarity("mice", "mouse") == 1.0
    assert real.similarity("glossop-by-the-sea", "mouse") == 0.0
    # Synonyms count in full at 0.9, near things by a tenth.
    found = wups(["sofa", "cat"], ["couch", "dog"], real.similarity)
    assert found == pytest.approx([1.0, 0.1 * 24 / 28])

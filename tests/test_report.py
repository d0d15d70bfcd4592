"""The report: its figures are those of the other commands, and it works in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_line import Runner
from PIL import Image
from playwright.sync_api import expect, sync_playwright

from vqa_ensemble.answers.answer_map import AnswerMap, read_answer_map, write_answer_map
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.errors import InputError
from vqa_ensemble.files.picture import read_picture
from vqa_ensemble.learning.fit import fit
from vqa_ensemble.learning.labelled import load_labelled
from vqa_ensemble.predictions.files import write_predictions
from vqa_ensemble.questions.vqa import read_submission
from vqa_ensemble.report import build, charts, images, page
from vqa_ensemble.report.contents import headline, report_contents

ROOT = Path(__file__).resolve().parents[1]

# A busy machine may take longer than the usual five seconds.
expect.set_options(timeout=20_000)
WORDS = {"number": ["1", "2", "3", "4"], "yes/no": ["yes", "no"], "color": ["red", "blue", "green"]}
# Markup that would say so if it ran.
EVIL = "<img src=x onerror=\"window.ran = 'img'\"></script><script>window.ran = 'script'</script>"


def write_data(folder: Path, n_questions: int, skills: tuple[float, ...], seed: int = 0) -> None:
    """Members, annotations, questions, a map and pictures, under their usual names."""
    rng = np.random.default_rng(seed)
    kinds = list(WORDS)
    ids = 1000 + np.arange(n_questions)
    kind = rng.integers(len(kinds), size=n_questions)
    right = [str(rng.choice(WORDS[kinds[k]])) for k in kind]
    everything = [(word, k) for k, words in WORDS.items() for word in words]
    for m, skill in enumerate(skills):
        rows = []
        for q, question in enumerate(ids.tolist()):
            own = [w for w in WORDS[kinds[kind[q]]] if w != right[q]]
            strange = everything[int(rng.integers(len(everything)))][0]
            first = right[q] if rng.random() < skill else strange
            ranked = list(dict.fromkeys([first, right[q], own[0]]))
            sure = float(rng.uniform(0.4, 0.95))
            for place, answer in enumerate(ranked):
                rows.append((question, answer, sure / 2**place))
        question_ids, answers, confidences = zip(*rows, strict=True)
        path = folder / "preds" / "val" / f"member-{m}.parquet"
        write_predictions(path, question_ids, answers, confidences, member=f"member-{m}")
    annotations = [
        {
            "question_id": question,
            "question_type": "what",
            "answer_type": kinds[k],
            "answers": [{"answer": a} for a in [answer] * 8 + ["something else"] * 2],
        }
        for question, k, answer in zip(ids.tolist(), kind, right, strict=True)
    ]
    questions = [
        {"question_id": question, "image_id": 7 + question % 5, "question": f"What is {q}?"}
        for q, question in enumerate(ids.tolist())
    ]
    (folder / "val_annotations.json").write_text(json.dumps({"annotations": annotations}))
    (folder / "val_questions.json").write_text(json.dumps({"questions": questions}))
    pairs = [(word, k) for word, k in everything for _ in range(3)]
    write_answer_map(folder / "my-map.csv", AnswerMap.from_pairs(pairs))
    (folder / "images").mkdir()
    for image in range(7, 11):  # that of 11 is missing
        picture = Image.new("RGB", (400, 200), (20 * image, 40, 90))
        picture.save(folder / "images" / f"COCO_val_{image:012d}.png")


def report(cli: Runner, folder: Path, *more: object, name: str = "report.html") -> Path:
    files = sorted((folder / "preds" / "val").glob("*.parquet"))
    page = folder / name
    cli.good(
        "report", *files, "--annotations", folder / "val_annotations.json",
        "--questions", folder / "val_questions.json", *more, "-o", page,
    )  # fmt: skip
    return page


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_data(folder, 240, (0.8, 0.6, 0.5, 0.4, 0.4))
    return folder


def load(folder: Path) -> Any:
    return load_labelled(
        sorted((folder / "preds" / "val").glob("*.parquet")),
        annotations=str(folder / "val_annotations.json"),
        options=VoteOptions(answer_map=read_answer_map(folder / "my-map.csv")),
    )


# ------------------------------------------------------------------------------- figures


def test_the_headline_is_what_compare_says(cli: Runner, folder: Path) -> None:
    page = report(cli, folder, "--map", folder / "my-map.csv").read_text()
    files = sorted((folder / "preds" / "val").glob("*.parquet"))
    compared = cli.good(
        "compare", *files, "--annotations", folder / "val_annotations.json",
        "--map", folder / "my-map.csv", "--methods", "majority", "--json",
    ).json  # fmt: skip
    rows = {row["method"]: row for row in compared["methods"]}
    ours = rows["question-type"]
    against = [100 * ours[key]["difference"] for key in ("against_best_single", "against_majority")]
    [found] = re.findall(r'<p class="headline">(.*)</p>', page)
    found = found.replace("\N{NO-BREAK SPACE}", " ")
    assert f"(question-type voting) scores {100 * ours['accuracy']:.2f} % on 240 questions" in found
    assert [float(n) for n in re.findall(r"([-\d.]+) points", found)] == pytest.approx(
        against, abs=0.005
    )
    assert "the best member, member-0" in found


def test_the_command_says_what_the_page_says(cli: Runner, folder: Path) -> None:
    files = sorted((folder / "preds" / "val").glob("*.parquet"))
    page = folder / "said.html"
    arguments = ("report", *files, "--annotations", folder / "val_annotations.json", "-o", page)
    said = cli.good(*arguments).out.splitlines()
    assert said[0] in page.read_text()
    assert said[1].startswith(f"Wrote {page}, 2.")
    record = cli.good(*arguments, "--json").json
    assert (record["headline"], record["bytes"]) == (said[0], page.stat().st_size)
    assert record["comparison"]["questions"] == 240
    assert cli.good(*arguments, "-q").out == ""


def test_one_member_and_questions_that_a_member_lacks(
    chromium: Any, cli: Runner, folder: Path, tmp_path: Path
) -> None:
    few = tmp_path / "few.parquet"
    write_predictions(few, [1000, 1001], ["red", "red"], [0.5, 0.5], member="few")
    first = folder / "preds" / "val" / "member-0.parquet"
    for files in ([first], [first, few]):
        path = tmp_path / "report.html"
        cli.good(
            "report", *files, "--annotations", folder / "val_annotations.json",
            "--map", folder / "my-map.csv", "--missing", "abstain", "-o", path,
        )  # fmt: skip
        page = Opened(chromium, path)
        page.page.locator("#list > li").nth(2).locator("summary").click()
        story = page.page.locator("#list .story").text_content()
        assert ("no vote" in story) == (len(files) == 2)
        assert page.complaints == []
        page.page.close()


def test_without_a_map_or_an_ensemble_it_is_on_equal_votes(cli: Runner, folder: Path) -> None:
    page = report(cli, folder).read_text()
    assert "(majority vote) scores" in page
    assert 'id="changes"' not in page


def test_an_ensemble_is_not_scored_on_what_it_was_fitted_on(
    cli: Runner, folder: Path, tmp_path: Path
) -> None:
    write_data(tmp_path, 200, (0.8, 0.6, 0.5, 0.4, 0.4), seed=1)
    for data in (folder, tmp_path):
        files = sorted((data / "preds" / "val").glob("*.parquet"))
        cli.good(
            "fit", *files, "--annotations", data / "val_annotations.json",
            "--method", "accuracy-weights", "-o", data / "ensemble.toml",
        )  # fmt: skip
    ensemble = folder / "ensemble.toml"
    here = report(cli, folder, "--ensemble", ensemble).read_text()
    there = report(cli, tmp_path, "--ensemble", ensemble).read_text()
    assert "was fitted on these very questions" in here
    assert "was fitted on these very questions" not in there
    assert '<tr class="ours"><th scope="row">accuracy-weights</th>' in here
    assert '<tr class="ours"><th scope="row">ensemble.toml</th>' in there


def test_changes_are_those_of_the_vote(cli: Runner, folder: Path) -> None:
    labelled = load(folder)
    contents = report_contents(labelled)
    files = sorted((folder / "preds" / "val").glob("*.parquet"))
    vote = cli.good("vote", *files, "--map", folder / "my-map.csv", "--json").json
    total = sum(c.gained + c.lost + c.neutral for c in contents.changes)
    assert total == vote["changed_by_revoting"] > 0
    gain = contents.method("question-type").against_majority.difference
    assert sum(c.net for c in contents.changes) / 240 == pytest.approx(gain)
    assert "question-type voting" in headline(contents)


def test_charts_are_figures_that_plotly_knows(folder: Path) -> None:
    import plotly.graph_objects as go

    labelled = load(folder)
    found = charts.make_charts(report_contents(labelled))
    assert set(found) == {"sizes", "contributions", "reliability", "oracle", "changes"}
    css = (ROOT / "vqa_ensemble/report/templates/report.css").read_text()
    text = json.dumps(found)
    for name in set(re.findall(r'"(--[\w-]+)"', text)):
        assert f"{name}:" in css
    for figure in json.loads(re.sub(r'"--[\w-]+"', '"#123456"', text)).values():
        go.Figure(figure)  # raises if it does not know a key or a value


def test_the_same_input_gives_the_same_page(cli: Runner, folder: Path) -> None:
    more = ("--map", folder / "my-map.csv", "--images", folder / "images")
    first = report(cli, folder, *more).read_bytes()
    assert report(cli, folder, *more, name="again.html").read_bytes() == first


# ------------------------------------------------------------------------- what is refused


def test_it_says_what_to_install(
    cli: Runner, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "find_spec", lambda name: None if name == "plotly" else name)
    files = sorted((folder / "preds" / "val").glob("*.parquet"))
    output = folder / "none.html"
    ran = cli("report", *files, "--annotations", folder / "val_annotations.json", "-o", output)
    assert (ran.code, "pip install 'vqa-ensemble[report]'" in ran.err) == (1, True)
    assert not output.exists()


def test_an_ensemble_fitted_by_another_metric_is_not_told_apart(cli: Runner, folder: Path) -> None:
    labelled = load(folder)
    ensemble = fit(labelled, method="majority").ensemble
    other = replace(ensemble, fit={**ensemble.fit, "metric": "wups", "accuracy": {"majority": 1.0}})
    assert report_contents(labelled, ensemble=ensemble).out_of_fold
    assert report_contents(labelled, ensemble=other).out_of_fold


def test_images_need_questions(cli: Runner, folder: Path) -> None:
    files = sorted((folder / "preds" / "val").glob("*.parquet"))
    ran = cli(
        "report", *files, "--annotations", folder / "val_annotations.json",
        "--images", folder / "images", "-o", folder / "none.html",
    )  # fmt: skip
    assert ran.code == 2


@pytest.mark.parametrize("wrong", ["absent", "empty", "twice", "broken"])
def test_bad_pictures_are_named(cli: Runner, folder: Path, tmp_path: Path, wrong: str) -> None:
    pictures = tmp_path / "pictures"
    if wrong != "absent":
        pictures.mkdir()
    if wrong == "twice":
        for name in ("7.png", "COCO_0007.png"):
            Image.new("RGB", (2, 2)).save(pictures / name)
    if wrong == "broken":
        (pictures / "7.jpg").write_bytes(b"no picture")
    files = sorted((folder / "preds" / "val").glob("*.parquet"))
    ran = cli(
        "report", *files, "--annotations", folder / "val_annotations.json",
        "--questions", folder / "val_questions.json", "--images", pictures,
        "-o", tmp_path / "none.html",
    )  # fmt: skip
    assert ran.code == 1
    assert str(pictures) in ran.err


EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n{} loop\n"
BROKEN_PICTURES = {
    "eps": EPS,
    "icns": b"icns\x00\x00\x00\x20ic09\x00\x00\x00\x08",
    "sgi": b"\x01\xda\x01\x01" + bytes(20),
    "dds": b"DDS " + bytes(40),
    "ppm": b"P6\n99999999 99999999\n255\n",
    "png cut": b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00",
    "gif cut": b"GIF89a\x01\x00",
    "nothing": b"",
}


@pytest.mark.parametrize("kind", BROKEN_PICTURES)
def test_a_picture_of_another_kind_is_refused_in_a_line(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "7.png"
    path.write_bytes(BROKEN_PICTURES[kind])
    with pytest.raises(InputError, match=r"7\.png: is not a readable picture") as refused:
        read_picture(path)
    assert "\n" not in str(refused.value)


def test_a_pipe_or_a_bomb_is_no_picture(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(InputError, match="is not a file"):
        read_picture(tmp_path / "pipe.png")
    for side, why in ((11_000, "has 11000 × 11000 pixels"), (20_000, "400000000 pixels")):
        Image.new("1", (side, side)).save(tmp_path / "bomb.png")
        with pytest.raises(InputError, match=why):
            read_picture(tmp_path / "bomb.png")


def test_pictures_stay_below_the_limit(tmp_path: Path) -> None:
    paths = []
    for n in range(4):
        paths.append(tmp_path / f"{n}.png")
        noise = np.random.default_rng(n).integers(256, size=(500, 700, 3), dtype=np.uint8)
        Image.fromarray(noise).save(paths[-1])
    sizes = [len(copy) for copy in images.shrink_images(paths)]
    assert len(sizes) == 4
    copies = images.shrink_images(paths, most_bytes=sum(sizes[:3]))
    assert [len(copy) for copy in copies] == sizes[:3]
    with Image.open(images.io.BytesIO(copies[0])) as copy:
        assert copy.size == (320, 229)


# --------------------------------------------------------------------------- in a browser


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
    if found is None:
        pytest.skip("needs Chromium on the PATH (apt-get install chromium)")
    with sync_playwright() as running:
        # A container has no sandbox of its own to offer to root.
        browser = running.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


class Opened:
    """A page, and what went wrong on it."""

    def __init__(self, browser: Any, path: Path, **options: Any) -> None:
        self.complaints: list[str] = []
        self.page = browser.new_page(**{"viewport": {"width": 1280, "height": 900}, **options})
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._note)
        self.page.goto(path.as_uri())
        self.page.wait_for_selector("html[data-drawn]")

    def _note(self, request: Any) -> None:
        if not request.url.startswith(("file:", "data:")):
            self.complaints.append(f"asks for {request.url}")

    def count(self) -> str:
        """What the page says of how many questions it shows."""
        return str(self.page.text_content("#count"))

    def wait_for_count(self, text: str) -> None:
        expect(self.page.locator("#count")).to_have_text(text)


@pytest.fixture(scope="module")
def opened(chromium: Any, folder: Path) -> Iterator[Opened]:
    """One page for all tests that leave the filters as they were."""
    files = sorted((folder / "preds" / "val").glob("*.parquet"))
    code = "import sys; from vqa_ensemble.cli import main; main(sys.argv[1:])"
    arguments = [
        "report", *files, "--annotations", folder / "val_annotations.json",
        "--questions", folder / "val_questions.json", "--map", folder / "my-map.csv",
        "--images", folder / "images", "-o", folder / "opened.html",
    ]  # fmt: skip
    subprocess.run([sys.executable, "-c", code, *map(str, arguments)], check=True)
    page = Opened(chromium, folder / "opened.html")
    yield page
    page.page.close()


def test_everything_is_drawn_without_a_network(opened: Opened) -> None:
    names = opened.page.eval_on_selector_all("[data-chart]", "all => all.map(e => e.dataset.chart)")
    assert names == ["sizes", "contributions", "reliability", "oracle", "changes"]
    assert opened.page.locator("[data-chart] svg.main-svg").count() >= 5
    assert opened.complaints == []


def test_filters_show_what_the_vote_says(opened: Opened, cli: Runner, folder: Path) -> None:
    import pyarrow.parquet as pq

    files = sorted((folder / "preds" / "val").glob("*.parquet"))
    audit = folder / "audit.parquet"
    cli.good("vote", *files, "--map", folder / "my-map.csv", "--audit", audit, "-q")
    rows = pq.read_table(audit).to_pylist()
    entries = json.loads((folder / "val_annotations.json").read_text())["annotations"]
    right = {entry["question_id"]: entry["answers"][0]["answer"] for entry in entries}
    expected = {
        "disagree": [len(row["first_votes"]) > 1 for row in rows],
        "changed": [row["answer"] != row["majority_answer"] for row in rows],
        "wrong": [row["answer"] != right[row["question_id"]] for row in rows],
    }
    for name, where in expected.items():
        opened.page.check(f"[name={name}]")
        assert 0 < sum(where) < 240
        opened.wait_for_count(f"{sum(where)} of 240 questions")
        opened.page.uncheck(f"[name={name}]")
    opened.page.select_option("[name=type]", label="color")
    color = sum(row["question_type"] == "color" for row in rows)
    opened.wait_for_count(f"{color} of 240 questions")
    opened.page.check("[name=changed]")
    both = sum(
        changed and row["question_type"] == "color"
        for changed, row in zip(expected["changed"], rows, strict=True)
    )
    opened.wait_for_count(f"{both} of 240 questions")
    opened.page.uncheck("[name=changed]")
    opened.page.select_option("[name=type]", "")
    opened.wait_for_count("240 questions")


def test_search_finds_words_and_ids(opened: Opened) -> None:
    opened.page.fill("[name=text]", "WHAT is 17?")
    opened.wait_for_count("3 of 240 questions")
    for question in (1017, 1117, 1217):
        assert f"question {question}" in opened.page.text_content("#list")
    opened.page.fill("[name=text]", "1018")
    opened.wait_for_count("1 of 240 questions")
    opened.page.fill("[name=text]", "nowhere at all")
    opened.wait_for_count("0 of 240 questions")
    opened.page.fill("[name=text]", "")
    opened.wait_for_count("240 questions")


def test_a_question_opens_with_the_story_that_explain_tells(
    opened: Opened, cli: Runner, folder: Path
) -> None:
    files = sorted((folder / "preds" / "val").glob("*.parquet"))
    opened.page.check("[name=changed]")
    expect(opened.page.locator("#count")).not_to_have_text(re.compile("^240"))
    first = opened.page.locator("#list > li").first
    question = re.search(r"question (\d+)", first.text_content())
    assert question is not None
    record = cli.good(
        "explain", question[1], *files, "--map", folder / "my-map.csv",
        "--annotations", folder / "val_annotations.json", "--json",
    ).json  # fmt: skip
    # By the keyboard alone.
    first.locator("summary").focus()
    opened.page.keyboard.press("Enter")
    story = first.locator(".story")
    text = story.inner_text()
    assert f"Answer: {record['answer']}, score" in text
    assert f"A plain majority would say {record['majority_answer']}" in text
    assert "something else ×2" in text
    assert f"Votes inside {record['question_type']}" in text

    def table(title: str) -> list[list[str]]:
        rows = story.locator(f"div:has(> h3:text-is('{title}')) tbody tr")
        return [row.locator("th, td").all_inner_texts() for row in rows.all()]

    assert [row[:3] for row in table("Counted")] == [
        [c["answer"], c["question_type"], f"{c['votes']:.0f}"] for c in record["first_votes"]
    ]
    assert {row[0].split(" – ")[0]: row[1] for row in table("Summed by question type")} == {
        e["question_type"]: f"{e['votes']:.0f}" for e in record["type_votes"]
    }
    again = [m["revote"] if m["revote"] != m["vote"] else "" for m in record["members"]]
    assert [row[2] for row in table("First votes")] == again
    for row, member in zip(table("First votes"), record["members"], strict=True):
        expected = [
            f"{a['answer']} {round(100 * a['confidence'])}\N{NO-BREAK SPACE}%"
            for a in member["answers"]
        ]
        assert row[:2] == [member["member"], ", ".join(expected)]
    opened.page.uncheck("[name=changed]")
    opened.wait_for_count("240 questions")


def test_pictures_lie_inside(opened: Opened) -> None:
    for question, has in ((1000, True), (1004, False)):  # images 7 and 11
        opened.page.fill("[name=text]", str(question))
        expect(opened.page.locator("#list .about")).to_have_text([re.compile(f"{question},")])
        opened.page.click("#list summary")
        opened.page.wait_for_selector("#list .story")
        pictures = opened.page.locator("#list .story img")
        assert pictures.count() == has
        if has:
            assert opened.page.evaluate("document.querySelector('.story img').naturalWidth") == 320
            assert "What is 0?" in pictures.get_attribute("alt")
    assert "4 of the 5 images of these questions are inside" in opened.page.text_content("aside")
    opened.page.fill("[name=text]", "")
    opened.wait_for_count("240 questions")
    assert opened.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_never_scrolls_sideways(
    chromium: Any, opened: Opened, folder: Path, scheme: str
) -> None:
    phone = Opened(
        chromium, folder / "opened.html",
        viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True,
    )  # fmt: skip
    phone.page.check("[name=changed]")
    phone.page.click("#list summary >> nth=0")
    for summary in phone.page.locator("section > details > summary").all():
        summary.click()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 360
    assert phone.complaints == []
    phone.page.close()


def test_charts_follow_the_scheme(chromium: Any, opened: Opened, folder: Path) -> None:
    page = Opened(chromium, folder / "opened.html", color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    tick = page.page.locator("[data-chart=sizes] .xtick text").first
    expect(tick).to_have_css("fill", "rgb(27, 31, 36)")
    assert page.page.evaluate(paper) == "rgb(255, 255, 255)"
    page.page.emulate_media(color_scheme="dark")
    expect(tick).to_have_css("fill", "rgb(230, 233, 237)")
    assert page.page.evaluate(paper) == "rgb(20, 23, 27)"
    page.page.close()


def test_text_stands_out_from_what_it_stands_on() -> None:
    css = (ROOT / "vqa_ensemble/report/templates/report.css").read_text()
    light = dict(re.findall(r"(--[\w-]+): (#\w{6})", css.split("@media")[0]))
    dark = dict(re.findall(r"(--[\w-]+): (#\w{6})", css.split("@media")[1]))
    assert light.keys() == dark.keys()

    def luminance(colour: str) -> float:
        channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        r, g, b = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
        return 0.2126 * r + 0.7152 * g + 0.0722 * b

    def contrast(a: str, b: str) -> float:
        low, high = sorted((luminance(a), luminance(b)))
        return (high + 0.05) / (low + 0.05)

    # WCAG 2.2, 1.4.3: 4.5 for text, 3 for what charts are drawn in.
    for scheme in (light, dark):
        for text in ("--ink", "--quiet", "--link", "--good", "--bad"):
            for ground in ("--paper", "--raised"):
                assert contrast(scheme[text], scheme[ground]) >= 4.5, (text, ground)
        assert contrast(scheme["--ink"], scheme["--heat"]) >= 4.5
        for line in ("--one", "--two", "--three", "--focus"):
            assert contrast(scheme[line], scheme["--paper"]) >= 3, line


def test_markup_does_not_run(chromium: Any, cli: Runner, tmp_path: Path) -> None:
    members = tmp_path / "preds" / "val"
    for m in range(2):
        rows = [(q, a, c) for q in ("a", EVIL) for a, c in ((EVIL, 0.9 - m / 2), ("b", 0.5))]
        ids, answers, confidences = zip(*rows, strict=True)
        write_predictions(members / f"{m}.parquet", ids, answers, confidences, member=f"{EVIL}{m}")
    annotations = [
        {"question_id": q, "question_type": EVIL, "answer_type": EVIL,
         "answers": [{"answer": EVIL}] * 10}
        for q in ("a", EVIL)
    ]  # fmt: skip
    questions = [{"question_id": q, "image_id": EVIL, "question": EVIL} for q in ("a", EVIL)]
    (tmp_path / "val_annotations.json").write_text(json.dumps({"annotations": annotations}))
    (tmp_path / "val_questions.json").write_text(json.dumps({"questions": questions}))
    write_answer_map(tmp_path / "map.csv", AnswerMap.from_pairs([(EVIL, EVIL), ("b", "b")]))
    page = Opened(chromium, report(cli, tmp_path, "--map", tmp_path / "map.csv"))
    assert EVIL in page.page.text_content("#types")
    for summary in page.page.locator("summary").all():
        summary.click()
    story = page.page.locator("#list .story").first
    assert EVIL in story.text_content()
    assert page.page.evaluate("window.ran") is None
    assert page.page.locator("img[src=x]").count() == 0
    assert page.complaints == []
    page.page.close()


@pytest.mark.slow
def test_ten_thousand_questions_remain_quick(chromium: Any, cli: Runner, tmp_path: Path) -> None:
    write_data(tmp_path, 10_000, (0.8, 0.6, 0.5))
    path = report(cli, tmp_path, "--map", tmp_path / "my-map.csv")
    # Plotly takes 2 MB of it.
    assert path.stat().st_size < 4_000_000
    page = Opened(chromium, path)
    assert page.count() == "10,000 questions"
    size = "document.getElementsByTagName('*').length"
    assert page.page.locator("#list > li").count() == 50
    assert page.page.evaluate(size) < 3000
    page.page.click("text=Next")
    assert page.page.text_content("#page") == "page 2 of 200"
    assert "question 1050" in page.page.locator("#list > li").first.text_content()
    page.page.fill("[name=text]", "9999?")
    page.wait_for_count("1 of 10,000 questions")
    assert page.page.evaluate(size) < 3000
    assert page.complaints == []
    page.page.close()


def test_beyond_that_questions_are_drawn_and_the_page_says_so(
    chromium: Any, folder: Path, tmp_path: Path
) -> None:
    labelled = load(folder)
    path = tmp_path / "page.html"
    annotations = str(folder / "val_annotations.json")
    contents = report_contents(labelled)
    path.write_text(build.make_report(contents, labelled, annotations, most_questions=100))
    page = Opened(chromium, path)
    assert page.count() == "100 questions"
    said = page.page.text_content("aside")
    assert re.match(r"100 of 240 questions can be browsed: .* drawn at random", said)
    page.page.check("[name=changed]")
    [changed] = re.findall(r"the (\d+) whose answer|all (\d+) whose answer", said)
    shown = min(50, int(changed[0] or changed[1]))
    page.wait_for_count(f"{shown} of 100 questions")
    page.page.close()


def test_real_submissions_and_human_answers(
    chromium: Any, cli: Runner, shared_data: Path, tmp_path: Path
) -> None:
    data = shared_data / "vqa-v2-smallval"
    files = []
    for n in range(3):
        given = read_submission(data / "official" / f"results_{n}.json")
        files.append(tmp_path / f"results_{n}.parquet")
        sure = np.full(len(given.answers), 0.5)
        write_predictions(files[-1], given.question_ids, given.answers, sure, member=f"results_{n}")
    annotations = data / "smallval_annotations.json"
    cli.good("build-map", annotations, "-o", tmp_path / "map.csv", "-q")
    path = tmp_path / "report.html"
    cli.good(
        "report", *files, "--annotations", annotations, "--map", tmp_path / "map.csv",
        "--questions", data / "smallval_questions.json",
        "--question-types", f"{annotations}:answer_type", "-o", path,
    )  # fmt: skip
    official = json.loads((data / "official" / "scores_0.json").read_text())
    page = Opened(chromium, path)
    row = page.page.locator("#types tbody tr", has_text="results_0").locator("td")
    assert float(row.first.text_content()) == pytest.approx(official["overall"], abs=0.06)
    assert page.count() == "589 questions"
    page.page.click("#list summary >> nth=0")
    assert "×" in page.page.text_content("#list .story")
    assert page.complaints == []
    page.page.close()


# ------------------------------------------------------------------------------------ docs


@pytest.mark.slow
def test_the_commands_in_the_documentation_run(tmp_path: Path) -> None:
    write_data(tmp_path, 60, (0.8, 0.6, 0.5))
    # The first one installs.
    blocks = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "report.md").read_text(), re.DOTALL)[
        1:
    ]
    assert len(blocks) >= 3
    command = f'vqa-ensemble() {{ "{sys.executable}" -m vqa_ensemble "$@"; }}\n'
    for block in blocks:
        subprocess.run(["bash", "-ec", command + block], cwd=tmp_path, check=True)
    assert (tmp_path / "report.html").stat().st_size > 1_000_000

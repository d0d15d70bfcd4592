"""What a model wrote, and the answer that is in it."""

from __future__ import annotations

import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import examples

from vqa_ensemble.answers.choices import choose_option, stated_letter
from vqa_ensemble.answers.extraction import (
    CUT_IN_BOX,
    CUT_OFF,
    NOTHING_LEFT,
    REPEATS,
    extract_answer,
)

TEXTS = {
    "<think>A bus? No, a tram.</think>\n\ntram": "tram",
    "It might be a bus.</think> tram": "tram",
    "<Reasoning>bus</Reasoning>tram": "tram",
    "[THINK]bus[/THINK]tram": "tram",
    "◁think▷bus◁/think▷ **tram**": "tram",
    "<|begin_of_thought|>bus<|end_of_thought|><|begin_of_solution|>tram<|end_of_solution|>": "tram",
    "<|channel|>analysis<|message|>bus?<|channel|>final<|message|>tram<|return|>": "tram",
    "<SUMMARY>x</SUMMARY><REASONING>bus</REASONING><CONCLUSION>tram</CONCLUSION>": "tram",
    "<think>bus</think><answer>tram</answer>": "tram",
    "<think>bus, never closed, <answer>tram</answer>": "tram",
    "<answer>bus</answer> Wait. <answer>tram</answer>": "tram",
    "<answer>tram": "tram",
    "tram</answer>": "tram",
    "[ANSWER]tram[/ANSWER]": "tram",
    r"So we get \boxed{12} first and \boxed{\frac{1}{2}} then.": r"\frac{1}{2}",
    r"\[ \boxed{\text{tram}} \]": "tram",
    "<|begin_of_box|>tram<|end_of_box|>": "tram",
    '{"answer": "tram"}': "tram",
    '```json\n{"reason": "rails", "answer": 12}\n```': "12",
    "There are rails. Answer: tram": "tram",
    "Answer: tram\nThere are rails, so it is no bus.": "tram",
    "**Answer:** tram": "tram",
    "**Answer: tram**": "tram",
    "Rails.\n\n### Final Answer\n**tram**": "tram",
    "The answer is tram. There are rails.": "tram",
    "Rails.\n#### 12": "12",
    "有轨道。答案是电车": "电车",
    "USER: What is it? ASSISTANT: tram</s>": "tram",
    "**tram**": "tram",
    "`tram`": "tram",
    "$12$": "12",
    r"\text{J}": "J",
    "(B)": "B",
    "（Ｂ）": "B",
    "B.": "B",
    # Nothing to cut:
    "tram": "tram",
    "$12": "$12",
    "3 * 4": "3 * 4",
    "**tram** or **bus**": "**tram** or **bus**",
    "I think it is a tram": "I think it is a tram",
    "The answer is not visible": "The answer is not visible",
    "St. Louis": "St. Louis",
    "a < b > c": "a < b > c",
}


@pytest.mark.parametrize(("text", "answer"), TEXTS.items())
def test_the_answer_in_a_text(text: str, answer: str) -> None:
    found = extract_answer(text)
    assert (found.answer, found.missing) == (answer, "")
    assert bool(found.marks) == (text != answer)


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("<think>It may be a bus or a", CUT_OFF),
        ("tram <think>or", CUT_OFF),
        ("◁think▷It may", CUT_OFF),
        ("<|channel|>analysis<|message|>It may", CUT_OFF),
        ("<think>I will put it into <answer>tags</answer>, that is", CUT_OFF),
        (r"It is \boxed{tra", CUT_IN_BOX),
        ("<|begin_of_box|>tra", CUT_IN_BOX),
        ("<think>It is a tram.</think>", NOTHING_LEFT),
        ("<answer></answer>", NOTHING_LEFT),
    ],
)
def test_a_text_without_an_answer_says_why(text: str, missing: str) -> None:
    found = extract_answer(text)
    assert (found.answer, found.missing) == ("", missing)


PIECES = st.lists(
    st.sampled_from(
        [
            *"<think> </think> <answer> </answer> \\boxed{ } Answer: ** $ B tram ( ) `".split(),
            "\n",
            ". ",
            " ",
            "The answer is ",
            "<|begin_of_box|>",
        ]
    ),
    max_size=12,
).map("".join)


@examples(300)
@given(PIECES | st.text())
def test_an_extracted_answer_holds_nothing_more_to_extract(text: str) -> None:
    found = extract_answer(text)
    assert not (found.answer and found.missing)
    assert extract_answer(found.answer).answer == found.answer


@pytest.mark.parametrize(
    "loop", ["<answer>", "the answer is ", "\\boxed{x} ", "x" + " " * 99, "A and B "]
)
def test_a_model_that_was_caught_in_a_loop_does_not_take_long(loop: str) -> None:
    text = (loop * 20_000)[:30_000]
    started = time.process_time()
    found = extract_answer(text)
    assert found.missing in ("", REPEATS)
    assert choose_option(text, {"A": "cat", "B": "dog"}) is None
    assert time.process_time() - started < 5


# ------------------------------------------------------------------------------ options

OPTIONS = {"A": "tram", "B": "bus", "C": "ship", "D": "red bus"}
ELEMENTS = dict(zip("ABCDEFGHI", "iron copper zinc gold tin lead nickel cobalt silver".split(),
                    strict=True))  # fmt: skip
VITAMINS = {letter: f"vitamin {letter}" for letter in "ABCD"}


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        # A stated letter, however it is written.
        ("b", "B"), ("(c)", "C"), ("Ｃ", "C"), ("（Ｂ）", "B"), ("**B**", "B"), ("B) bus", "B"),
        ("B: bus", "B"), ("Answer: $B$", "B"), (r"\text{C}", "C"), ("the answer is b", "B"),
        ("option c", "C"), ("答案是B", "B"), ("正确选项为（C）。", "C"), ("故选C", "C"),
        ("我选B。", "B"),
        ("La respuesta correcta es la C.", "C"), ("정답은 D입니다.", "D"), ("bus (B)", "B"),
        ("The bus is red. So the answer is (D).", "D"), ("It must be C, I think.", "C"),
        ("<think>A? No.</think>C", "C"), (r"Hence \boxed{\textbf{(A)}\ tram}", "A"),
        # Other letters beside it.
        ("The answer is C. Option D is wrong.", "C"),
        ("**Answer:** B\n\nOption A has rails, which I do not see.", "B"),
        ("B, not option A.", "B"), ("C rather than D", "C"), ("不是A，而是C。", "C"),
        ("The answer isn't B, it's C.", "C"), ("The correct answer is not A but D.", "D"),
        ("A is incorrect, B is incorrect, C is correct, D is incorrect.", "C"),
        ("I would rule out A and B, leaving C.", "C"), ("Both A and B are wrong; it is D.", "D"),
        ("A. tram - no rails\nB. bus - wheels\nC. ship - no\nD. red bus - no\n\nSo it is B.", "B"),
        ("Options: A. tram B. bus C. ship D. red bus\nAnswer: C", "C"),
        ("The answer is A. Wait, there are no rails: the answer is B.", "B"),
        ("Solution A is denser than solution B. The answer is C.", "C"),
        ("A, B, C and D are all plausible; I would go with D.", "D"),
        # Words.
        ("A bus drives past a house.", "B"), ("The answer is a bus.", "B"), ("A", "A"),
        ("A is right, there are rails.", "A"), ("There is a red bus.", "D"),
        ("It isn't a bus but a ship", "C"),
        ("Bus. I can see no tram.", "B"),
        ("It is most likely to be a ship, not a tram or a bus.", "C"),
        # Nothing, too much, or what contradicts itself.
        ("not B", None), ("The answer is not B.", None), ("A or B", None), ("A and C", None),
        ("A/B", None), ("Answer: B and C", None), ("The answer is A. The answer is B.", None),
        ("Answer: B. tram", None), ("A large thing stands there.", None), ("a business", None),
        ("I think so.", None), ("bus or ship", None),
        ("A. tram\nB. bus\nC. ship\nD. red bus", None),
        ("E", None), ("", None), ("<think>It is B", None), ("Sorry, I can't help with that.", None),
    ],
)  # fmt: skip
def test_which_option_is_chosen(text: str, letter: str | None) -> None:
    assert choose_option(text, OPTIONS) == letter


@pytest.mark.parametrize(
    ("text", "options", "letter"),
    [
        ("I think it is copper.", ELEMENTS, "B"),
        ("I", ELEMENTS, "I"),
        ("(I)", ELEMENTS, "I"),
        ("I am not sure.", ELEMENTS, None),
        ("Oranges are rich in vitamin C.", VITAMINS, "C"),
        ("Vitamin C is in oranges, but the label says vitamin D. Answer: D", VITAMINS, "D"),
        ("No, there isn't.", {"A": "Yes", "B": "No"}, "B"),
        ("The total is 10 + 5 = 15.", {"A": "10", "B": "12", "C": "15"}, "C"),
        ("There are 120 birds.", {"A": "10", "B": "12", "C": "15"}, None),
        ("None of the above.", {"A": "a dog", "B": "none of the above"}, "B"),
    ],
)
def test_letters_that_are_words_and_words_that_are_options(
    text: str, options: dict[str, str], letter: str | None
) -> None:
    assert choose_option(text, options) == letter


FORMS = [
    "{}",
    "({})",
    "{}.",
    "{})",
    "Answer: {}",
    "**{}**",
    "The answer is {}.",
    "<answer>{}</answer>",
]
FORMS += [r"\boxed{{{}}}", "I choose {}", "Option {}", "答案是{}", "<think>B or C?</think> {}"]


@given(st.sampled_from("ABCD"), st.sampled_from(FORMS), st.booleans())
def test_a_text_that_names_one_letter_never_chooses_another(
    letter: str, form: str, has_texts: bool
) -> None:
    options = OPTIONS if has_texts else dict.fromkeys("ABCD", "")
    assert choose_option(form.format(letter), options) == letter


@given(st.sampled_from("ABCD"), st.text("abc dot.,;:!?\n'-", max_size=30), st.text(max_size=20))
@example("A", ":", "0\ue004")
def test_whatever_stands_around_a_letter_no_other_is_chosen(
    letter: str, before: str, after: str
) -> None:
    text = f"{before} ({letter}) {after}"
    named = {one for one in "ABCD" if one in text.upper()}
    chosen = choose_option(text, dict.fromkeys("ABCD", ""))
    assert chosen is None or chosen in named
    if named == {letter}:
        assert chosen in (letter, None)


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("The answer is C. Option D is wrong.", "C"),
        ("答案是B", "B"),
        ("Vitamin C", None),
        ("A. J. Smith", None),
        ("The answer is A or B.", None),
        ("The answer is a dog.", None),
    ],
)
def test_without_options_only_an_announced_letter_is_one(text: str, letter: str | None) -> None:
    assert stated_letter(text) == letter


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is **yes**.", "yes"),
        ("**Answer: yes**.", "yes"),
        ("Final answer: `42`.", "42"),
        ("Answer: _blue_", "blue"),
        ("The answer is **B**, because it is.", "B, because it is."),
        ("**Yes**.", "Yes."),
        ("Answer: 3*4", "3*4"),
    ],
)
def test_emphasis_that_ends_before_the_full_stop_is_no_part_of_an_answer(
    text: str, answer: str
) -> None:
    assert extract_answer(text).answer == answer

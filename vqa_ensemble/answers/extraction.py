"""The answer inside what a model wrote: without its reasoning, marks around it and Markdown.

In this order, again and again until nothing changes:

1. special tokens that leaked ("<|im_end|>") and an echoed "ASSISTANT:" go;
2. reasoning goes: what follows the last closing tag counts ("</think>", "◁/think▷", "[/THINK]", …);
3. the last of what stands in a box, an answer tag or ``\\boxed{}`` is the answer, as is the
   ``answer`` of a JSON object;
4. so is what follows "Answer:" or "The answer is" where it ends the text, or begins it on a line
   of its own;
5. Markdown and mathematics around the whole go (``**cat**``, ``$5$``, ``\\text{J}``).

Reasoning or a box that is never closed was cut off: there is no answer.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

CUT_OFF = "cut off inside its reasoning"
CUT_IN_BOX = "cut off inside its answer"
NOTHING_LEFT = "nothing follows the reasoning"
REPEATS = "repeats the same marks without end"
# No answer stands inside so many; a model that was caught in a loop writes more.
MOST_MARKS = 30
# A cell of a spreadsheet holds no more characters.
CELL_LIMIT = 32_767

_NAMES = (
    "think|thinking|thought|thoughts|analysis|reasoning|reason|reflection|scratchpad|rationale|"
    "seed:think"
)
_OPENS = re.compile(
    rf"<({_NAMES})>|\[think\]|◁think▷|<\|begin_of_thought\|>|<\|channel\|>analysis", re.I
)
_CLOSES = re.compile(
    rf"</({_NAMES})>|\[/think\]|◁/think▷|<\|end_of_thought\|>|<\|channel\|>final<\|message\|>", re.I
)
_TOKENS = re.compile(
    r"<\|(?:im_end|im_start|endoftext|eot_id|end|return|begin_of_solution|end_of_solution)\|>"
    r"|</?s>|<eos>|<pad>|<end_of_turn>|^.*\bASSISTANT:",
    re.S,
)
_TAG = r"answer|conclusion|final_answer"
_TAGGED = re.compile(rf"[<\[]({_TAG})[>\]](.*?)(?:[<\[]/\1[>\]]|\Z)", re.I | re.S)
_LAST_TAGGED = re.compile(rf"<({_TAG})>(?:(?!<\1>).)*</\1>\s*\Z", re.I | re.S)
_STRAY_TAG = re.compile(rf"</(?:{_TAG})>", re.I)
_BOX = re.compile(r"<\|begin_of_box\|>(.*?)(?:<\|end_of_box\|>|(\Z))", re.S)
_BOXED = re.compile(r"\\(?:boxed|fbox)\s*\{")
_FENCE = re.compile(r"```\w*\n(.*?)\n?```", re.S)
_MARK = r"[*_`#>\s]*"
_SAYS = (
    r"(?:(?:final|correct|short|my|the)\s+)*answer|(?:正确|正確|最终)?答案|正解|答え|回答|"
    r"정답|답|Antwort|respuesta|réponse|risposta|resposta|ответ"
)
# "Answer: cat" at the start of a line or after a sentence, "**Final Answer**" as a heading.
_STATED = re.compile(
    rf"(?:^|(?<=[.!?]\s)|(?<=[。！？])){_MARK}(?:(?:{_SAYS})(?:{_MARK}(?:is\s*)?[:：]|[*_`]*\s*\n)"
    rf"|(?:the|my)\s+(?:(?:final|correct)\s+)?answer\s+is\b(?!\s+(?:no|not|none)\b)|答案[是为為]"
    r"|####\s)[*_`\s]*",
    re.I | re.M,
)
_SENTENCE_ENDS = re.compile(r"(?<=\w\w\w)[.!?]\s+(?=[A-Z])")
_TEXT = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|textsf|mbox)\s*\{([^{}]*)\}")
_WRAPPED = [
    re.compile(rf"\A{mark}((?:(?!{mark}).)+){end}([.!?。]?)\Z", re.S)
    for mark, end in (
        (r"\*\*\*", r"\*\*\*"), (r"\*\*", r"\*\*"), (r"\*", r"\*"), ("```", "```"), ("`", "`"),
        (r"\$\$", r"\$\$"), (r"\$", r"\$"), (r"\\\(", r"\\\)"), (r"\\\[", r"\\\]"),
    )
]  # fmt: skip
_LETTER = re.compile(r"\A[(\[]?([A-Z])[)\].:]{0,2}\Z")


class Extracted(NamedTuple):
    """What a text says.

    Attributes
    ----------
    answer : str
    marks : tuple of str
        What the answer was found by; empty if the text is the answer.
    missing : str
        Why there is no answer, which is empty then.
    """

    answer: str
    marks: tuple[str, ...] = ()
    missing: str = ""


def extract_answer(text: str) -> Extracted:
    """The answer in a text.

    Examples
    --------
    >>> extract_answer("<think>A cat? No.</think> **Answer:** dog").answer
    'dog'
    >>> extract_answer("So it is \\\\boxed{\\\\text{J}}.")
    Extracted(answer='J', marks=('box',), missing='')
    >>> extract_answer("<think>It could be").missing
    'cut off inside its reasoning'
    """
    if text.isascii() and text.isalnum():
        return Extracted(text)
    return _until_nothing_changes(text, (*_STEPS, _stated, _plain))


def without_reasoning(text: str) -> Extracted:
    """What a text says in the end: the first three steps alone."""
    return _until_nothing_changes(text, _STEPS)


def _until_nothing_changes(
    text: str, steps: tuple[Callable[[str], Extracted | None], ...]
) -> Extracted:
    marks: tuple[str, ...] = ()
    before, now = None, text.strip()
    for _ in range(MOST_MARKS):
        if now == before:
            break
        before = now
        for step in steps:
            if (found := step(now)) is not None:
                if found.missing:
                    return found
                marks += tuple(mark for mark in found.marks if mark not in marks)
                now = found.answer.strip()
    else:
        return Extracted("", missing=REPEATS)
    return Extracted(now, marks, NOTHING_LEFT if not now and text.strip() else "")


def _tokens(text: str) -> Extracted | None:
    rest = _TOKENS.sub("", text) if "<" in text or "ASSISTANT:" in text else text
    return None if rest == text else Extracted(rest, ("special tokens",))


def _reasoning(text: str) -> Extracted | None:
    opened = max(_OPENS.finditer(text), key=re.Match.start, default=None)
    end = max((found.end() for found in _CLOSES.finditer(text)), default=0)
    if opened is None or opened.start() < end:
        return Extracted(text[end:], ("reasoning",)) if end else None
    # Never closed; a closed answer at the end was the last word all the same.
    said = _LAST_TAGGED.search(text, opened.end())
    return Extracted(said[0], ("reasoning",)) if said else Extracted("", missing=CUT_OFF)


def _box(text: str) -> Extracted | None:
    found = [*_BOX.finditer(text)]
    if found:
        if found[-1][2] is not None:
            return Extracted("", missing=CUT_IN_BOX)
        return Extracted(found[-1][1], ("box",))
    if tagged := [*_TAGGED.finditer(text)]:
        return Extracted(tagged[-1][2], ("answer tag",))
    if _STRAY_TAG.search(text):
        return Extracted(_STRAY_TAG.sub("", text), ("answer tag",))
    if boxed := [*_BOXED.finditer(text)]:
        inside = _braced(text, boxed[-1].end())
        if inside is None:
            return Extracted("", missing=CUT_IN_BOX)
        return Extracted(_TEXT.sub(r"\1", inside).replace("\\ ", " "), ("box",))
    return None


def _braced(text: str, start: int) -> str | None:
    """What stands up to the brace that closes the one before ``start``."""
    depth = 1
    for place in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return text[start:place]
    return None


def _json(text: str) -> Extracted | None:
    fenced = _FENCE.fullmatch(text)
    inner = fenced[1].strip() if fenced else text
    if inner.startswith("{") and inner.endswith("}"):
        try:
            said = json.loads(inner)
        except ValueError:
            return None
        for name, value in said.items():
            if name.lower() in ("answer", "final_answer") and isinstance(value, str | int | float):
                return Extracted(str(value), ("JSON",))
    return None


def _stated(text: str) -> Extracted | None:
    for found in reversed([*_STATED.finditer(text)]):
        line, _, after = text[found.end() :].partition("\n")
        said = _SENTENCE_ENDS.split(line)[0].strip()
        said = _closed(said, found[0])
        if said.strip(" *_`") and (not found.start() or not after.strip(" \n*_`")):
            return Extracted(said, ("answer phrase",))
    return None


def _closed(said: str, phrase: str) -> str:
    """What is said, without the end of the emphasis that began in or before the phrase."""
    for mark in ("***", "**", "__", "*", "`", "_"):
        if mark in phrase and said.count(mark) % 2:
            emphasised, _, rest = said.partition(mark)
            return emphasised if not re.search(r"\w", rest) else emphasised + rest
    return said


def _plain(text: str) -> Extracted | None:
    rest = _TEXT.sub(r"\1", text)
    inside = next((found[1] + found[2] for wrap in _WRAPPED if (found := wrap.match(rest))), rest)
    letter = _LETTER.match(unicodedata.normalize("NFKC", inside[:5]))
    rest = letter[1] if letter and len(inside) <= 4 else inside
    return None if rest == text else Extracted(rest, ("Markdown",))


_STEPS = (_tokens, _reasoning, _box, _json)

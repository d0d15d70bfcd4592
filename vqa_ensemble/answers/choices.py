"""Which option a model chose, from what it wrote.

Reasoning and marks around the answer are left out first (:mod:`~vqa_ensemble.answers.extraction`),
full-width letters and Markdown are read as plain ones, and a repetition of all options is cut.
Then the first of these that is there decides:

1. A *stated* letter: the whole text, its start or its last line ("B", "(B) a cat"), after words
   that announce an answer ("the answer is B", "I choose B"), or called right ("B is correct").
2. A letter that stands as a word of its own. "A" before a word is the article, "I" the pronoun,
   and the C of an option "vitamin C" is text. Lower case counts only where it can be nothing
   else: alone, in brackets, after "option", or at the end of "the answer is".
3. The text of an option, in whole words.

Letters that are denied ("not B", "option B is wrong") count for nothing. A text is contradictory,
and no vote, if two letters are stated and no word of correction ("wait", "actually") stands between
them, if several are offered ("A or B", "A and C"), or if a letter stands with another option's text
("B. cat" where cat is A).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Mapping
from string import ascii_uppercase
from typing import NamedTuple

from vqa_ensemble.answers.extraction import without_reasoning

# Options' texts become characters of this private range, by the option's place.
_PRIVATE = 0xE000
_TEXTS = "\ue000-\ue0ff"
_ONES_OWN = re.compile(f"[{_TEXTS}]")
_LATEX = re.compile(
    r"\\(?:text|textbf|textit|mathrm|mathbf|textsf|mbox|boxed)\b|\\[()\[\]]|[{}$*`]"
)
_VERBS = (
    "is|are|was|were|because|since|as|and|or|but|nor|if|in|on|at|of|by|to|from|with|for|due|based|"
    "which|that|would|could|should|can|cannot|seems?|appears?|looks?|shows?|matches|describes|"
    "represents|depicts|has|does|fits|correctly|best"
)
_LETTER = re.compile(
    rf"(?<![A-Za-z0-9'’_\-&])(?<![A-Za-z]\.)(?:A(?!\s+(?!(?:{_VERBS})\b)[a-z{_TEXTS}])"
    r"|I(?!\s+[a-z])|[B-HJ-Z])(?![A-Za-z0-9_&]|['’][a-z]|-[A-Za-z]|\.[A-Za-z])"
)
_CALLED = re.compile(r"\b(?i:option|choice|letter)\s+[(\"']?([A-Za-z])\b")
_JOIN = (
    r"\s*[)\"']?\s*(?:,\s*(?:and|or)?|\b(?:and|or)\b|/|&|、|和|或|及|与)"
    r"\s*[(\"']?\s*(?:(?i:options?)\s+)?[(\"']?"
)
_ANNOUNCED = re.compile(
    r"(?:\b(?:answers?|ans|choose|chose|chosen|select|selected|pick|picked|go(?:ing)?\s+with|"
    r"conclusion|conclude|correct(?:\s+(?:one|answer|option|choice|letter))?|"
    r"best\s+(?:answer|option|choice|match)|right\s+(?:answer|option|choice|one)|"
    r"antwort|respuesta|r[ée]ponse|risposta|resposta|jawaban|ответ)(?:\s+(?:to\s+(?:the|this)\s+question|"
    r"correcta?|correcte|corretta))?"
    r"|答案|正确选项|正確選項|正确的?是|选项?|選項?|应选|故选|选择|選擇|正解|答え|解答|回答|정답|답)"
    r"(?:\s*\b(?:is|are|was|would\s+be|should\s+be|must\s+be|will\s+be|to\s+be|be|seems|appears|"
    r"likely|most|probably|therefore|thus|then|clearly|definitely|ist|est|es|sería|è|é|la|le|the|as|"
    r"final|correct)\b|\s*(?:应该|應該|是|为|為|应|は|은|는|即|项))*"
    r"\s*[:：=\-—\s\"'(\[]*(?:\b(?:option|choice|letter)\s*)?(?:选项)?[\s(\"'\[:]*$"
    r"|\blikely\b[^.\n]{0,60}?\b(?:is|be|with|by|to|of)\s+(?:the|an?)?[\s(\"']*$"
    r"|\b(?:no[,:.]|(?:wait|actually|so|thus|therefore|hence|final|finally)\b[,:]?)\s*"
    r"(?:it(?:\s+is|['’]s|\s+must\s+be|\s+should\s+be)\s+)?[\s(\"']*$",
    re.I,
)
_CALLED_RIGHT = re.compile(
    r"^[)\].\"':\s]*(?:" + f"[{_TEXTS}]" + r"\)?\s*)?(?:is|are|seems|would\s+be|must\s+be|looks)\s+"
    r"(?:(?:the|most|clearly|definitely|indeed|therefore|thus|likely|a)\s+)*"
    r"(?:correct|right|answer|best|accurate|true)\b|^[)\].\s]*(?:[\ue000-\ue0ff]\s*)?[:–—-]\s*(?:correct|right|yes|true)\b|^[)\s]*(?:正确|是正确|是对的|が正解)",
    re.I,
)
_DENIED_BEFORE = re.compile(
    r"(?:\b(?:not|no|cannot|nor|neither|never|exclud\w+|eliminat\w+|reject\w*|unlike|(?:rather|other)\s+than|"
    r"instead\s+of|except|ruled?\s+out|ruling\s+out|nicht|pas|without)\b|n['’]t\b|不是|不选|不選|并非|排除|而非|不为)"
    r"(?:\s+(?:be|the|an?|correct|right|answer|option|choice|letter|either|both|options)\b|选项|\s)*[\s(\"':]*$",
    re.I,
)
_DENIED_AFTER = re.compile(
    r"^[)\].\"':\s]*(?:"
    + f"[{_TEXTS}]"
    + r"[)\s,]*)?(?:(?:is|are|was|were|would\s+be|seems?|looks?|appears?|can\s+be)\s+"
    r"(?:also|both|clearly|definitely|obviously|therefore|thus|all|just|simply|either)?\s*"
    r"(?:not|wrong|incorrect|false|out|eliminated|ruled\s+out|excluded|invalid|unlikely|impossible|implausible)\b"
    r"|(?:is|are|was|were|does|do|did|ca|wo|would|could)n['’]t\b|cannot\b|can\s+not\b|(?:does|do|did|would|could|will)\s+not\b"
    r"|[:–—-]\s*(?:wrong|incorrect|no|false|eliminated|not)\b|不|错|是错|錯)",
    re.I,
)
_ITEM = re.compile(r"^[\W_]*([A-Z])[.):]", re.M)
_AT_START = re.compile(
    rf"^\s*[)\].:,;\n—–\"]|^\s*$|^\s+-\s|^\s+(?:because|since|as)\b|^[^\S\n]+[{_TEXTS}]"
)
_CORRECTION = re.compile(
    r"\b(?:wait|actually|no|sorry|correction|however|but|instead|rather|on\s+second\s+thought|re-?check\w*|"
    r"re-?consider\w*|looking\s+again|checking\s+again|hmm|therefore|so|thus|finally|final)\b|其实|其實|不对|但|所以|因此",
    re.I,
)
_LOWER = re.compile(
    r"^\W*[a-z]\W*$|^\s*\(?[a-z][).:]|(?<!\w)\([a-z]\)"
    r"|(?<=\bis\s)[\"']?[a-z][\"']?\s*[.!]?\s*$|[:：]\s*\(?[a-z]\)?\s*[.!]?\s*$"
)  # fmt: skip


class _Choice(NamedTuple):
    """Letters that a text offers at one place, one if it decides."""

    letters: frozenset[str]
    start: int
    end: int
    stated: bool
    announced: bool


def choose_option(text: str, options: Mapping[str, str]) -> str | None:
    """The letter of the option that a text chooses; None if it chooses none, or contradicts itself.

    Parameters
    ----------
    text : str
    options : mapping of str to str
        Text of each option by its letter, ``A`` to ``Z``; empty where it is not known.

    Examples
    --------
    >>> options = {"A": "red", "B": "dark red", "C": "blue"}
    >>> [choose_option(text, options) for text in ("(b)", "C. blue", "The answer is A, not C.")]
    ['B', 'C', 'A']
    >>> choose_option("A car that is dark red", options), choose_option("A or B", options)
    ('B', None)
    """
    plain, texts = _read(text), {letter: _plain(option) for letter, option in options.items()}
    masked = _mask(_without_echo(plain, texts), texts)
    masked = _LOWER.sub(lambda found: found[0].upper(), masked)
    masked = _CALLED.sub(lambda found: found[0][:-1] + found[1].upper(), masked)
    choices, denied = _choices(masked, options)
    stated = _settled(masked, [choice for choice in choices if choice.stated])
    if stated is None:
        return None
    offered = {letter for choice in stated or choices for letter in choice.letters}
    if not offered:
        return _by_text(masked, [*options], denied)
    letter = offered.pop()
    if offered or not _fits(letter, masked, stated or choices, [*options]):
        return None
    other = None if stated else _by_text(masked, [*options], denied)
    return letter if other in (None, letter) else None


def stated_letter(text: str) -> str | None:
    """The letter that is announced as the answer, where the options are not known.

    Examples
    --------
    >>> stated_letter("The answer is C. Option D is wrong."), stated_letter("Vitamin C")
    ('C', None)
    """
    plain = _read(text)
    choices, _ = _choices(plain, ascii_uppercase)
    stated = _settled(plain, [choice for choice in choices if choice.announced])
    return next(iter(stated[0].letters)) if stated and len(stated[0].letters) == 1 else None


def _settled(text: str, stated: list[_Choice]) -> list[_Choice] | None:
    """The statements that count: all if they agree, the last if it corrects; None if neither."""
    if len({choice.letters for choice in stated}) < 2:
        return stated
    return stated[-1:] if _is_corrected(text, stated) else None


def _read(text: str) -> str:
    plain = unicodedata.normalize("NFKC", without_reasoning(text).answer).replace("\\ ", " ")
    # What stands for the options' texts later must not stand in the text itself.
    return _ONES_OWN.sub(" ", _LATEX.sub("", plain)).strip()


def _plain(option: str) -> str:
    return _LATEX.sub("", unicodedata.normalize("NFKC", option)).strip()


def _without_echo(text: str, texts: Mapping[str, str]) -> str:
    """The text without a repetition of all options in their order."""
    if len(texts) < 2 or not all(texts.values()):
        return text
    each = (rf"{letter}\W{{1,4}}{re.escape(option)}" for letter, option in texts.items())
    return re.sub(r"(?:\b(?:options|choices)\s*:\s*)?\(?" + r"\W{1,4}".join(each) + r"(?!\w)",
                  "\n", text, flags=re.I).strip()  # fmt: skip


def _mask(text: str, texts: Mapping[str, str]) -> str:
    """Each option's text as one private character; the longest first, so that parts stay unread."""
    masked = text
    for place, option in sorted(enumerate(texts.values()), key=lambda item: -len(item[1])):
        # A single letter would be taken for an option's.
        if option and not re.fullmatch("[A-Za-z]", option):
            left = r"(?<![\w.,])" if option[0].isdigit() else r"(?<!\w)"
            right = r"(?!\w|[.,]\d)" if option[-1].isdigit() else r"(?!\w)"
            wanted = r"\s+".join(map(re.escape, option.rstrip(".").split()))
            masked = re.sub(left + wanted + right, chr(_PRIVATE + place), masked, flags=re.I)
    return masked


def _choices(text: str, letters: Container[str]) -> tuple[list[_Choice], set[str]]:
    """What a masked text offers, in order, and the letters that it denies."""
    listed = _list_items(text, letters)
    choices: list[_Choice] = []
    denied: set[str] = set()
    for group in _joined_letters(text, letters):
        start, end = group[0].start(), group[-1].end()
        line, after = text[max(0, start - 120) : start].rpartition("\n")[2], text[end : end + 80]
        of = frozenset(one[0] for one in group)
        called_right = bool(_CALLED_RIGHT.search(after))
        if _DENIED_BEFORE.search(line) or _DENIED_AFTER.search(after):
            denied |= of
        elif start not in listed or called_right:
            first = not text[:start].strip(" \n(\"'[#>-") and bool(_AT_START.search(after))
            last = not line.strip(" (\"'[#>-") and not text[end:].strip(" \n.)\"']:")
            alone = len(of) == 1 and (first or last)
            announced = bool(_ANNOUNCED.search(line))
            choices.append(_Choice(of, start, end, announced or alone or called_right, announced))
    return choices, denied


def _list_items(text: str, letters: Container[str]) -> set[int]:
    """Where lines take up one option after the other: they say of none that it is the answer."""
    items = [one for one in _ITEM.finditer(text) if one[1] in letters]
    named = [one[1] for one in items]
    is_list = len(items) > 1 and named == sorted(set(named))
    return {one.start(1) for one in items} if is_list else set()


def _joined_letters(text: str, letters: Container[str]) -> list[list[re.Match[str]]]:
    """The letters that a text names; those that it joins ("A or B") are one group."""
    groups: list[list[re.Match[str]]] = []
    for one in _LETTER.finditer(text):
        if one[0] not in letters:
            continue
        if groups and re.fullmatch(_JOIN, text[groups[-1][-1].end() : one.start()]):
            groups[-1].append(one)
        else:
            groups.append([one])
    return groups


def _is_corrected(text: str, stated: list[_Choice]) -> bool:
    """Whether the last of several statements takes the place of those before it."""
    last = stated[-1]
    other = max(
        (one for one in stated[:-1] if one.letters != last.letters), key=lambda one: one.end
    )
    between = text[other.end : last.start]
    ends = not text[last.end :].strip(
        " \n.)\"']:" + "".join(map(chr, range(_PRIVATE, _PRIVATE + 256)))
    )
    return len(last.letters) == 1 and bool(
        _CORRECTION.search(between) or ("\n" in between and ends)
    )


def _fits(letter: str, text: str, choices: list[_Choice], letters: list[str]) -> bool:
    """Whether the option's text that stands with the letter, if one does, is its own."""
    own = chr(_PRIVATE + letters.index(letter))
    for choice in choices:
        beside = re.match(rf"[)\].:,\s\"'-]{{0,4}}([{_TEXTS}])", text[choice.end :])
        ahead = re.search(rf"([{_TEXTS}])\s*[(\[]$", text[: choice.start])
        if any(found and found[1] != own for found in (beside, ahead)):
            return False
    return True


def _by_text(text: str, letters: list[str], denied: set[str]) -> str | None:
    """The only option whose text stands there, or is announced; of a sum, the one after "="."""
    result = re.search(rf"=\s*([{_TEXTS}])(?![^.]*=)", text)
    spoken, announced = set(), set()
    for found in re.finditer(f"[{_TEXTS}]", result[1] if result else text):
        before, after = text[max(0, found.start() - 120) : found.start()], text[found.end() :]
        letter = letters[ord(found[0]) - _PRIVATE]
        if result or not (_DENIED_BEFORE.search(before) or _DENIED_AFTER.search(after[:60])):
            spoken.add(letter)
            first = not before.strip() and _AT_START.search(after) and after[:1] != ","
            if first or _ANNOUNCED.search(before):
                announced.add(letter)
    only = announced if len(announced) == 1 else spoken
    return only.pop() if len(only) == 1 and not only & denied else None

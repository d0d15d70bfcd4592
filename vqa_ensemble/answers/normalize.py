"""The normal form in which VQA answers are compared.

The rules are those of the official VQA evaluator (Antol et al., "VQA: Visual Question
Answering", ICCV 2015; visualqa.org/evaluation.html), its quirks included, because scores
and answer vocabularies are only comparable if every string ends up in the same form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

_PUNCTUATION = frozenset(';/[]"{}()=+\\_-><@`,?!')
_DIGIT_GROUPS = re.compile(r"\d,\d")
# The evaluator means to keep decimal points by looking at both sides of the period, but
# its check of the left side never holds, so only the right side counts: "5." and "u.s." lose
# their periods, ".5" and "a.5" do not.
_PERIOD = re.compile(r"\.(?!\d)")
# It passes a flag where a count belongs, so that it removes no more than 32 periods.
_MOST_PERIODS = 32

UNITS = {
    word: value
    for value, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen "
        "fifteen sixteen seventeen eighteen nineteen".split()
    )
}
TENS = {
    word: 10 * value
    for value, word in enumerate(
        "twenty thirty forty fifty sixty seventy eighty ninety".split(), start=2
    )
}

# Signs that a vote keeps though the normal form drops them. While that is found they are letters
# of no language.
_AS_ASCII = {0x2212: "-", 0x2264: "<=", 0x2265: ">="}
SIGNS = frozenset("<>+-,/\u2212\u2264\u2265")
_HIDDEN = {ord(sign): 0xE000 + place for place, sign in enumerate("<>=+-,/")}
_SHOWN = {hidden: sign for sign, hidden in _HIDDEN.items()}
_NUMBER_WITH_COMMAS = re.compile(r"\d+(?:,\d+)+")
_IN_GROUPS = re.compile(r"\d{1,3}(?:,\d{2,3})*,\d{3}")
_MARKS = (
    # A comparison, but no arrow or tag.
    re.compile(r"(?:(?:(?<=\b\w)|(?<=\d\d)) +)?(?<![-=<>])[<>] *=? *(?=[-+.]?\d|\w\b)(?!\w*>)"),
    re.compile(r"(?<![\w.)\]-])-(?=\.?\d)"),  # -5, not 2-5
    re.compile(r"(?<=\d)[+/](?=\d)|(?<=\w)\++(?!\w)"),  # 1+2, 1/2, b+
    re.compile(r"(?<![^\s\uE000-\uE006])[^\W\d]{1,2}-$"),  # b-, but not pre-
)

_ARTICLES = frozenset(("a", "an", "the"))
_NUMBER_WORDS = {word: str(value) for word, value in UNITS.items() if value <= 10} | {"none": "0"}
# Contractions as they are restored. The evaluator recognises each with exactly one of its
# apostrophes left out. Its entries with capitals (I'm, I've, I'd've) can never apply, since
# words are in lower case by then.
_CONTRACTIONS = """
    ain't aren't can't couldn't couldn't've could've didn't doesn't don't hadn't hadn't've
    hasn't haven't isn't mightn't mightn't've might've mustn't must've needn't not've
    oughtn't shan't shouldn't shouldn't've should've wasn't weren't won't wouldn't
    wouldn't've would've he'd he'd've he's it'd it'd've it'll she'd've they'd they'd've
    they'll they're they've we'd've we've y'all y'all'll y'all'd've you'd you'd've you'll
    you're you've somebody'd've somebody'll somebody's someone'd someone'd've someone'll
    someone's something'd something'd've something'll that's there'd there'd've there're
    there's how'd how'll how's what'll what're what's what've when's where'd where's where've
    who'd who'd've who'll who's who've why'll why're why's ma'am o'clock 'ow's'at 'twas
""".split()

_CONTRACTED = {
    word[:i] + word[i + 1 :]: word
    for word in _CONTRACTIONS
    for i, letter in enumerate(word)
    if letter == "'"
}
# The one entry that the evaluator has the wrong way round.
_CONTRACTED["somebody'd"] = "somebodyd"


def clean_answer(text: str) -> str:
    """Turn newlines and tabs into spaces and strip the ends.

    This is all the official evaluator does to the answers of a question whose human
    answers are all the same.

    Examples
    --------
    >>> clean_answer(" Germany\\n")
    'Germany'
    """
    return text.replace("\n", " ").replace("\t", " ").strip()


def normalize_answer(text: str) -> str:
    """Bring one answer into the official normal form.

    Punctuation goes (or becomes a space), letters become lower case, number words up to ten
    become digits, articles go, and contractions get their apostrophe back. The form is not
    always its own normal form, which is a property of the official rules.

    Examples
    --------
    >>> normalize_answer("The two dogs.")
    '2 dogs'
    >>> normalize_answer("tie-dye"), normalize_answer("1,000"), normalize_answer("dont know")
    ('tie dye', '1000', "don't know")
    """
    words = []
    for word in _strip_punctuation(clean_answer(text)).lower().split():
        word = _NUMBER_WORDS.get(word, word)
        if word not in _ARTICLES:
            words.append(_CONTRACTED.get(word, word))
    return " ".join(words)


def evalai_answer(text: str) -> str:
    """Bring one answer into the normal form of EvalAI's server, as TextVQA scores it.

    It drops commas and question marks before all else, and parts ``'s`` from its word.

    Examples
    --------
    >>> evalai_answer("Dog's"), normalize_answer("Dog's")
    ("dog 's", "dog's")
    >>> evalai_answer("a,b"), normalize_answer("a,b")
    ('ab', 'b')
    """
    text = text.lower().replace(",", "").replace("?", "").replace("'s", " 's").strip()
    return normalize_answer(text)


def normalize_answers(
    texts: Sequence[str], normalize: Callable[[str], str] = normalize_answer
) -> list[str]:
    """Normalise many answers, each distinct string once.

    Examples
    --------
    >>> normalize_answers(["Yes", "none", "Yes"])
    ['yes', '0', 'yes']
    """
    forms = {text: normalize(text) for text in set(texts)}
    return [forms[text] for text in texts]


# Full-width forms of ASCII, and the ideographic space.
_HALF_WIDTH = {code + 0xFEE0: code for code in range(0x21, 0x7F)} | {0x3000: 0x20}
_MARKS_AT_ENDS = " \t\n.,;:!?()[]{}\"'*`。、．｡､"


def vote_form(text: str) -> str:
    """The form in which members' answers are counted as one; scoring has :func:`normalize_answer`.

    It is the normal form, but keeps what makes another answer: the sign of a number, comparisons,
    decimal commas, fractions, sums, and marks such as ``b+``. Unicode is composed (NFC), full-width
    letters and digits are plain ones, and CJK punctuation at the end goes. An answer whose normal
    form is empty keeps its letters: "A", "a" and "a." are one.

    Examples
    --------
    >>> [vote_form(text) for text in ("The dogs.", "-5", "< 5", "3,5", "B+", "1/2", "1,000")]
    ['dogs', '-5', '<5', '3,5', 'b+', '1/2', '1000']
    >>> [vote_form(text) for text in ("Ｙｅｓ。", "A", "a.", "？")]
    ['yes', 'a', 'a', '?']
    """
    plain = unicodedata.normalize("NFC", text).translate(_HALF_WIDTH).rstrip(" 。、｡､…")
    return _form_with_signs(plain) or plain.strip(_MARKS_AT_ENDS).lower() or plain.strip() or text


@lru_cache(1 << 17)
def is_normal(answer: str) -> bool:
    """Whether a vote writes the answer as it is; an option's letter may be a capital."""
    return vote_form(answer) == (answer.lower() if len(answer) == 1 else answer)


def _form_with_signs(text: str) -> str:
    if SIGNS.isdisjoint(text):
        return normalize_answer(text)
    kept = _NUMBER_WITH_COMMAS.sub(_keep_decimal_comma, text.translate(_AS_ASCII))
    for mark in _MARKS:
        kept = mark.sub(lambda found: found[0].replace(" ", "").translate(_HIDDEN), kept)
    return normalize_answer(kept).translate(_SHOWN)


def _keep_decimal_comma(found: re.Match[str]) -> str:
    return found[0] if _IN_GROUPS.fullmatch(found[0]) else found[0].translate(_HIDDEN)


def _strip_punctuation(text: str) -> str:
    present: Iterable[str] = _PUNCTUATION.intersection(text)
    if present:
        # A mark goes without a trace where it touches a space somewhere in the answer, or
        # where the answer has a number like 1,000; otherwise it parts two words.
        grouped = _DIGIT_GROUPS.search(text) is not None
        text = text.translate(
            {
                ord(mark): "" if grouped or mark + " " in text or " " + mark in text else " "
                for mark in present
            }
        )
    return _PERIOD.sub("", text, count=_MOST_PERIODS) if "." in text else text

"""The votes of many files as one member's: the same question twice, ids, gaps, confidences."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from vqa_ensemble.errors import InputError, at, shown
from vqa_ensemble.importers.base import ImportOptions, QuestionId, Votes
from vqa_ensemble.importers.reading import Reader, answers_by_letter
from vqa_ensemble.predictions.decoding import CONFIDENCE_SLACK

EMPTY = "the answer is empty"
Ranked = tuple[tuple[str, float | None], ...]


class _Kept(NamedTuple):
    question: QuestionId
    answers: Ranked
    path: str
    where: str
    missing: str
    vote: Votes


@dataclass
class Collected:
    """One member's votes.

    Attributes
    ----------
    votes : dict of (int or str) to tuple of (str, float or None)
        Answers to each question by falling confidence; all ids are integers, or all strings.
    missing : Counter of str
        Questions without an answer, by reason.
    repeated : int
        Rows that said again what another row had said.
    unanswered : int
        Questions that were asked for and are in no file.
    reader : Reader
        What was cut from texts to get the answers.
    same_as : set of str
        Columns of right answers that equal the model's on every row.
    """

    votes: dict[QuestionId, Ranked]
    missing: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    unanswered: int = 0
    reader: Reader = field(default_factory=Reader)
    same_as: set[str] = field(default_factory=set)

    @property
    def hard(self) -> int:
        """How many answers tell no confidence."""
        return sum(answers[0][1] is None for answers in self.votes.values())


def collect(sources: Iterable[tuple[str, Iterable[Votes]]], options: ImportOptions) -> Collected:
    """Join the votes of files into one member's.

    Rows may come in any order (files of several GPUs), and be there twice (a run that was
    appended to). A question that failed once and was answered another time is answered.

    Parameters
    ----------
    sources : iterable of (path, votes)
    options : ImportOptions

    Raises
    ------
    InputError
        Naming the file, the row and the question: answered twice in different ways, not among
        ``options.question_ids``, without an id, a confidence outside [0, 1], no votes at all.
    """
    known = {str(question): question for question in options.question_ids or ()}
    kept: dict[str, _Kept] = {}
    samples: dict[str, list[_Kept]] = {}
    repeated = 0
    same_as: set[str] | None = None
    paths = []
    reader = Reader(options.extract, options.normalize)
    for path, given in sources:
        paths.append(path)
        for entry in _entries(path, [*given], known, reader, options):
            with at(path, entry.where):
                if options.samples:
                    _draw(samples, entry, options.by_position)
                else:
                    repeated += _keep(kept, entry, options.by_position)
            if entry.answers:
                same = _same_columns(entry)
                same_as = same if same_as is None else same_as & same
    kept |= {question: _pool(drawn, options.top_k) for question, drawn in samples.items()}
    voted = [entry for entry in kept.values() if entry.answers]
    missing = Counter(entry.missing for entry in kept.values() if not entry.answers)
    if not voted:
        raise _no_votes(missing, paths)
    return Collected(
        _by_question(voted),
        missing,
        repeated,
        len(options.question_ids) - len(kept) if options.question_ids else 0,
        reader,
        same_as or set(),
    )


def _entries(
    path: str,
    votes: Sequence[Votes],
    known: Mapping[str, QuestionId],
    reader: Reader,
    options: ImportOptions,
) -> Iterator[_Kept]:
    """What each vote of a file says, and of which question."""
    # Of a file of open answers, the options that stand there too say nothing.
    by_letter = answers_by_letter(
        (text, vote.options) for vote in votes for text, _ in vote.answers
    )
    for vote in votes:
        with at(path, vote.where):
            question = _identify(vote, known, options)
            said, why = _read(vote, reader, by_letter=by_letter)
            answers = _clean(said, question, options.top_k)
        yield _Kept(question, answers, path, vote.where, why or EMPTY, vote)


def _same_columns(entry: _Kept) -> set[str]:
    """The columns of right answers that equal the model's, as it stands there or as it is read."""
    answer = (entry.answers[0][0], entry.vote.answers[0][0])
    return {column for column, text in entry.vote.right if text in answer}


def _no_votes(missing: Mapping[str, int], paths: Sequence[str]) -> InputError:
    """What is wrong with files in which no question has an answer."""
    reasons = ", ".join(f"{reason}: {n:,}" for reason, n in missing.items())
    return InputError(
        "holds no votes" + (f" ({reasons})" if reasons else ""),
        path=paths[0] if paths else None,
        fix="Check that the tool finished, and that this is its file of answers.",
    )


def _by_question(voted: Sequence[_Kept]) -> dict[QuestionId, Ranked]:
    """The answers to each question; ids of which some are strings all become strings."""
    mixed = len({type(entry.question) for entry in voted}) > 1
    return {str(one.question) if mixed else one.question: one.answers for one in voted}


def _identify(vote: Votes, known: Mapping[str, QuestionId], options: ImportOptions) -> QuestionId:
    """The id of the question that a file says something about; of those asked for, if known."""
    fix = "Give the questions of the split that the model answered."
    ids, position = options.question_ids, vote.position
    if vote.question is not None and not options.by_position:
        if ids is None:
            return vote.question
        found = known.get(str(vote.question))
        if found is None and options.by_image is not None:
            found = options.by_image.find(vote.question, vote.prompt)
        if found is None:
            raise InputError(f"question {vote.question} is not in the questions file", fix=fix)
        return found
    if position is not None and ids is not None:
        if position >= len(ids):
            raise InputError(
                f"is the answer at place {position}, but there are {len(ids)} questions", fix=fix
            )
        return _at_place(ids[position], vote, known)
    if position is not None and options.by_position:
        return position
    if position is None:
        raise InputError(
            "has no place in the data set, only its question's id", fix="Leave --by-position out."
        )
    raise InputError(
        "has no question id, only its place in the data set",
        fix="Give --questions FILE in the order of the data set, or let the place be the id "
        "with --by-position.",
    )


def _at_place(question: QuestionId, vote: Votes, known: Mapping[str, QuestionId]) -> QuestionId:
    """The question at a vote's place, unless the vote says that it is another."""
    told = known.get(str(vote.question), question)
    if told != question:
        raise InputError(
            f"says question {told}, but its place is that of question {question}",
            fix="Leave --by-position out: the file is not in the order of the questions.",
        )
    return question


def _check_same_question(before: _Kept, entry: _Kept, by_position: bool) -> None:
    """Refuse what has one id or place, and is of two questions."""
    one, two = before.vote, entry.vote
    other = f"in {before.path}, {before.where}"
    by_place = by_position or two.question is None
    if one.prompt and two.prompt and one.prompt.strip() != two.prompt.strip():
        problem = f"asks {shown(two.prompt)} and {shown(one.prompt)} {other}"
    elif not by_place and one.position != two.position and None not in (one.position, two.position):
        problem = f"is at place {two.position} of the data set here, and at {one.position} {other}"
    elif by_place and before.path != entry.path and not (one.prompt and two.prompt):
        problem = f"is a place here, and {other} too, and may be another question there"
    else:
        return
    raise InputError(
        f"question {entry.question} {problem}",
        fix="Join rows by image and words with --questions FILE, or by their place with "
        "--by-position; files that each count from 0 are joined or imported one by one."
        if not by_place
        else "Join the files into one in the order of the data set, or import each alone.",
    )


def _keep(kept: dict[str, _Kept], entry: _Kept, by_position: bool) -> bool:
    """Keep what is said of a question, unless it was said before, and whether it was."""
    # Ids may be integers in one file and strings in another.
    question = str(entry.question)
    before = kept.setdefault(question, entry)
    if before is entry:
        return False
    _check_same_question(before, entry, by_position)
    if not before.answers:
        kept[question] = entry
    elif entry.answers and entry.answers != before.answers:
        raise InputError(
            f"question {question} is answered {_show(entry.answers)}, and "
            f"{_show(before.answers)} in {before.path}, {before.where}",
            fix="Keep one of the two runs, or give --samples if they are samples of one model.",
        )
    return True


def _draw(samples: dict[str, list[_Kept]], entry: _Kept, by_position: bool) -> None:
    """Add one more sample of a question."""
    drawn = samples.setdefault(str(entry.question), [])
    if drawn:
        _check_same_question(drawn[0], entry, by_position)
    drawn.append(entry)


def _read(
    vote: Votes, reader: Reader, *, by_letter: bool
) -> tuple[list[tuple[str, float | None]], str]:
    """The answers in a vote's texts, and why there is none."""
    options = vote.options if by_letter or vote.must_choose else {}
    read = [(reader(text, options), confidence) for text, confidence in vote.answers]
    missing = next((one.missing for one, _ in read if one.missing), vote.missing)
    return [(one.answer, confidence) for one, confidence in read if one.answer], missing


def _pool(samples: list[_Kept], top_k: int) -> _Kept:
    """Samples of one question as one entry: an answer's confidence is its share of them."""
    told = [sample for sample in samples if sample.answers]
    if len(told) < 2:
        return told[0] if told else samples[0]
    shares: dict[str, float] = defaultdict(float)
    for sample in told:
        for answer, confidence in sample.answers:
            shares[answer] += (1.0 if confidence is None else confidence) / len(told)
    ranked = sorted(shares.items(), key=lambda item: (-item[1], item[0]))
    return told[0]._replace(answers=tuple((a, min(1.0, share)) for a, share in ranked[:top_k]))


def _clean(given: Sequence[tuple[str, float | None]], question: QuestionId, top_k: int) -> Ranked:
    """Each answer once, by falling confidence."""
    for answer, confidence in given:
        if confidence is not None and not 0 <= confidence <= 1 + CONFIDENCE_SLACK:
            raise InputError(
                f"the confidence of {answer!r} to question {question} is {confidence:g}; it must "
                "lie in [0, 1]",
                fix="Export probabilities, or turn scores into them with --activation.",
            )
    # Shares and probabilities of one answer add up; scores that are no distribution do not.
    adds_up = sum(confidence or 0 for _, confidence in given) <= 1 + CONFIDENCE_SLACK
    best: dict[str, float | None] = {}
    for answer, confidence in given:
        before = best.get(answer)
        if confidence is None or before is None:
            best[answer] = confidence if before is None else before
        else:
            best[answer] = min(1.0, before + confidence) if adds_up else max(before, confidence)
    ranked = sorted(best.items(), key=lambda item: (-(item[1] or 0), item[0]))
    return tuple(ranked[:top_k])


def _show(answers: Ranked) -> str:
    answer, confidence = answers[0]
    return f"{answer!r}" if confidence is None else f"{answer!r} ({confidence:g})"

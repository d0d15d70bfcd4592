"""The votes of many files as one member's: the same question twice, ids, gaps, confidences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from vqa_ensemble.errors import InputError
from vqa_ensemble.formats.importers.base import ImportOptions, QuestionId, Votes
from vqa_ensemble.formats.predictions import CONFIDENCE_SLACK

EMPTY = "the answer is empty"
Ranked = tuple[tuple[str, float | None], ...]


class _Kept(NamedTuple):
    question: QuestionId
    answers: Ranked
    path: str
    where: str
    missing: str


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
    """

    votes: dict[QuestionId, Ranked]
    missing: Counter[str] = field(default_factory=Counter)
    repeated: int = 0
    unanswered: int = 0

    @property
    def hard(self) -> int:
        """How many answers tell no confidence."""
        return sum(answers[0][1] is None for answers in self.votes.values())


def collect(
    sources: Iterable[tuple[str, Iterable[Votes]]],
    options: ImportOptions,
) -> Collected:
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
    identify = _Identifier(options)
    kept: dict[str, _Kept] = {}
    repeated = 0
    paths = []
    for path, votes in sources:
        paths.append(path)
        for vote in votes:
            question = identify(vote, path)
            answers = _clean(vote, question, path, options.top_k)
            entry = _Kept(question, answers, path, vote.where, vote.missing or EMPTY)
            # Ids may be integers in one file and strings in another.
            before = kept.setdefault(str(question), entry)
            if before is entry:
                continue
            repeated += 1
            if not before.answers:
                kept[str(question)] = entry
            elif answers and answers != before.answers:
                raise InputError(
                    f"question {question} is answered {_show(answers)}, and "
                    f"{_show(before.answers)} in {before.path}, {before.where}",
                    path=path,
                    where=vote.where,
                    fix="Keep one of the two runs.",
                )
    voted = [entry for entry in kept.values() if entry.answers]
    missing = Counter(entry.missing for entry in kept.values() if not entry.answers)
    if not voted:
        reasons = ", ".join(f"{reason}: {n:,}" for reason, n in missing.items())
        raise InputError(
            "holds no votes" + (f" ({reasons})" if reasons else ""),
            path=paths[0] if paths else None,
            fix="Check that the tool finished, and that this is its file of answers.",
        )
    mixed = len({type(entry.question) for entry in voted}) > 1
    return Collected(
        {str(one.question) if mixed else one.question: one.answers for one in voted},
        missing,
        repeated,
        len(identify.known) - len(kept) if identify.known else 0,
    )


class _Identifier:
    """Turns what a file says about a question into its id."""

    def __init__(self, options: ImportOptions) -> None:
        self.known = options.question_ids
        self._by_position = options.by_position
        self._exact: Mapping[str, QuestionId] = {str(q): q for q in self.known or ()}

    def __call__(self, vote: Votes, path: str) -> QuestionId:
        if vote.question is not None:
            if self.known is None:
                return vote.question
            if str(vote.question) not in self._exact:
                raise InputError(
                    f"question {vote.question} is not in the questions file",
                    path=path,
                    where=vote.where,
                    fix="Give the questions of the split that the model answered.",
                )
            return self._exact[str(vote.question)]
        position = vote.position
        if position is not None and self.known is not None:
            if position >= len(self.known):
                raise InputError(
                    f"is the answer at place {position}, but there are {len(self.known)} questions",
                    path=path,
                    where=vote.where,
                    fix="Give the questions of the split that the model answered.",
                )
            return self.known[position]
        if position is not None and self._by_position:
            return position
        raise InputError(
            "has no question id, only its place in the data set",
            path=path,
            where=vote.where,
            fix="Give --questions FILE in the order of the data set, or let the place be the id "
            "with --by-position.",
        )


def _clean(vote: Votes, question: QuestionId, path: str, top_k: int) -> Ranked:
    """Answers without spaces around them, each once, by falling confidence; none empty."""
    best: dict[str, float | None] = {}
    for text, confidence in vote.answers:
        answer = text.strip()
        if confidence is not None and not 0 <= confidence <= 1 + CONFIDENCE_SLACK:
            raise InputError(
                f"the confidence of {answer!r} to question {question} is {confidence:g}; it must "
                "lie in [0, 1]",
                path=path,
                where=vote.where,
                fix="Export probabilities, or turn scores into them with --activation.",
            )
        if answer and (answer not in best or (confidence or 0) > (best[answer] or 0)):
            best[answer] = confidence
    ranked = sorted(best.items(), key=lambda item: (-(item[1] or 0), item[0]))
    return tuple(ranked[:top_k])


def _show(answers: Ranked) -> str:
    answer, confidence = answers[0]
    return f"{answer!r}" if confidence is None else f"{answer!r} ({confidence:g})"

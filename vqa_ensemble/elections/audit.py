"""The audit file: per question, how its answer came about."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.question_type import TYPE_TIE_BREAKS, sum_by_type
from vqa_ensemble.voting.result import TIE_BREAKS, Election
from vqa_ensemble.voting.tally import ONE, Tally, from_digits


def audit_table(ballots: Ballots, election: Election) -> pa.Table:
    """One row a question.

    Columns: ``question_id``; ``answer``; ``question_type`` (null if the method has none);
    ``first_votes`` and ``votes``, lists of {answer, votes, confidence} from most votes to
    fewest, before and after the type is fixed; ``type_votes``, a list of {question_type,
    votes}; ``majority_answer``, what equal votes without types elect; ``agreement``, the share
    of members present whose own top answer won; ``margin``, votes ahead of the runner-up;
    ``tie_break`` and ``type_tie_break``, what decided among equal votes (null if nothing had
    to).
    """
    vocabulary = pa.array(ballots.vocabulary, pa.string())
    n = len(ballots)
    strings = pa.nulls(n, pa.string())
    question_type, type_votes, type_tie_break = strings, pa.nulls(n, _TYPE_VOTES), strings
    if (held := election.type_vote) is not None:
        names = pa.array(held.names, pa.string())
        question_type = names.take(pa.array(held.winner, mask=held.winner < 0))
        if held.types is not None and held.decided_by is not None:
            type_votes = _type_votes(sum_by_type(election.first_round, held.types), names)
            type_tie_break = _tie_break(held.decided_by, TYPE_TIE_BREAKS)
    return pa.table(
        {
            "question_id": pa.array(ballots.question_ids),
            "answer": vocabulary.take(pa.array(election.answer)),
            "question_type": question_type,
            "first_votes": _votes(election.first_round, vocabulary),
            "votes": _votes(election.tally, vocabulary),
            "type_votes": type_votes,
            "majority_answer": vocabulary.take(pa.array(election.plurality)),
            "agreement": election.agreement,
            "margin": election.margin / ONE,
            "tie_break": _tie_break(election.decided_by, TIE_BREAKS),
            "type_tie_break": type_tie_break,
        }
    )


def is_audit(schema: pa.Schema) -> bool:
    """Whether a parquet file is what :func:`audit_table` gives."""
    return {"first_votes", "majority_answer"} <= set(schema.names)


_TYPE_VOTES = pa.list_(
    pa.field("item", pa.struct([("question_type", pa.string()), ("votes", pa.float64())]))
)


def _votes(tally: Tally, vocabulary: pa.StringArray) -> pa.ListArray:
    votes, confidences = tally.criteria
    order = np.lexsort(
        (
            tally.answers,
            *-np.atleast_2d(confidences)[::-1],
            *-np.atleast_2d(votes)[::-1],
            tally.questions,
        )
    )
    candidates = pa.StructArray.from_arrays(
        [
            vocabulary.take(pa.array(tally.answers[order])),
            pa.array(from_digits(votes)[order]),
            pa.array(from_digits(confidences)[order]),
        ],
        ["answer", "votes", "confidence"],
    )
    return pa.ListArray.from_arrays(pa.array(tally.starts, pa.int32()), candidates)


def _type_votes(votes: npt.NDArray[np.int64], names: pa.StringArray) -> pa.ListArray:
    questions, types = np.nonzero(votes)
    starts = np.searchsorted(questions, np.arange(len(votes) + 1))
    pairs = pa.StructArray.from_arrays(
        [
            names.take(pa.array(types)),
            pa.array(votes[questions, types] / ONE),
        ],
        ["question_type", "votes"],
    )
    return pa.ListArray.from_arrays(pa.array(starts, pa.int32()), pairs)


def _tie_break(decided_by: npt.NDArray[np.int8], names: tuple[str, ...]) -> pa.StringArray:
    return pa.array(names).take(pa.array(decided_by, mask=decided_by == 0))

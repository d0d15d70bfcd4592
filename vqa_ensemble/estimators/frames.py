"""Pandas long tables to and from the arrays that the engine works on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from vqa_ensemble import ragged
from vqa_ensemble.arrays import Floats, Ints
from vqa_ensemble.errors import InputError, at
from vqa_ensemble.files.records import as_text
from vqa_ensemble.learning.combiners.candidates import Candidates
from vqa_ensemble.predictions.decoding import COLUMNS
from vqa_ensemble.predictions.files import predictions_from_table
from vqa_ensemble.predictions.member import Metadata, Predictions
from vqa_ensemble.questions.benchmarks import annotations_of_answers
from vqa_ensemble.questions.ids import QuestionIds
from vqa_ensemble.scoring.metric import make_metric
from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.question_types import QuestionTypes
from vqa_ensemble.voting.result import Election

if TYPE_CHECKING:
    import pandas as pd

# What errors call the tables, as prediction and annotation files are called by their paths.
_PREDICTIONS, _RIGHT_ANSWERS = "<predictions>", "<right answers>"


@at(_PREDICTIONS)
def predictions_from_frame(X: pd.DataFrame) -> list[Predictions]:
    """Every member's predictions.

    Parameters
    ----------
    X : DataFrame
        Columns member, question_id, answer and, unless answers are hard votes, confidence, as
        in prediction files; one row a member, question and answer, in any order.

    Raises
    ------
    InputError
        If a column is missing or holds what a prediction file may not hold.
    """
    _check_columns(X, ("member", "question_id", "answer"))
    columns = [name for name in COLUMNS if name in X.columns]
    table = pa.table({name: _column(X, name) for name in columns})
    members = _column(X, "member")
    if members.null_count:
        raise InputError("'member' is null", fix="Name a member in every row.")
    names = np.asarray(members.cast(pa.string()).to_pylist(), dtype=object)
    predictions = []
    for name in sorted(set(names)):
        rows = np.flatnonzero(names == name)
        path = f"<predictions of {name}>"
        own = table.take(pa.array(rows))
        predictions.append(predictions_from_table(own, path, Metadata(member=name), rows.tolist()))
    return predictions


def types_from_frame(
    X: pd.DataFrame, question_types: pd.Series[Any] | None, question_ids: QuestionIds
) -> QuestionTypes | None:
    """Every question's type: from a Series, else from the column question_type, else None.

    Parameters
    ----------
    question_types : Series, optional
        Indexed by question_id.

    Raises
    ------
    InputError
        If a question has no type, or two.
    """
    if question_types is None:
        if "question_type" not in X.columns:
            return None
        question_types = series_of_types(X)
    values = values_of(question_types, question_ids, "question type")
    names, of = np.unique([str(value) for value in values], return_inverse=True)
    return QuestionTypes(tuple(names.tolist()), of.astype(np.int64))


def series_of_types(table: pd.DataFrame) -> pd.Series[Any]:
    """A table's question types, by question."""
    pairs = table[["question_id", "question_type"]].drop_duplicates()
    return pairs.set_index("question_id")["question_type"]


def groups_from_frame(groups: pd.Series[Any] | None, question_ids: QuestionIds) -> Ints:
    """Every question's group, its own if none are given; shape (Q,)."""
    if groups is None:
        return np.arange(len(question_ids))
    values = [str(value) for value in values_of(groups, question_ids, "group")]
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def values_of(series: pd.Series[Any], question_ids: QuestionIds, what: str) -> list[Any]:
    """A Series' value for every question.

    Raises
    ------
    InputError
        If it lacks a question or has one twice.
    """
    twice = series.index[series.index.duplicated()]
    if len(twice):
        raise InputError(
            f"has more than one {what}",
            where=f"question {twice[0]}",
            fix="Keep one row a question.",
        )
    found = series.reindex(question_ids)
    absent = np.asarray(found.isna())
    if absent.any():
        raise InputError(
            f"{int(absent.sum())} of {len(question_ids)} questions have no {what}",
            where=f"question {question_ids[int(absent.argmax())]}",
            fix="Give a Series indexed by question_id.",
        )
    return list(found)


@at(_RIGHT_ANSWERS)
def targets_from_frame(
    y: pd.DataFrame, candidates: Candidates, metric: str | None = None
) -> tuple[Floats, str | None]:
    """How right every candidate is, shape (C,), and by which metric, None if ``y`` has scores.

    Parameters
    ----------
    y : DataFrame
        Columns question_id and answer. With a column score in [0, 1] the answers listed score
        that, and others 0; without it they are the key. Questions that are not among the
        candidates' are ignored.
    metric : str, optional
        Of :data:`vqa_ensemble.scoring.METRICS`; by default what the key itself asks for, as
        :func:`~vqa_ensemble.questions.benchmarks.annotations_of_answers` tells.

    Raises
    ------
    InputError
        If a column is missing, a question of the candidates has no row, a score is not in [0, 1]
        or given twice or beside a metric, or the metric cannot be applied.
    """
    import pandas as pd

    _check_columns(y, ("question_id", "answer"))
    questions = pd.Index(candidates.question_ids).get_indexer(pd.Index(y["question_id"]))
    has_scores = "score" in y.columns
    if has_scores and metric is not None:
        raise InputError(
            f"has the column 'score', beside the metric '{metric}'", fix="Leave out one of them."
        )
    scores = _scores(y) if has_scores else np.ones(len(y))
    lacking = np.setdiff1d(np.arange(len(candidates)), questions)
    if len(lacking):
        raise InputError(
            f"{len(lacking)} of {len(candidates)} questions have no right answer",
            where=f"question {candidates.question_ids[lacking[0]]}",
            fix="Give the right answer of every question.",
        )
    if has_scores:
        return _given_targets(y, candidates, questions, scores), None
    answers: list[list[str]] = [[] for _ in range(len(candidates))]
    for row, (question, answer) in enumerate(zip(questions.tolist(), y["answer"], strict=True)):
        text = as_text(answer.item() if isinstance(answer, np.generic) else answer, "answer")
        if not text.strip():
            raise InputError("'answer' is empty", where=f"row {row}", fix="Fill it in.")
        if question >= 0:
            answers[question].append(text.strip())
    key = annotations_of_answers(candidates.question_ids.tolist(), answers)
    ready = make_metric(key, metric)
    scored = ready.score(candidates.questions, candidates.answers, candidates.vocabulary)
    return scored, ready.name


def _scores(y: pd.DataFrame) -> Floats:
    scores = np.asarray(y["score"], np.float64)
    if not ((scores >= 0) & (scores <= 1)).all():
        wrong = int(np.argmax(~((scores >= 0) & (scores <= 1))))
        raise InputError(
            f"score is {scores[wrong]}",
            where=f"row {wrong}",
            fix="It must lie in [0, 1]: 1 is right, 0 wrong.",
        )
    return scores


def _given_targets(
    y: pd.DataFrame, candidates: Candidates, questions: Ints, scores: Floats
) -> Floats:
    """The scores of the candidates that ``y`` lists, 0 for others."""
    import pandas as pd

    answers = pd.Index(candidates.vocabulary).get_indexer(pd.Index(y["answer"]))
    listed = np.flatnonzero((questions >= 0) & (answers >= 0))
    width = len(candidates.vocabulary)
    keys = questions[listed].astype(np.int64) * width + answers[listed]
    _, first, counts = np.unique(keys, return_index=True, return_counts=True)
    if (counts > 1).any():
        row = y.iloc[listed[first[int(np.argmax(counts))]]]
        raise InputError(
            f"'{row['answer']}' stands twice",
            where=f"question {row['question_id']}",
            fix="Keep one of the rows.",
        )
    own = candidates.questions * width + candidates.answers
    position = np.minimum(np.searchsorted(own, keys), len(own) - 1)
    is_candidate = own[position] == keys
    targets = np.zeros(len(own))
    targets[position[is_candidate]] = scores[listed][is_candidate]
    return targets


def answers_to_frame(ballots: Ballots, election: Election) -> pd.DataFrame:
    """The winning answers: question_id and answer, one row a question."""
    import pandas as pd

    answers = [ballots.vocabulary[code] for code in election.answer.tolist()]
    return pd.DataFrame({"question_id": ballots.question_ids, "answer": answers})


def shares_to_frame(ballots: Ballots, election: Election) -> pd.DataFrame:
    """Each candidate's share of its question's votes: question_id, answer, probability.

    The winner comes first, then the others by falling share, then alphabetically.
    """
    import pandas as pd

    tally = election.tally
    questions = tally.questions
    votes = tally.votes.astype(np.float64)
    shares = votes / ragged.sums(tally.starts, votes)[questions]
    lost = tally.answers != election.answer[questions]
    order = np.lexsort((tally.answers, -tally.votes, lost, questions))
    return pd.DataFrame(
        {
            "question_id": ballots.question_ids[questions[order]],
            "answer": [ballots.vocabulary[code] for code in tally.answers[order].tolist()],
            "probability": shares[order],
        }
    )


def _check_columns(table: pd.DataFrame, names: tuple[str, ...]) -> None:
    absent = [name for name in names if name not in table.columns]
    if absent:
        raise InputError(
            f"has no column '{absent[0]}'; its columns are: {', '.join(map(str, table.columns))}",
            fix="Rename the one that holds it, or add it.",
        )


def _column(table: pd.DataFrame, name: str) -> pa.Array | pa.ChunkedArray:
    try:
        return pa.array(table[name], from_pandas=True)
    except pa.ArrowException as error:
        raise InputError(
            f"'{name}' has values of several types",
            fix="Make them all text, or all integers.",
        ) from error

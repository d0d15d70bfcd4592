"""The vote: worked examples, invariants, and the slow reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from refusal import refused
from slow_vote import question_type_vote as slow_vote
from strategies import ANSWERS, TYPES, counts, examples, members

from vqa_ensemble.answers.answer_map import AnswerMap, read_answer_map, write_answer_map
from vqa_ensemble.answers.types import resolve
from vqa_ensemble.elections.options import VoteOptions
from vqa_ensemble.elections.vote import VoteOutcome, vote
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.files import predictions_from_rows
from vqa_ensemble.predictions.member import ABSTAIN, Predictions
from vqa_ensemble.voting.ballots import align, ballots_from_votes
from vqa_ensemble.voting.majority import majority_vote
from vqa_ensemble.voting.mean import mean_vote
from vqa_ensemble.voting.plurality import plurality
from vqa_ensemble.voting.question_type import question_type_vote, sum_by_type
from vqa_ensemble.voting.result import Election, TypeVote, elect_by_weighted_votes
from vqa_ensemble.voting.tally import ONE, count_equal_votes, count_votes

NUMBERS = AnswerMap.from_pairs(
    [("yes", "yes/no"), ("no", "yes/no")] + [(str(n), "number") for n in range(10)]
)


def member(name: str, questions: dict[int, list[tuple[str, float]]]) -> Predictions:
    return predictions_from_rows(
        name, [(q, a, c) for q, ranked in questions.items() for a, c in ranked]
    )


def one_question(*ballots: list[tuple[str, float]]) -> list[Predictions]:
    return [member(f"m{m}", {7: ranked}) for m, ranked in enumerate(ballots)]


def named(voters: list[dict[int, list[tuple[str, float]]]]) -> list[Predictions]:
    return [member(f"m{m}", questions) for m, questions in enumerate(voters)]


def map_from(table: dict[str, dict[str, int]]) -> AnswerMap:
    pairs = [(a, t, n) for a, by_type in table.items() for t, n in by_type.items()]
    answers, types, numbers = (list(part) for part in zip(*pairs, strict=True))
    return AnswerMap.from_counts(answers, types, numbers)


def outcome_by_question(outcome: VoteOutcome) -> dict[int, str]:
    return dict(zip(outcome.ballots.question_ids.tolist(), outcome.answers(), strict=True))


def elected_types(election: Election) -> list[str]:
    assert election.type_vote is not None
    return [election.type_vote.names[t] for t in election.type_vote.winner]


# ------------------------------------------------------------------ worked examples


@pytest.mark.parametrize("method", ["majority", "question-type"])
def test_the_slides_example_elects_4(method: str) -> None:
    voters = one_question(*([(answer, 0.5)] for answer in "54544"))
    assert vote(voters, VoteOptions(method=method, answer_map=NUMBERS)).answers() == ["4"]


def test_a_scattered_number_beats_the_most_frequent_answer() -> None:
    voters = one_question(
        [("2", 0.6)],
        [("3", 0.9), ("2", 0.05)],
        [("yes", 0.5), ("2", 0.4)],
        [("yes", 0.5), ("no", 0.4)],
        [("4", 0.7)],
    )
    majority = vote(voters, VoteOptions(method="majority"))
    by_type = vote(voters, VoteOptions(answer_map=NUMBERS))
    assert majority.answers() == ["yes"]
    # Re-votes 2, 3, 2, abstain, 4.
    assert by_type.answers() == ["2"]
    assert by_type.election.margin.tolist() == [ONE]
    assert (by_type.election.votes == ABSTAIN).tolist() == [[False, False, False, True, False]]
    assert by_type.summary.types == {"number": 1, "yes/no": 0}
    assert by_type.summary.changed_by_revoting == 1


def test_the_literal_reading_keeps_only_votes_of_the_winning_type() -> None:
    voters = one_question(
        [("2", 0.6)],
        [("3", 0.9)],
        [("yes", 0.5), ("2", 0.4)],
        [("yes", 0.5), ("2", 0.4)],
        [("4", 0.7)],
    )
    assert vote(voters, VoteOptions(answer_map=NUMBERS)).answers() == ["2"]
    literal = vote(voters, VoteOptions(revote="votes", answer_map=NUMBERS))
    assert literal.answers() == ["3"]  # one vote each: the most confident


@pytest.mark.parametrize("method", [majority_vote, mean_vote])
def test_the_map_breaks_ties_by_how_often_it_saw_an_answer(
    method: Callable[..., Election],
) -> None:
    ballots = ballots_from_votes({"m1": [("cat", 0.5)], "m2": [("dog", 0.5)]})
    elected = [
        ballots.vocabulary[method(ballots, counts).answer[0]]
        for counts in (None, np.array([1, 5]), np.array([5, 1]))
    ]
    assert elected == ["cat", "dog", "cat"]
    assert ballots.question_ids.tolist() == [0]


def test_votes_may_weigh_differently() -> None:
    ballots = ballots_from_votes({"a": [("cat", 0.5)], "b": [("cat", 0.5)], "c": [("dog", 0.5)]})
    weights = np.array([ONE, ONE, 3 * ONE])
    tally = count_votes(np.zeros(3, np.int64), ballots.top().answers[0], weights, weights, 1)
    type_vote = TypeVote(("animal",), np.array([0]))
    election = elect_by_weighted_votes(ballots, tally, None, type_vote)
    assert [ballots.vocabulary[code] for code in election.answer] == ["dog"]
    assert [ballots.vocabulary[code] for code in election.plurality] == ["cat"]
    assert election.margin.tolist() == [ONE]
    assert (election.decided_by.tolist(), election.decided_by.dtype) == ([0], np.int8)
    assert elected_types(election) == ["animal"]


def test_mean_confidence_counts_second_choices() -> None:
    voters = one_question([("red", 0.4), ("blue", 0.3)], [("green", 0.4), ("blue", 0.35)])
    assert vote(voters, VoteOptions(method="mean")).answers() == ["blue"]


def test_answers_with_one_normal_form_are_counted_together() -> None:
    voters = one_question([("Red", 0.5)], [("red.", 0.5)], [("blue", 0.9)])
    plain = vote(voters, VoteOptions(method="majority"))
    merged = vote(voters, VoteOptions(method="majority", normalize=True))
    assert (plain.answers(), merged.answers()) == (["blue"], ["red"])


# ------------------------------------------------------------------------ tie-breaks


def ties(outcome: VoteOutcome) -> tuple[dict[str, int], dict[str, int]]:
    return (
        {name: n for name, n in outcome.summary.type_ties.items() if n},
        {name: n for name, n in outcome.summary.answer_ties.items() if n},
    )


def test_a_tied_answer_goes_to_the_larger_summed_confidence() -> None:
    outcome = vote(one_question([("1", 0.5)], [("2", 0.75)]), VoteOptions(answer_map=NUMBERS))
    assert outcome.answers() == ["2"]
    assert ties(outcome) == ({}, {"confidence": 1})


def test_then_to_the_answer_more_frequent_in_the_map() -> None:
    frequent = map_from({"1": {"number": 2}, "2": {"number": 5}})
    outcome = vote(one_question([("1", 0.5)], [("2", 0.5)]), VoteOptions(answer_map=frequent))
    assert outcome.answers() == ["2"]
    assert ties(outcome) == ({}, {"count": 1})


def test_then_to_the_alphabetically_first() -> None:
    outcome = vote(one_question([("2", 0.5)], [("1", 0.5)]), VoteOptions(answer_map=NUMBERS))
    assert outcome.answers() == ["1"]
    assert ties(outcome) == ({}, {"alphabetical": 1})


def test_a_tied_type_goes_to_the_larger_summed_confidence() -> None:
    outcome = vote(one_question([("1", 0.5)], [("yes", 0.75)]), VoteOptions(answer_map=NUMBERS))
    assert outcome.answers() == ["yes"]
    assert ties(outcome) == ({"confidence": 1}, {})


def test_then_to_the_type_more_frequent_in_the_map() -> None:
    outcome = vote(one_question([("1", 0.5)], [("no", 0.5)]), VoteOptions(answer_map=NUMBERS))
    assert outcome.answers() == ["1"]  # ten numbers, two yes/no
    assert ties(outcome) == ({"prior": 1}, {})


def test_then_to_the_alphabetically_first_type() -> None:
    even = map_from({"1": {"number": 1}, "no": {"yes/no": 1}})
    outcome = vote(one_question([("no", 0.5)], [("1", 0.5)]), VoteOptions(answer_map=even))
    assert outcome.answers() == ["1"]
    assert ties(outcome) == ({"alphabetical": 1}, {})


# ------------------------------------------------------------------ the map's influence


def test_a_soft_map_counts_a_vote_for_every_type_of_its_answer() -> None:
    table = {
        "2": {"number": 6, "other": 4},
        "3": {"number": 6, "other": 4},
        "cat": {"other": 10},
    }
    # Hard: number 2, other 1. Soft: number 1.2, other 1.8.
    voters = one_question([("2", 0.5), ("cat", 0.1)], [("3", 0.5)], [("cat", 0.5)])
    hard = vote(voters, VoteOptions(answer_map=map_from(table)))
    soft = vote(voters, VoteOptions(soft_map=True, answer_map=map_from(table)))
    assert hard.answers() == ["2"]
    assert soft.answers() == ["cat"]


def test_where_nobody_has_an_answer_of_the_elected_type_the_votes_stand() -> None:
    table = {"2": {"number": 6, "other": 5}, "no": {"yes/no": 6, "other": 5}, "x": {"other": 1}}
    voters = [
        member("a", {1: [("2", 0.5)], 2: [("2", 0.5)]}),
        member("b", {1: [("no", 0.25)], 2: [("x", 0.75)]}),
    ]
    outcome = vote(voters, VoteOptions(soft_map=True, answer_map=map_from(table)))
    election = outcome.election
    assert elected_types(election) == ["other", "other"]
    assert outcome.answers() == ["2", "x"]


@pytest.mark.parametrize("better", [0, 1, 2, 3])
def test_the_revote_finds_an_answer_of_the_type_however_far_down(better: int) -> None:
    others = ["yes", "no", "yes!", "no!"][:better]
    ranked = [*((answer, 0.5) for answer in others), ("2", 0.25), ("3", 0.125)]
    ballots = ballots_from_votes({"a": [("2", 0.5)], "b": [("4", 0.875)], "c": ranked})
    types = resolve(NUMBERS, ballots.vocabulary, unseen="yes/no")
    election = question_type_vote(ballots, types)
    assert ballots.vocabulary[election.answer[0]] == "2"


def test_known_types_overrule_the_votes_for_types() -> None:
    ballots = ballots_from_votes({"a": [("2", 0.5)], "b": [("3", 0.5)], "c": [("no", 0.25)]})
    types = resolve(NUMBERS, ballots.vocabulary)
    known = np.array([types.names.index("yes/no")])
    election = question_type_vote(ballots, types, known_types=known)
    assert ballots.vocabulary[election.answer[0]] == "no"
    type_vote = election.type_vote
    assert (type_vote.winner.tolist(), type_vote.decided_by.tolist()) == ([1], [0])


def test_editing_one_entry_of_the_map_changes_the_vote() -> None:
    voters = one_question([("2", 0.5)], [("yes", 0.5), ("2", 0.4)], [("few", 0.5)])
    before = map_from({"2": {"number": 1}, "yes": {"yes/no": 9}, "few": {"yes/no": 1}})
    after = map_from({"2": {"number": 1}, "yes": {"yes/no": 9}, "few": {"number": 1}})
    assert vote(voters, VoteOptions(answer_map=before)).answers() == ["yes"]
    assert vote(voters, VoteOptions(answer_map=after)).answers() == ["2"]


def test_question_type_voting_without_a_map_says_how_to_get_one() -> None:
    with pytest.raises(InputError, match="build-map"):
        vote(one_question([("2", 0.5)]))


# ------------------------------------------------------------------- missing questions


@pytest.mark.parametrize(
    ("n_lacking", "named"), [(1, "1"), (5, "1, 2, 3, 4, 5"), (6, "1, 2, 3, 4, 5, …")]
)
def test_a_member_without_some_questions_is_an_error_that_names_them(
    n_lacking: int, named: str
) -> None:
    last = n_lacking + 1
    voters = [
        member("a", {question: [("no", 1)] for question in range(1, last + 1)}),
        member("b", {last: [("no", 1)]}),
    ]
    with refused(
        f"<b>: lacks {n_lacking} of {last} questions that other members have: {named}. "
        "Predict them, or let the member abstain there with --missing abstain."
    ):
        align(voters)


def test_or_it_abstains() -> None:
    voters = [member("a", {1: [("2", 1)], 5: [("no", 1)]}), member("b", {5: [("no", 1)]})]
    outcome = vote(voters, VoteOptions(missing="abstain", answer_map=NUMBERS))
    assert outcome_by_question(outcome) == {1: "2", 5: "no"}
    assert outcome.summary.missing_votes == 1
    assert outcome.election.agreement.tolist() == [1.0, 1.0]


def test_members_may_have_no_question_in_common() -> None:
    voters = [member("a", {1: [("2", 1)]}), member("b", {5: [("no", 1)]})]
    outcome = vote(voters, VoteOptions(missing="abstain", answer_map=NUMBERS))
    assert outcome_by_question(outcome) == {1: "2", 5: "no"}


@pytest.mark.parametrize("ids", [(1, "1"), ("1", 1)])
def test_members_with_integer_and_string_ids_do_not_mix(ids: tuple[object, object]) -> None:
    voters = [
        predictions_from_rows(f"m{m}", [(question, "no", 1.0)])  # type: ignore[list-item]
        for m, question in enumerate(ids)
    ]
    text, whole = ("<m0>", "<m1>") if ids[0] == "1" else ("<m1>", "<m0>")
    with refused(
        f"{text}: question ids are strings, but integers in {whole}. "
        "Write all members' question_id with one type."
    ):
        vote(voters, VoteOptions(method="majority"))


def test_two_members_of_one_name_are_an_error() -> None:
    with refused(
        "<a>: is the same member as <a>: 'a'. "
        "Give each member once, or rename one (its metadata or its file)."
    ):
        vote([member("a", {1: [("no", 1)]})] * 2, VoteOptions(method="majority"))


def test_no_members_are_an_error() -> None:
    with refused("no prediction files given. Name at least one .parquet file."):
        align([])


# ------------------------------------------------------------------------- properties


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 12) | st.sampled_from([254, 255, 256, 300]))
def test_the_plurality_is_the_first_by_the_rules(seed: int, n_members: int) -> None:
    rng = np.random.default_rng(seed)
    votes = rng.integers(-1, 4, (40, n_members)).astype(np.int32)
    votes[:, 0] = np.maximum(votes[:, 0], 0)  # nobody abstains everywhere
    confidences = (rng.integers(0, 4, votes.shape) / 4).astype(np.float32)
    frequency = np.array([1, 2, 2, 0])
    for order in ("C", "F"):
        found = plurality(np.array(votes, order=order), confidences, frequency)  # type: ignore[call-overload]
        for q, (winner, decided_by) in enumerate(zip(*found, strict=True)):
            ranks = sorted(
                (-sum(mine), -float(confidences[q][mine].sum()), -frequency[code], code)
                for code in range(4)
                if (mine := votes[q] == code).any()
            )
            assert winner == ranks[0][3]
            if len(ranks) > 1:
                first, second = ranks[:2]
                assert decided_by == next(i for i in range(4) if first[i] != second[i])


def test_however_many_questions_tie_each_is_decided_by_confidence() -> None:
    frequency = np.zeros(3, dtype=np.int64)
    for n_questions in range(1, 257):
        votes = np.tile(np.array([0, 1, 2], dtype=np.int32), (n_questions, 1))
        confidences = np.tile(np.array([0.75, 0.5, 0.25], dtype=np.float32), (n_questions, 1))
        winner, decided_by = plurality(votes, confidences, frequency)
        assert (winner == 0).all()
        assert (decided_by == 1).all()


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.integers(0, 9), st.integers(0, 9)))
)
def test_votes_are_counted_in_any_order(votes: list[tuple[int, int, int, int]]) -> None:
    questions, answers, weights, confidences = np.array(votes, dtype=np.int64).reshape(-1, 4).T
    tally = count_votes(questions, answers.astype(np.int32), weights, confidences, 4)
    expected = Counter[tuple[int, int]]()
    surety = Counter[tuple[int, int]]()
    for question, answer, weight, confidence in votes:
        expected[question, answer] += weight
        surety[question, answer] += confidence
    pairs = list(zip(tally.questions.tolist(), tally.answers.tolist(), strict=True))
    assert pairs == sorted(expected)
    assert tally.votes.tolist() == [expected[pair] for pair in pairs]
    assert tally.confidences.tolist() == [surety[pair] for pair in pairs]
    assert tally.starts[-1] == len(pairs)


@given(st.lists(st.tuples(st.integers(-1, 3), st.floats(0, 1, width=32)), min_size=1))
def test_confidences_are_summed_exactly(votes: list[tuple[int, float]]) -> None:
    answers, confidences = (np.array([column]) for column in zip(*votes, strict=True))
    tally = count_equal_votes(answers.astype(np.int32), confidences.astype(np.float32))
    sums = Counter[int]()
    for answer, confidence in votes:
        sums[answer] += round(Fraction(confidence) * ONE)
    assert tally.answers.tolist() == sorted(sums.keys() - {ABSTAIN})
    assert tally.confidences.tolist() == [sums[answer] for answer in tally.answers.tolist()]


options = st.builds(
    VoteOptions,
    method=st.sampled_from(["question-type", "majority", "mean"]),
    revote=st.sampled_from(["confidence", "votes"]),
    soft_map=st.booleans(),
    missing=st.just("abstain"),
)


@pytest.mark.parametrize("in_a_file", [False, True])
def test_three_thirds_are_one(tmp_path: Path, in_a_file: bool) -> None:
    """The types tie, and rounding made it a decision by votes for the less sure one."""
    parts = {"1": "ab", "2": "cd", "3": "ef"}
    answer_map = map_from(
        {
            **{answer: {"number": 1, **dict.fromkeys(rest, 1)} for answer, rest in parts.items()},
            "no": {"yes/no": 7},
        }
    )
    if in_a_file:
        write_answer_map(tmp_path / "map.csv", answer_map)
        answer_map = read_answer_map(tmp_path / "map.csv")
    voters = one_question([("1", 0.9)], [("2", 0.9)], [("3", 0.9)], [("no", 0.5)])
    outcome = vote(voters, VoteOptions(soft_map=True, answer_map=answer_map))
    assert elected_types(outcome.election) == ["number"]
    assert ties(outcome)[0] == {"confidence": 1}


TINY = [5e-324, 1e-320, 1e-60, 1e-50, 1e-12, 1e-11, 0.1, 0.2, 0.3, 1 / 3, 0.5, 1.0]
tiny_ranked = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.sampled_from(TINY), min_size=1
).map(lambda d: list(d.items()))


@examples(400, deadline=None)
@given(
    voters=st.lists(tiny_ranked, min_size=1, max_size=5),
    method=st.sampled_from(["majority", "mean"]),
    many=st.booleans(),
)
def test_no_confidence_is_too_small_to_decide(
    voters: list[list[tuple[str, float]]], method: str, many: bool
) -> None:
    if many:  # more members than are compared two by two
        voters = voters * 60
    votes: Counter[str] = Counter()
    sums: dict[str, Fraction] = {}
    for ranked in voters:
        first = min(ranked, key=lambda pair: (-pair[1], pair[0]))
        votes[first[0]] += 1
        for answer, confidence in ranked if method == "mean" else [first]:
            sums[answer] = sums.get(answer, Fraction(0)) + Fraction(confidence)
    if method == "mean":
        votes.clear()
    expected = min(sums, key=lambda answer: (-votes[answer], -sums[answer], answer))
    assert vote(one_question(*voters), VoteOptions(method=method)).answers() == [expected]


@examples(600, deadline=None)
@given(
    voters=members(),
    table=counts,
    soft=st.booleans(),
    revote=st.sampled_from(["confidence", "votes"]),
)
def test_equals_the_slides_algorithm_in_plain_python(
    voters: list[dict[int, list[tuple[str, float]]]],
    table: dict[str, dict[str, int]],
    soft: bool,
    revote: str,
) -> None:
    used = {name for by_type in table.values() for name in by_type}
    expected = slow_vote(
        voters,
        {
            a: {t: Fraction(n, sum(row.values())) for t, n in row.items()}
            for a, row in table.items()
        },
        {a: sum(row.values()) for a, row in table.items()},
        {t: sum(row.get(t, 0) for row in table.values()) for t in TYPES if t in used},
        soft=soft,
        revote=revote,
    )
    outcome = vote(
        named(voters),
        VoteOptions(soft_map=soft, revote=revote, missing="abstain", answer_map=map_from(table)),
    )
    election = outcome.election
    types = elected_types(election)
    got = dict(
        zip(
            outcome.ballots.question_ids.tolist(),
            zip(types, outcome.answers(), strict=True),
            strict=True,
        )
    )
    assert got == expected


@examples(200, deadline=None)
@given(data=st.data(), voters=members(), table=counts, chosen=options)
def test_the_order_of_members_and_rows_does_not_matter(
    data: st.DataObject,
    voters: list[dict[int, list[tuple[str, float]]]],
    table: dict[str, dict[str, int]],
    chosen: VoteOptions,
) -> None:
    rows = [[(q, a, c) for q, ranked in v.items() for a, c in ranked] for v in voters]
    before = [predictions_from_rows(f"m{m}", r) for m, r in enumerate(rows)]
    shuffled = [
        predictions_from_rows(f"m{m}", data.draw(st.permutations(r))) for m, r in enumerate(rows)
    ]
    after = data.draw(st.permutations(shuffled))
    answer_map = map_from(table)
    first = vote(before, replace(chosen, answer_map=answer_map))
    second = vote(after, replace(chosen, answer_map=answer_map))
    assert first.answers() == second.answers()
    assert first.summary.to_dict() == second.summary.to_dict()


@examples(50, deadline=None)
@given(voters=members(), table=counts, chosen=options)
def test_an_audit_adds_up(
    voters: list[dict[int, list[tuple[str, float]]]],
    table: dict[str, dict[str, int]],
    chosen: VoteOptions,
) -> None:
    outcome = vote(named(voters), replace(chosen, answer_map=map_from(table)))
    election, ballots = outcome.election, outcome.ballots
    majority = VoteOptions(method="majority", missing="abstain", answer_map=map_from(table))
    by_majority = vote(named(voters), majority)
    assert election.plurality.tolist() == by_majority.election.answer.tolist()
    assert (
        election.revotes is None
        or not election.revotes.confidences[election.revotes.answers == ABSTAIN].any()
    )
    if election.type_vote is not None:
        by_type = sum_by_type(election.first_round, election.type_vote.types)
        voters_present = (election.top.answers != ABSTAIN).sum(axis=1)
        assert by_type.dtype == np.int64
        assert np.allclose(by_type.sum(axis=1) / ONE, voters_present)
    assert (election.type_vote is None) == (chosen.method != "question-type")
    assert election.tally.votes.dtype == election.tally.confidences.dtype == np.int64
    for q in range(len(ballots)):
        elected = election.answer[q]
        present = [a for a in election.top.answers[q].tolist() if a != ABSTAIN]
        assert election.agreement[q] == np.mean([a == elected for a in present])
        counted = [
            dict(zip(tally.answers[rows].tolist(), tally.votes[rows].tolist(), strict=True))
            for tally in (election.first_round, election.tally)
            for rows in [slice(*tally.starts[q : q + 2])]
        ]
        final = [a for a in election.votes[q].tolist() if a != ABSTAIN]
        assert counted[0] == {a: n * ONE for a, n in Counter(present).items()}
        if chosen.method != "mean":
            assert counted[1] == {a: n * ONE for a, n in Counter(final).items()}
        others = [n for a, n in counted[1].items() if a != elected]
        assert election.margin[q] == counted[1][elected] - max(others, default=0)


@examples(200, deadline=None)
@given(
    voters=st.lists(
        st.dictionaries(st.sampled_from(ANSWERS), st.floats(0, 0.5, width=32), max_size=4),
        min_size=1,
        max_size=6,
    ),
    agreed=st.sampled_from(ANSWERS),
    table=counts,
    chosen=options.filter(lambda o: o.method != "mean"),
)
def test_a_unanimous_question_stays_unanimous(
    voters: list[dict[str, float]],
    agreed: str,
    table: dict[str, dict[str, int]],
    chosen: VoteOptions,
) -> None:
    ballots = [[(agreed, 0.75), *((a, c) for a, c in v.items() if a != agreed)] for v in voters]
    outcome = vote(one_question(*ballots), replace(chosen, answer_map=map_from(table)))
    assert outcome.answers() == [agreed]
    assert outcome.summary.unanimous == 1


@examples(100, deadline=None)
@given(voters=members(complete=True), table=counts)
def test_the_winner_is_of_the_winning_type(
    voters: list[dict[int, list[tuple[str, float]]]], table: dict[str, dict[str, int]]
) -> None:
    answer_map = map_from(table)
    outcome = vote(named(voters), VoteOptions(answer_map=answer_map))
    types = elected_types(outcome.election)
    shares = {
        (a, t): s
        for a, t, s in zip(
            answer_map.answers, answer_map.question_types, answer_map.shares, strict=True
        )
    }
    for answer, question_type in zip(outcome.answers(), types, strict=True):
        assert shares[answer, question_type] == max(
            s for (a, _), s in shares.items() if a == answer
        )

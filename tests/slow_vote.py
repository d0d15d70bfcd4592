"""Algorithm 1 and the re-vote in plain Python, written from the slide: the slow reference.

Shares no code with the package. Members are dictionaries question → [(answer, confidence)];
sums are fractions, so ties are exact.
"""

from __future__ import annotations

from fractions import Fraction

Ranked = list[tuple[str, float]]
Member = dict[int, Ranked]


def top(ranked: Ranked) -> tuple[str, Fraction]:
    answer, confidence = min(ranked, key=lambda pair: (-pair[1], pair[0]))
    return answer, Fraction(confidence)


def winner(votes: list[tuple[str, Fraction]], count: dict[str, int]) -> str:
    def rank(answer: str) -> tuple[object, ...]:
        mine = [confidence for vote, confidence in votes if vote == answer]
        return (-len(mine), -sum(mine), -count.get(answer, 0), answer)

    return min({answer for answer, _ in votes}, key=rank)


def question_type_vote(
    members: list[Member],
    mapping: dict[str, dict[str, Fraction]],
    count: dict[str, int],
    prior: dict[str, int],
    *,
    soft: bool,
    revote: str,
) -> dict[int, tuple[str, str]]:
    """Question → (winning type, answer). ``mapping`` gives P(type | answer)."""

    def type_of(answer: str) -> str:
        return min(mapping[answer], key=lambda t: (-mapping[answer][t], -prior[t], t))

    def weight(answer: str, name: str) -> Fraction:
        if soft:
            return mapping[answer].get(name, Fraction(0))
        return Fraction(int(type_of(answer) == name))

    result = {}
    for question in {question for member in members for question in member}:
        ballots = [member[question] for member in members if question in member]
        votes = [top(ranked) for ranked in ballots]
        names = sorted(prior)
        type_votes = {t: sum(weight(a, t) for a, _ in votes) for t in names}
        type_confidence = {t: sum(weight(a, t) * c for a, c in votes) for t in names}
        winning = min(names, key=lambda t: (-type_votes[t], -type_confidence[t], -prior[t], t))
        if revote == "votes":
            second = [(a, c) for a, c in votes if type_of(a) == winning]
        else:
            inside = [[(a, c) for a, c in ranked if type_of(a) == winning] for ranked in ballots]
            second = [top(ranked) for ranked in inside if ranked]
        result[question] = (winning, winner(second or votes, count))
    return result

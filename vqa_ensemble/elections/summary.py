"""What a vote did, in numbers that add up over blocks of questions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.types import AnswerTypes
from vqa_ensemble.elections.cautions import Caution, Evidence, find_cautions, gather_evidence
from vqa_ensemble.predictions.member import ABSTAIN, Metadata
from vqa_ensemble.voting.ballots import Ballots
from vqa_ensemble.voting.question_type import TYPE_TIE_BREAKS
from vqa_ensemble.voting.result import TIE_BREAKS, Election


@dataclass
class VoteSummary:
    """Counts over all questions voted on.

    Attributes
    ----------
    method : str
    members : tuple of str
    questions : int
    types : dict
        Winning type → questions; empty for methods without types.
    unanimous : int
        Questions on which all members present had the same top answer.
    changed_by_revoting : int
        Questions whose answer differs from the plain majority's.
    answer_ties, type_ties : dict
        What broke a tie for most votes → questions.
    carried : dict of dict
        Winning type → member → questions of the type whose answer is the member's own top
        answer; empty for methods without types.
    missing_votes : int
        Pairs of a member and a question it lacks.
    lacking : list of int
        Questions that each member lacks.
    unseen_votes : int
        Top answers that the map has never seen.
    merged_votes : int
        Top answers rewritten to another that means the same.
    changed_by_merging : int
        Questions whose answer then differs, in meaning, from the one without merging.
    kept_apart : int
        Questions with votes for two answers of one normal form, such as ``-5`` and ``5``.
    evidence : Evidence
        What a sample of the questions says about the members.
    cautions : list of Caution
        What looks like a mistake, once the vote is over.
    """

    method: str
    members: tuple[str, ...]
    questions: int = 0
    types: dict[str, int] = field(default_factory=dict)
    unanimous: int = 0
    changed_by_revoting: int = 0
    answer_ties: dict[str, int] = field(default_factory=dict)
    type_ties: dict[str, int] = field(default_factory=dict)
    carried: dict[str, dict[str, int]] = field(default_factory=dict)
    missing_votes: int = 0
    lacking: list[int] = field(default_factory=list)
    unseen_votes: int = 0
    merged_votes: int = 0
    changed_by_merging: int = 0
    kept_apart: int = 0
    # Which questions are looked at depends on how they are parted into ranges.
    evidence: Evidence = field(default_factory=Evidence, compare=False)
    cautions: list[Caution] = field(default_factory=list)

    def add(self, election: Election, ballots: Ballots, types: AnswerTypes | None) -> None:
        """Add one block."""
        votes, _ = ballots.top()
        self.questions += len(election.answer)
        alike = (votes == election.plurality[:, None]) | (votes == ABSTAIN)
        self.unanimous += int(alike.all(axis=1).sum())
        self.changed_by_revoting += int((election.answer != election.plurality).sum())
        lacking = (votes == ABSTAIN).sum(axis=0).tolist()
        self.lacking = _sum_lists(self.lacking, lacking)
        self.missing_votes += sum(lacking)
        self.evidence.merge(gather_evidence(votes, ballots.vocabulary, election.answer))
        _add_counts(self.answer_ties, TIE_BREAKS[1:], election.decided_by - 1)
        if types is not None and not types.seen.all():
            self.unseen_votes += int((~types.seen[votes] & (votes != ABSTAIN)).sum())
        if election.type_vote is None:
            return
        names, winner = election.type_vote.names, election.type_vote.winner
        _add_counts(self.types, names, winner)
        own = votes == election.answer[:, None]
        pairs = 2 * (winner + 1)  # with a place for unknown types
        n_pairs = 2 * (len(names) + 1)
        carried = np.stack([np.bincount(pairs + own_m, minlength=n_pairs) for own_m in own.T])
        for name, by_member in zip(names, carried[:, 3::2].T, strict=True):
            _add(self.carried.setdefault(name, {}), zip(self.members, by_member, strict=True))
        if election.type_vote.decided_by is not None:
            _add_counts(self.type_ties, TYPE_TIE_BREAKS[1:], election.type_vote.decided_by - 1)

    def merge(self, other: VoteSummary) -> None:
        """Add the counts over other questions."""
        for name in (
            *("questions", "unanimous", "changed_by_revoting", "missing_votes", "unseen_votes"),
            *("merged_votes", "changed_by_merging", "kept_apart"),
        ):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.lacking = _sum_lists(self.lacking, other.lacking)
        self.evidence.merge(other.evidence)
        for name in ("types", "answer_ties", "type_ties"):
            _add(getattr(self, name), getattr(other, name).items())
        for name, by_member in other.carried.items():
            _add(self.carried.setdefault(name, {}), by_member.items())

    def judge(self, metadata: Sequence[Metadata], *, knows_answers: bool) -> None:
        """Find what looks like a mistake, when all questions are in.

        Parameters
        ----------
        metadata : sequence of Metadata, length M
        knows_answers : bool
            Whether there was a map, which may lack answers.
        """
        self.cautions = find_cautions(
            self.members,
            self.evidence,
            metadata=metadata,
            questions=self.questions,
            unseen_votes=self.unseen_votes if knows_answers else None,
            missing_votes=self.lacking,
        )

    def to_dict(self) -> dict[str, Any]:
        """For people's JSON: without the evidence, which the cautions sum up."""
        content = asdict(self)
        del content["evidence"]
        return content

    def to_part(self) -> dict[str, Any]:
        """For JSON that :meth:`from_part` reads."""
        return asdict(self)

    @classmethod
    def from_part(cls, content: dict[str, Any]) -> VoteSummary:
        """What :meth:`to_part` gave."""
        summary = cls(**content)
        summary.members = tuple(summary.members)  # JSON has lists only
        summary.evidence = Evidence(**content["evidence"])
        return summary


def _add_counts(
    counts: dict[str, int], names: tuple[str, ...], indices: npt.NDArray[np.integer[Any]]
) -> None:
    _add(counts, zip(names, np.bincount(indices[indices >= 0], minlength=len(names)), strict=True))


def _sum_lists(first: list[int], second: list[int]) -> list[int]:
    """Element by element; an empty list is all zeros."""
    if not first or not second:
        return first or second
    return [a + b for a, b in zip(first, second, strict=True)]


def _add(counts: dict[str, int], more: Iterable[tuple[str, int]]) -> None:
    for name, n in more:
        counts[name] = counts.get(name, 0) + int(n)

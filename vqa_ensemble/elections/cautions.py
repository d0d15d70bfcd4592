"""Do the members look as if they belonged together? Warnings against silent mistakes.

A vote runs to its end on swapped ids, on another split's predictions or on one model given
twice, and only the leaderboard tells. Each such mistake leaves a trace in how far a member
agrees with the others; the traces are gathered on a sample of every range of questions, so
that they cost next to nothing, and judged when the vote is over.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from vqa_ensemble.answers.normalize import is_normal, vote_form
from vqa_ensemble.errors import InputError
from vqa_ensemble.predictions.member import ABSTAIN, Metadata
from vqa_ensemble.voting.ballots import Ballots

# Questions of a range that are looked at, at most, spread evenly over it.
SAMPLE = 1024
# With very many members fewer, so that comparing all pairs stays cheap.
COMPARISONS = 1 << 25
LEAST_SAMPLE = 64

# Fewer answers than this prove nothing about a member.
ENOUGH = 50
# A member whose agreement beyond chance is this small has nothing to do with the others. Of 26
# published models on MMBench the weakest stands at 0.50; with its ids swapped at 0.00 ± 0.02.
CHANCE = 0.1
# … or this small a part of the median member's.
FAR_BELOW = 0.3
# Share of a member's votes for answers that no other member ever gives.
STRANGE_VOTES = 0.5
# Share of votes not in VQA normal form that makes a member's answers raw, or normal.
RAW, NORMAL = 0.03, 0.003
# Share of votes for answers that the map has never seen.
UNSEEN = 0.3
# Share of its questions that a member may lack.
LACKING = 0.5
# Half the summed difference between the shares of answers in the submission and in the votes.
SHIFTED = 0.25
# Answers compared one by one for that; the rest count as one.
COMMON_ANSWERS = 50

# … and of all members' votes that makes them raw as a whole.
ALL_RAW = 0.2


@dataclass(frozen=True)
class Caution:
    """Something that looks like a mistake.

    Attributes
    ----------
    kind : str
        ``split``, ``missing``, ``copy``, ``stray``, ``vocabulary``, ``raw``, ``map`` or
        ``distribution``.
    message : str
        What was seen, with figures, and what to do.
    members : tuple of str
        Whom it is about; empty if it is about all.
    """

    kind: str
    message: str
    members: tuple[str, ...] = ()


@dataclass
class Evidence:
    """What a sample of questions says about M members; adds up over ranges of questions.

    Attributes
    ----------
    present : list of int, length M
        Questions the member answers.
    agreement : list of float, length M
        Sum over its questions of the share of the other members that give the same answer.
    expected : list of float, length M
        The same if members answered without looking at the question.
    alone : list of int, length M
        Its votes for answers that no other member gives to any question.
    raw : list of int, length M
        Its votes that are not in VQA normal form.
    fingerprint : list of int, length M
        Equal for members that gave the same answers.
    votes, winners : dict of str to int
        Answer → members' votes for it, and questions it won; the most common only.
    questions : int
    """

    present: list[int] = field(default_factory=list)
    agreement: list[float] = field(default_factory=list)
    expected: list[float] = field(default_factory=list)
    alone: list[int] = field(default_factory=list)
    raw: list[int] = field(default_factory=list)
    fingerprint: list[int] = field(default_factory=list)
    votes: dict[str, int] = field(default_factory=dict)
    winners: dict[str, int] = field(default_factory=dict)
    questions: int = 0

    def merge(self, other: Evidence) -> None:
        """Add what a sample of other questions says."""
        if not other.questions:
            return
        for name in ("present", "agreement", "expected", "alone", "raw", "fingerprint"):
            theirs = getattr(other, name)
            mine = getattr(self, name) or [0] * len(theirs)
            setattr(self, name, [a + b for a, b in zip(mine, theirs, strict=True)])
        self.fingerprint = [value % 2**64 for value in self.fingerprint]
        for name in ("votes", "winners"):
            setattr(self, name, dict(Counter(getattr(self, name)) + Counter(getattr(other, name))))
        self.questions += other.questions


def gather_evidence(
    votes: npt.NDArray[np.int32],
    vocabulary: Sequence[str],
    winners: npt.NDArray[np.int32] | None = None,
) -> Evidence:
    """Look at a sample of the questions of one range.

    Parameters
    ----------
    votes : ndarray of int32, shape (Q, M)
        The members' top answers as indices into ``vocabulary``, ABSTAIN where there is none.
    vocabulary : sequence of str
    winners : ndarray of int32, shape (Q,), optional
        What was elected.
    """
    members = votes.shape[1]
    sample = min(SAMPLE, max(LEAST_SAMPLE, COMPARISONS // members**2))
    rows = np.unique(np.linspace(0, len(votes) - 1, min(sample, len(votes))).astype(np.int64))
    votes = votes[rows]
    cast = votes != ABSTAIN
    present = cast.sum(axis=0)

    # Whom each vote is shared with: others who gave the same answer to the same question.
    same = np.stack([(votes == votes[:, [m]]).sum(axis=1) for m in range(members)], axis=1) - 1
    others = cast.sum(axis=1, keepdims=True) - 1
    agreement = np.where(cast, same / np.maximum(others, 1), 0).sum(axis=0)

    # Member and answer in one number; how often each pair and each answer occurs.
    occurs = np.bincount(votes.ravel() - ABSTAIN) > 0  # by code, from ABSTAIN on
    answers = np.flatnonzero(occurs) + ABSTAIN
    code = (np.cumsum(occurs) - 1)[votes - ABSTAIN]
    pairs, times = np.unique((np.arange(members) * len(answers) + code)[cast], return_counts=True)
    whose, which = np.divmod(pairs, len(answers))
    given = np.bincount(which, weights=times, minlength=len(answers))
    theirs = given[which] - times
    elsewhere = np.maximum(cast.sum() - present, 1)[whose]
    expected = np.bincount(whose, weights=times * theirs / elsewhere, minlength=members)
    alone = np.bincount(whose, weights=times * (theirs == 0), minlength=members)
    texts = ["" if a == ABSTAIN else vocabulary[a] for a in answers.tolist()]
    is_raw = np.array([not is_normal(text) for text in texts])
    raw = np.bincount(whose, weights=times * is_raw[which], minlength=members)

    # Questions have random weights, so that equal sums mean equal answers.
    weights = np.random.default_rng(0).integers(1, 2**62, len(rows)).astype(np.uint64) * 2 + 1
    sums = ((votes.astype(np.int64) + 2).astype(np.uint64) * weights[:, None]).sum(axis=0)

    common = np.argsort(-given, kind="stable")[:COMMON_ANSWERS].tolist()
    won = Counter([] if winners is None else winners[rows].tolist())
    return Evidence(
        present=present.tolist(),
        agreement=agreement.tolist(),
        expected=expected.tolist(),
        alone=alone.astype(int).tolist(),
        raw=raw.astype(int).tolist(),
        fingerprint=sums.tolist(),
        votes={texts[a]: int(given[a]) for a in common if given[a]},
        winners={texts[a]: won[int(answers[a])] for a in common if won[int(answers[a])]},
        questions=len(rows),
    )


def find_cautions(
    names: Sequence[str],
    evidence: Evidence,
    *,
    metadata: Sequence[Metadata] = (),
    questions: int = 0,
    unseen_votes: int | None = None,
    missing_votes: Sequence[int] = (),
) -> list[Caution]:
    """Judge what was seen of M members.

    Parameters
    ----------
    names : sequence of str, length M
    evidence : Evidence
    metadata : sequence of Metadata, length M, optional
        Of the members' files.
    questions : int
        Voted on in all.
    unseen_votes : int, optional
        Top answers that the map has never seen; None without a map.
    missing_votes : sequence of int, length M, optional
        Questions that each member lacks.
    """
    cautions = [*_by_metadata(metadata), *_by_missing(names, questions, missing_votes)]
    if evidence.questions:
        cautions += [
            *_copies(names, evidence),
            *_strays(names, evidence),
            *_raw_forms(names, evidence),
            *_shift(evidence),
        ]
    cast = questions * len(names) - sum(missing_votes)
    if unseen_votes is not None and unseen_votes > max(UNSEEN * cast, ENOUGH):
        cautions.append(
            Caution(
                "map",
                f"the map has never seen {unseen_votes / cast:.1%} of the members' answers; learn "
                "it from annotations of this data set, or give --normalize if the members' "
                "answers are raw.",
            )
        )
    return cautions


def cautions_among(ballots: Ballots, metadata: Sequence[Metadata]) -> list[Caution]:
    """Look at members whose ballots are in memory, and judge them; no election is held."""
    votes, _ = ballots.top()
    return find_cautions(
        ballots.names,
        gather_evidence(votes, ballots.vocabulary),
        metadata=metadata,
        questions=len(ballots),
        missing_votes=(votes == ABSTAIN).sum(axis=0).tolist(),
    )


def _by_metadata(metadata: Sequence[Metadata]) -> list[Caution]:
    cautions = []
    for name in ("dataset", "split"):
        by_value: dict[str, list[str]] = {}
        for entry in metadata:
            if getattr(entry, name):
                by_value.setdefault(getattr(entry, name), []).append(entry.member)
        if len(by_value) > 1:
            shown = "; ".join(f"{_list(who)}: {value}" for value, who in sorted(by_value.items()))
            cautions.append(
                Caution(
                    "split",
                    f"members predict different {name}s ({shown}); vote over files of one {name}.",
                )
            )
    return cautions


def _by_missing(names: Sequence[str], questions: int, missing: Sequence[int]) -> list[Caution]:
    return [
        Caution(
            "missing",
            f"{name} lacks {lacking:,} of {questions:,} questions ({lacking / questions:.0%}); its "
            "file may be of another split.",
            (name,),
        )
        for name, lacking in zip(names, missing, strict=False)
        if lacking > max(LACKING * questions, ENOUGH)
    ]


def _copies(names: Sequence[str], evidence: Evidence) -> list[Caution]:
    alike: dict[tuple[int, int], list[str]] = {}
    for name, fingerprint, present in zip(
        names, evidence.fingerprint, evidence.present, strict=True
    ):
        if present >= ENOUGH:
            alike.setdefault((fingerprint, present), []).append(name)
    return [
        Caution(
            "copy",
            f"{_list(who)} give the same answers to all {present:,} questions compared: one model "
            f"has {len(who)} votes. Leave out all but one.",
            tuple(who),
        )
        for (_, present), who in alike.items()
        if len(who) > 1
    ]


def _strays(names: Sequence[str], evidence: Evidence) -> list[Caution]:
    """Members that agree with the others far less than these do, beyond what chance gives."""
    present = np.maximum(evidence.present, 1)
    agreement = np.array(evidence.agreement) / present
    expected = np.array(evidence.expected) / present
    beyond = (agreement - expected) / np.maximum(1 - expected, 1e-9)
    typical = float(np.median(beyond))
    cautions = []
    for m, name in enumerate(names):
        if evidence.present[m] < ENOUGH or len(names) < 3:
            continue
        alone = evidence.alone[m] / present[m]
        if alone > STRANGE_VOTES:
            cautions.append(
                Caution(
                    "vocabulary",
                    f"{alone:.0%} of {name}'s answers are given by no other member to any "
                    "question; its answers may be of another data set or form.",
                    (name,),
                )
            )
        elif typical > CHANCE and beyond[m] < max(CHANCE, FAR_BELOW * typical):
            cautions.append(
                Caution(
                    "stray",
                    f"{name} agrees with another member on {agreement[m]:.1%} of the questions; "
                    f"chance alone gives {expected[m]:.1%}, and members agree on "
                    f"{np.median(agreement):.1%}. Its question ids may be swapped or of another "
                    "split.",
                    (name,),
                )
            )
    return cautions


def _raw_forms(names: Sequence[str], evidence: Evidence) -> list[Caution]:
    enough = [m for m in range(len(names)) if evidence.present[m] >= ENOUGH]
    share = {m: evidence.raw[m] / evidence.present[m] for m in enough}
    raw = [m for m in enough if share[m] > RAW]
    normal = [m for m in enough if share[m] < NORMAL]
    votes, changed = sum(evidence.present), sum(evidence.raw)
    if changed > max(ALL_RAW * votes, ENOUGH):
        example = next((answer for answer in evidence.votes if not is_normal(answer)), None)
        shown = f' ("{example}" is "{vote_form(example)}")' if example else ""
        return [
            Caution(
                "raw",
                f"the members answer in raw form: {changed:,} of {votes:,} answers looked at "
                f"({changed / votes:.0%}) change{shown} if they are brought into VQA normal form, "
                "in which most benchmarks compare them. Give --normalize.",
                tuple(names[m] for m in raw),
            )
        ]
    if not raw or not normal:
        return []
    most = max(raw, key=lambda m: share[m])
    return [
        Caution(
            "raw",
            f"{_list([names[m] for m in raw])} answer in raw form ({names[most]}: "
            f"{share[most]:.1%} of its answers are not in VQA normal form), "
            f"{_list([names[m] for m in normal])} in normal form; equal answers are counted as "
            "different. Give --normalize.",
            tuple(names[m] for m in raw),
        )
    ]


def _shift(evidence: Evidence) -> list[Caution]:
    if evidence.questions < ENOUGH or not evidence.winners:
        return []
    votes = sum(evidence.present)
    common = sorted(evidence.votes, key=lambda a: (-evidence.votes[a], a))[:COMMON_ANSWERS]
    won = {answer: evidence.winners.get(answer, 0) / evidence.questions for answer in common}
    voted = {answer: evidence.votes[answer] / votes for answer in common}
    gaps = {answer: won[answer] - voted[answer] for answer in common}
    # The other answers are one more, which takes up what the common ones leave.
    shift = (sum(map(abs, gaps.values())) + abs(sum(gaps.values()))) / 2
    if shift <= SHIFTED:
        return []
    most = max(gaps, key=lambda answer: abs(gaps[answer]))
    return [
        Caution(
            "distribution",
            f"the answers elected are distributed unlike the members' ({shift:.0%} would have to "
            f"change; '{most}' is {won[most]:.1%} of them and {voted[most]:.1%} of the votes). "
            "Check the map and the ensemble.",
        )
    ]


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown


def refuse(cautions: Sequence[Caution]) -> None:
    """Raise InputError if there is a caution: what ``--strict`` asks for."""
    if cautions:
        raise InputError(
            "; ".join(caution.message.rstrip(".") for caution in cautions),
            fix="Leave out --strict if that is as it should be.",
        )

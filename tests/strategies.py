"""Random members and maps for property-based tests."""

from __future__ import annotations

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st

ANSWERS = ["0", "1", "2", "blue", "cat", "no", "red", "yes"]
TYPES = ["number", "other", "yes/no"]
# Profiles of hypothesis that cap the examples of every property.
FEWER = ("mutants", "quick")


def examples(n: int, **options: Any) -> settings:
    """As many examples of a property, or fewer in a profile that is quick (see conftest.py)."""
    few = settings().max_examples if settings.get_current_profile_name() in FEWER else n
    return settings(max_examples=min(n, few), **options)


# Few distinct confidences, most exact in binary, so that ties are common, and tiny ones.
confidences = st.sampled_from([0.0, 0.125, 0.25, 0.5, 0.75, 1.0, 0.1, 1e-11, 1e-12, 5e-324])
ranked = st.dictionaries(st.sampled_from(ANSWERS), confidences, min_size=1, max_size=5).map(
    lambda d: list(d.items())
)


def members(
    n_questions: int = 4, *, complete: bool = False
) -> st.SearchStrategy[list[dict[int, list[tuple[str, float]]]]]:
    """1 to 6 members; unless ``complete``, each may lack questions but not all."""
    questions = st.integers(0, n_questions - 1)
    member = (
        st.fixed_dictionaries(dict.fromkeys(range(n_questions), ranked))
        if complete
        else st.dictionaries(questions, ranked, min_size=1, max_size=n_questions)
    )
    return st.lists(member, min_size=1, max_size=6)


# Counts of each type for every answer; at least one is positive.
counts = st.fixed_dictionaries(
    {
        answer: st.dictionaries(st.sampled_from(TYPES), st.integers(1, 4), min_size=1)
        for answer in ANSWERS
    }
)

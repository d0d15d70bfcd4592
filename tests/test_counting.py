"""The counting module: exact where the paper says so, and indifferent to what must not matter."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from torch import Tensor  # noqa: E402

from vqa_ensemble.training.models.counting import (  # noqa: E402
    Counter,
    PiecewiseLinear,
    interpolated_one_hot,
    intersection_over_union,
    pull_apart,
)
from vqa_ensemble.training.toy_counting import (  # noqa: E402
    count_toy_scenes,
    toy_scenes,
)

NORMALIZE = pytest.mark.parametrize("normalize", [False, True])


def box(number: int) -> list[float]:
    """The places of a 5 x 5 grid, which do not touch."""
    row, column = divmod(number, 5)
    return [column / 5, row / 5, column / 5 + 0.15, row / 5 + 0.15]


def count(counter: Counter, attention: list[float], boxes: list[list[float]]) -> Tensor:
    mask = torch.ones(1, len(attention), dtype=torch.bool)
    result: Tensor = counter(torch.tensor([attention]), torch.tensor([boxes]), mask)[0]
    return result


def one_hot(number: int, objects: int = 10) -> Tensor:
    return torch.eye(objects + 1)[number]


@NORMALIZE
@pytest.mark.parametrize("objects", range(11))
def test_boxes_that_do_not_overlap_are_each_counted(normalize: bool, objects: int) -> None:
    attention = [1.0] * objects + [0.0] * (15 - objects)
    counted = count(Counter(normalize=normalize), attention, [box(i) for i in range(15)])
    torch.testing.assert_close(counted, one_hot(objects), atol=1e-4, rtol=0)


@NORMALIZE
@pytest.mark.parametrize("copies", [1, 2, 3, 7, 10])
def test_boxes_of_one_object_are_one(normalize: bool, copies: int) -> None:
    attention = [1.0] * copies + [0.0] * 5
    boxes = [box(0)] * copies + [box(i) for i in range(1, 6)]
    counted = count(Counter(normalize=normalize), attention, boxes)
    torch.testing.assert_close(counted, one_hot(1), atol=1e-4, rtol=0)


@NORMALIZE
@pytest.mark.parametrize("copies", [(2, 1), (3, 2, 2), (1, 1, 4, 2), (5, 5)])
def test_duplicates_of_several_objects_are_removed(
    normalize: bool, copies: tuple[int, ...]
) -> None:
    boxes = [box(number) for number, times in enumerate(copies) for _ in range(times)]
    counted = count(Counter(normalize=normalize), [1.0] * len(boxes), boxes)
    torch.testing.assert_close(counted, one_hot(len(copies)), atol=1e-4, rtol=0)


def test_half_attention_is_counted_by_hand() -> None:
    """Two boxes apart with attention 1 and ½, and every f the identity.

    A = [[1, ½], [½, ¼]], D = [[0, 1], [1, 0]]. The rows of X = A ∘ D are (0, ½) and (½, 0), so
    Sim_12 = (1 - ½) · (1 - ½)² = ⅛ and s = 1 / (1 + ⅛) = 8/9. The count is the root of
    2 · ½ · (8/9)² + (1 + ¼) · 8/9 = 154/81: 1.3788. Of four numbers in D, and two in a, each is
    ½ away from ½ but for the attention of ½: the confidence is ¼ + ½.
    """
    counted = count(Counter(2), [1.0, 0.5], [box(0), box(7)])
    share = (154 / 81) ** 0.5 - 1
    expected = 0.75 * torch.tensor([0, 1 - share, share])
    torch.testing.assert_close(counted, expected, atol=1e-5, rtol=0)


def test_half_overlap_is_counted_by_hand() -> None:
    """Two boxes whose IoU is ⅓, with all attention: A = 1, D_12 = ⅔.

    The rows of X are (0, ⅔) and (⅔, 0): Sim_12 = (1 - ⅔)² = 1/9, s = 9/10, and the count is
    the root of 2 · ⅔ · 0.81 + 2 · 0.9 = 2.88. D's numbers are ½, ½, ⅙ and ⅙ away from ½.
    """
    counted = count(Counter(2), [1.0, 1.0], [[0, 0, 0.2, 0.1], [0.1, 0, 0.3, 0.1]])
    share = 2.88**0.5 - 1
    expected = (0.5 + 1 / 3) * torch.tensor([0, 1 - share, share])
    torch.testing.assert_close(counted, expected, atol=1e-5, rtol=0)


def test_normalizing_pulls_a_half_overlap_apart() -> None:
    """As above with D_12 = (⅔)^(⅔) = 0.763: Sim_12 = 0.0561, s = 0.9469, count² = 3.262."""
    counted = count(Counter(2, normalize=True), [1.0, 1.0], [[0, 0, 0.2, 0.1], [0.1, 0, 0.3, 0.1]])
    apart = (2 / 3) ** (2 / 3)
    scale = 1 / (1 + (1 - apart) ** 2)
    share = (2 * apart * scale**2 + 2 * scale) ** 0.5 - 1
    expected = (0.5 + (0.5 + apart - 0.5) / 2) * torch.tensor([0, 1 - share, share])
    torch.testing.assert_close(counted, expected, atol=1e-5, rtol=0)


def random_scene(seed: int, regions: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    corners = torch.rand(2, regions, 2, generator=generator)
    sides = 0.5 * torch.rand(2, regions, 2, generator=generator)
    attention = torch.rand(2, regions, generator=generator)
    return attention, torch.cat([corners, corners + sides], -1)


def random_counter(seed: int, normalize: bool) -> Counter:
    counter = Counter(5, normalize=normalize)
    generator = torch.Generator().manual_seed(seed)
    for parameter in counter.parameters():
        parameter.data.uniform_(generator=generator)
    return counter


@settings(deadline=None)
@given(st.permutations(range(8)), st.integers(0, 100), st.booleans())
def test_the_order_of_boxes_does_not_matter(order: list[int], seed: int, normalize: bool) -> None:
    attention, boxes = random_scene(seed, 8)
    mask = torch.arange(8).expand(2, 8) < torch.tensor([[8], [6]])
    counter = random_counter(seed, normalize)
    torch.testing.assert_close(
        counter(attention[:, order], boxes[:, order], mask[:, order]),
        counter(attention, boxes, mask),
    )


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(0, 100), st.booleans())
def test_regions_that_are_not_there_are_not_counted(
    regions: int, seed: int, normalize: bool
) -> None:
    attention, boxes = random_scene(seed, regions)
    mask = torch.ones(2, regions, dtype=torch.bool)
    counter = random_counter(seed, normalize)
    padded = counter(
        torch.cat([attention, torch.full((2, 9), torch.nan)], 1),
        torch.cat([boxes, torch.full((2, 9, 4), torch.nan)], 1),
        torch.cat([mask, torch.zeros(2, 9, dtype=torch.bool)], 1),
    )
    torch.testing.assert_close(padded, counter(attention, boxes, mask))


def test_boxes_with_little_attention_are_left_out() -> None:
    attention, boxes = random_scene(3, 12)
    mask = torch.ones(2, 12, dtype=torch.bool)
    counter = random_counter(3, normalize=False)
    strongest = attention.topk(5, dim=1).indices
    torch.testing.assert_close(
        counter(attention, boxes, mask),
        counter(
            attention.gather(1, strongest),
            boxes.gather(1, strongest[..., None].expand(-1, -1, 4)),
            mask[:, :5],
        ),
    )


@NORMALIZE
def test_gradients_are_finite_in_bfloat16_even_at_the_ends(normalize: bool) -> None:
    """Attention of exactly 0 and 1, duplicates, boxes without area, pictures without regions."""
    counter = Counter(4, normalize=normalize)
    logits = torch.tensor(
        [[90.0, -90, 0, 3, 3], [-90] * 5, [90] * 5, [0.1, 0.2, 0.3, 0.4, 0.5]],
        dtype=torch.bfloat16,
        requires_grad=True,
    )
    boxes = torch.tensor([[box(0), box(0), box(1), [0.5] * 4, [0.5] * 4]]).expand(4, 5, 4)
    mask = torch.tensor([[True] * 5, [True] * 5, [True] * 4 + [False], [False] * 5])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        counted = counter(logits.sigmoid(), boxes, mask)
    assert counted.dtype == torch.float32
    (counted * torch.arange(5)).sum().backward()
    for tensor in (logits, *counter.parameters()):
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()
    assert logits.grad is not None
    assert (logits.grad[0] != 0).any()


@given(st.lists(st.floats(-5, 5), min_size=16, max_size=16).filter(any), st.floats(0, 1))
def test_a_piecewise_linear_function_is_the_published_one(weights: list[float], x: float) -> None:
    function = PiecewiseLinear()
    function.weight.data = torch.tensor(weights, dtype=torch.float64)
    rises = [abs(w) / sum(map(abs, weights)) for w in weights]
    expected = sum(rise * min(max(16 * x - k, 0), 1) for k, rise in enumerate(rises))
    with torch.no_grad():
        found = function(torch.tensor([x, 0, 1], dtype=torch.float64))
    assert found.tolist() == pytest.approx([expected, 0, 1])


def test_the_gradient_of_a_piecewise_linear_function_is_its_slope() -> None:
    function = PiecewiseLinear().double()
    function.weight.data = torch.rand(16, dtype=torch.float64) + 0.1
    x = torch.rand(7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(function, (x,))


@given(st.floats(0, 1))
def test_pulling_apart_keeps_the_ends_and_the_middle(x: float) -> None:
    pulled = pull_apart(torch.tensor([x, 0, 0.5, 1], dtype=torch.float64))
    assert pulled[1:].tolist() == [0, 0.5, 1]
    assert 0 <= pulled[0] <= 1
    assert (pulled[0] - x) * (x - 0.5) >= -1e-12


def test_overlap_of_boxes() -> None:
    boxes = torch.tensor([[[0, 0, 2, 2], [1, 0, 3, 2], [0, 0, 1, 1], [5, 5, 5, 5], [2, 0, 3, 2]]])
    found = intersection_over_union(boxes.float())[0]
    torch.testing.assert_close(found[0], torch.tensor([1, 1 / 3, 1 / 4, 0, 0]))
    torch.testing.assert_close(found, found.T)


def test_a_count_above_the_most_is_the_most() -> None:
    assert interpolated_one_hot(torch.tensor([7.3, 3.0]), 3).tolist() == [[0, 0, 0, 1]] * 2


def test_toy_scenes_are_as_published() -> None:
    attention, boxes, counts = toy_scenes(4000, 0.0, 0.0, torch.Generator().manual_seed(0))
    assert counts.unique().tolist() == list(range(11))
    assert (boxes >= 0).all()
    assert (boxes <= 1 + 1e-6).all()
    # Points do not overlap: attention is 1 on the objects and 0 elsewhere.
    torch.testing.assert_close(attention.sum(1), counts.float())
    attention, boxes, counts = toy_scenes(4000, 1.0, 0.0, torch.Generator().manual_seed(0))
    # Boxes as large as the picture are all the same.
    torch.testing.assert_close(attention, (counts > 0).float()[:, None].expand(-1, 10))
    attention, _, _ = toy_scenes(4000, 0.5, 1.0, torch.Generator().manual_seed(0))
    assert attention.mean().item() == pytest.approx(0.5, abs=0.01)


@pytest.mark.slow
def test_the_counter_sees_through_overlaps_that_fool_a_sum() -> None:
    baseline, counter, normalized = count_toy_scenes(
        side=0.4, noise=0.0, seed=0, updates=120, batch_size=64
    )
    assert counter > 0.9
    assert normalized > baseline + 0.05
    assert counter > baseline + 0.1


def test_the_same_scenes_are_counted_the_same_again() -> None:
    for seed in (0, 1):
        one, other = (count_toy_scenes(0.5, 0.5, seed, updates=2, batch_size=8) for _ in "12")
        assert one == other

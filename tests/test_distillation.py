"""The distillation loss, against its formula and at its limits."""

from __future__ import annotations

import math

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from vqa_ensemble.training.distillation import distillation_loss, teacher_logits  # noqa: E402
from vqa_ensemble.training.optimization import soft_target_loss  # noqa: E402


def example(seed: int = 0) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 5, generator=generator, requires_grad=True)
    teacher = 3 * torch.randn(3, 5, generator=generator)
    return logits, teacher, torch.rand(3, 5, generator=generator)


def test_it_is_the_published_sum() -> None:
    logits, teacher, targets = example()
    alpha, temperature = 0.3, 2.5
    expected = 0.0
    for student_row, teacher_row, target_row in zip(
        logits.tolist(), teacher.tolist(), targets.tolist(), strict=True
    ):
        q = [math.exp(z / temperature) for z in teacher_row]
        p = [math.exp(z / temperature) for z in student_row]
        divergence = sum(
            a / sum(q) * math.log((a / sum(q)) / (b / sum(p))) for a, b in zip(q, p, strict=True)
        )
        entropy = -sum(
            y * math.log(1 / (1 + math.exp(-z))) + (1 - y) * math.log(1 / (1 + math.exp(z)))
            for z, y in zip(student_row, target_row, strict=True)
        )
        expected += alpha * temperature**2 * divergence + (1 - alpha) * entropy
    loss = distillation_loss(logits, teacher, targets, alpha=alpha, temperature=temperature)
    assert loss.item() == pytest.approx(expected, rel=1e-5)


def test_its_gradient_is_that_of_the_cross_entropy_of_the_talk() -> None:
    logits, teacher, targets = example()
    loss = distillation_loss(logits, teacher, targets, alpha=1.0, temperature=3.0)
    (gradient,) = torch.autograd.grad(loss, logits)
    cross_entropy = 9 * torch.nn.functional.cross_entropy(
        logits / 3, (teacher / 3).softmax(1), reduction="sum"
    )
    (expected,) = torch.autograd.grad(cross_entropy, logits)
    torch.testing.assert_close(gradient, expected)


def test_without_a_teacher_it_is_the_supervised_loss() -> None:
    logits, teacher, targets = example()
    loss = distillation_loss(logits, teacher, targets, alpha=0.0, temperature=4.0)
    torch.testing.assert_close(loss, soft_target_loss(logits, targets))


def test_a_student_like_its_teacher_has_nothing_left_to_learn() -> None:
    _, teacher, targets = example()
    student = (teacher + 7.0).requires_grad_()  # softmax does not see a shift
    loss = distillation_loss(student, teacher, targets, alpha=1.0, temperature=1.5)
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-5)
    torch.testing.assert_close(student.grad, torch.zeros_like(student), atol=1e-5, rtol=0)


def test_answers_that_the_teacher_left_out_have_a_finite_gradient() -> None:
    logits, _, targets = example()
    teacher = teacher_logits(torch.tensor([[0.9, 0.2, 0, 0, 0]] * 2 + [[0, 0, 1.0, 0, 0]]))
    loss = distillation_loss(logits, teacher, targets, alpha=0.5, temperature=2.0)
    loss.backward()
    assert torch.isfinite(loss)
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()


@given(st.lists(st.floats(-30, 11), min_size=1, max_size=6))
def test_a_members_confidences_give_its_logits_back(row: list[float]) -> None:
    logits = torch.tensor([row], dtype=torch.float32)
    torch.testing.assert_close(teacher_logits(logits.sigmoid()), logits, atol=0.01, rtol=1e-3)

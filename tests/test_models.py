"""Every architecture: shapes, masks, gradients, and its own formula."""

from __future__ import annotations

import dataclasses

import pytest

torch = pytest.importorskip("torch")

from vqa_ensemble.errors import InputError  # noqa: E402
from vqa_ensemble.training.data.batch import Inputs  # noqa: E402
from vqa_ensemble.training.models import build_model  # noqa: E402
from vqa_ensemble.training.models.ban import BilinearAttention  # noqa: E402
from vqa_ensemble.training.models.cti import ChoiceInteraction  # noqa: E402
from vqa_ensemble.training.models.kernels import Dropout, Gru, Linear  # noqa: E402
from vqa_ensemble.training.models.parts import VqaModel, masked_softmax  # noqa: E402
from vqa_ensemble.training.optimization import soft_target_loss  # noqa: E402
from vqa_ensemble.training.recipe import (  # noqa: E402
    ACTIVATIONS,
    ARCHITECTURES,
    ModelSection,
)

WIDTH, WORDS, ANSWERS = 6, 9, 5
SECTION = ModelSection(
    architecture="ban", hidden=8, word_vectors="random", word_width=7, classifier_dropout=0.0
)


def model_of(architecture: str, *, width: int = WIDTH, **changes: object) -> VqaModel:
    torch.manual_seed(3)
    section = dataclasses.replace(SECTION, architecture=architecture, **changes)  # type: ignore[arg-type]
    return build_model(section, width=width, words=WORDS, answers=ANSWERS)


def inputs(architecture: str, batch: int = 4, regions: int = 5) -> tuple[torch.Tensor, ...]:
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(batch, regions, WIDTH, generator=generator)
    boxes = torch.rand(batch, regions, 4, generator=generator)
    mask = torch.ones(batch, regions, dtype=torch.bool)
    tokens = torch.tensor([[2, 3, 4, 5], [2, 6, 0, 0], [7, 8, 2, 0], [1, 0, 0, 0]])[:batch]
    # As many options to choose from as there are answers, of up to three words.
    options = ANSWERS if architecture == "cti" else 1
    choices = torch.randint(1, WORDS, (batch, options, 3), generator=generator)
    choices[0, 0, 1:] = choices[1, 0, 2] = 0
    return features, boxes, mask, tokens, choices


COUNTERS = [
    {"counter": False},
    {"counter": True, "counter_objects": 3},
    {"counter": True, "counter_objects": 7, "counter_normalize": True},
]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("region_layers", [0, 2])
def test_logits_have_one_column_an_answer(
    architecture: str, activation: str, region_layers: int
) -> None:
    model = model_of(architecture, activation=activation, region_layers=region_layers)
    assert model(Inputs(*inputs(architecture))).shape == (4, ANSWERS)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("region_layers", [0, 1])
@pytest.mark.parametrize("counter", COUNTERS)
def test_regions_that_are_not_there_change_nothing(
    architecture: str, region_layers: int, counter: dict[str, object]
) -> None:
    model = model_of(architecture, region_layers=region_layers, **counter).eval()
    features, boxes, mask, tokens, choices = inputs(architecture)
    padded = torch.cat([features, torch.full_like(features, torch.nan)], 1)
    boxes_padded = torch.cat([boxes, torch.full_like(boxes, torch.nan)], 1)
    mask_padded = torch.cat([mask, ~mask], 1)
    torch.testing.assert_close(
        model(Inputs(padded, boxes_padded, mask_padded, tokens, choices)),
        model(Inputs(features, boxes, mask, tokens, choices)),
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("counter", COUNTERS)
def test_padding_words_change_nothing(architecture: str, counter: dict[str, object]) -> None:
    model = model_of(architecture, **counter).eval()
    features, boxes, mask, tokens, choices = inputs(architecture)
    together = model(Inputs(features, boxes, mask, tokens, choices))
    alone = model(Inputs(features[1:2], boxes[1:2], mask[1:2], tokens[1:2, :2], choices[1:2]))
    torch.testing.assert_close(together[1:2], alone)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("counter", COUNTERS)
def test_the_order_of_regions_does_not_matter(
    architecture: str, counter: dict[str, object]
) -> None:
    model = model_of(architecture, **counter).eval()
    features, boxes, mask, tokens, choices = inputs(architecture)
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(
        model(Inputs(features[:, order], boxes[:, order], mask, tokens, choices)),
        model(Inputs(features, boxes, mask, tokens, choices)),
    )


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("counter", COUNTERS)
def test_every_parameter_gets_a_finite_gradient_in_bfloat16(
    architecture: str, counter: dict[str, object]
) -> None:
    model = model_of(architecture, activation="swish", **counter)
    features, boxes, mask, tokens, choices = inputs(architecture)
    mask[0, 2:] = False
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = model(Inputs(features, boxes, mask, tokens, choices))
        loss = soft_target_loss(logits, torch.rand(4, ANSWERS))
    loss.backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert torch.isfinite(parameter.grad).all(), name


def test_masked_softmax_sums_to_one_over_what_is_there() -> None:
    mask = torch.tensor([[[True, False], [True, True]], [[False, False], [False, False]]])
    weights = masked_softmax(torch.tensor([[[50.0, 9], [0, 1]]]).expand(2, 2, 2), mask, (1, 2))
    torch.testing.assert_close(weights.sum((1, 2)), torch.tensor([1.0, 0.0]))
    assert (weights[~mask] == 0).all()


def test_bilinear_attention_follows_the_paper_element_by_element() -> None:
    model = model_of("ban", glimpses=2, region_layers=0).eval()
    assert isinstance(model, BilinearAttention)
    features, boxes, mask, tokens = (tensor[:1] for tensor in inputs("ban")[:4])
    states = model.question(tokens)[0][0]  # (T, H)
    y = features[0]
    projected_x, projected_y = model.attention.word(states), model.attention.region(y)
    for g, glimpse in enumerate(model.glimpses):
        logits = torch.stack(
            [
                torch.stack([(model.attention.weight[g] * a * b).sum() for b in projected_y])
                for a in projected_x
            ]
        )
        weights = (logits + model.attention.bias[g]).flatten().softmax(0).view(logits.shape)
        pooled = sum(
            weights[t, k] * glimpse.word(states[t]) * glimpse.region(y[k])
            for t in range(len(states))
            for k in range(len(y))
        )
        states = glimpse.project(pooled) + states
    expected = model.classifier(states.sum(0))
    torch.testing.assert_close(model(Inputs(features, boxes, mask, tokens))[0], expected)


def test_a_convolution_sees_the_picture_that_the_patches_make() -> None:
    """Patches in, the same picture out: a place's output depends on its own and nearby patches."""
    model = model_of("san", region_encoder="convolution", hidden=16, width=3 * 8 * 8).eval()
    patches = torch.randn(1, 64, 3 * 8 * 8)
    boxes, mask = torch.rand(1, 64, 4), torch.ones(1, 64, dtype=torch.bool)
    before = model.regions(patches, boxes, mask)
    assert before.shape == (1, 64, 16)
    patches[0, 0] += 1.0  # the first row's first patch
    changed = (model.regions(patches, boxes, mask) != before).any(-1)[0]
    assert changed[0]
    assert not changed[[3, 24, 63]].any()  # three patches away, three rows below, the far corner


def test_a_convolution_over_a_part_of_the_patches_is_refused() -> None:
    model = model_of("san", region_encoder="convolution", hidden=16, width=3 * 8 * 8)
    with pytest.raises(InputError, match="a square of patches; there are 10"):
        model.regions(torch.zeros(1, 10, 3 * 8 * 8), torch.zeros(1, 10, 4), torch.ones(1, 10))


def test_a_convolution_over_other_regions_is_refused() -> None:
    with pytest.raises(InputError, match="needs square RGB patches"):
        model_of("san", region_encoder="convolution", width=2048)


def test_trilinear_interaction_follows_the_paper_element_by_element() -> None:
    model = model_of("cti", glimpses=2, region_layers=0).eval()
    assert isinstance(model, ChoiceInteraction)
    features, boxes, mask, tokens, choices = (tensor[:1] for tensor in inputs("cti"))
    y, maps = features[0], model.attention
    q_first, _, _ = model.question(tokens)
    for option in range(ANSWERS):
        words = choices[0, option][choices[0, option] != 0]
        q, a = q_first[0], model.answer(words[None])[0][0]  # (T, H), (S, H)
        v_parts = maps.region(y).unflatten(1, (-1, maps.slice))  # (K, R, d)
        q_parts = maps.word(q).unflatten(1, (-1, maps.slice))
        a_parts = maps.answer_word(a).unflatten(1, (-1, maps.slice))
        triples = [(k, t, s) for k in range(len(y)) for t in range(len(q)) for s in range(len(a))]
        for g, glimpse in enumerate(model.glimpses):
            logits = torch.stack(
                [
                    sum(
                        torch.einsum("ijl,i,j,l->", core, v_part, q_part, a_part)
                        for core, v_part, q_part, a_part in zip(
                            maps.core[g], v_parts[k], q_parts[t], a_parts[s], strict=True
                        )
                    )
                    for k, t, s in triples
                ]
            )
            z = sum(
                weight * glimpse.region(y[k]) * glimpse.word(q[t]) * glimpse.answer_word(a[s])
                for weight, (k, t, s) in zip(logits.softmax(0), triples, strict=True)
            )
            q, a = q + glimpse.to_question(z), a + glimpse.to_answer(z)
        expected = model.classifier(q.sum(0) + a.sum(0))[0]
        found = model(Inputs(features, boxes, mask, tokens, choices))[0, option]
        torch.testing.assert_close(found, expected)


def test_options_do_not_see_each_other_and_missing_ones_are_not_chosen() -> None:
    model = model_of("cti").eval()
    features, boxes, mask, tokens, choices = inputs("cti")
    choices[2, 3:] = 0
    together = model(Inputs(features, boxes, mask, tokens, choices))
    assert (together[2, 3:].sigmoid() == 0).all()
    order = torch.tensor([2, 0, 4, 1, 3])
    shuffled = model(Inputs(features, boxes, mask, tokens, choices[:, order]))
    torch.testing.assert_close(shuffled, together[:, order])
    torch.testing.assert_close(
        model(Inputs(features, boxes, mask, tokens, choices[:, :1])), together[:, :1]
    )
    loss = soft_target_loss(together, torch.tensor([[1.0, 0, 0, 0, 0]]).expand(4, 5))
    assert loss < 100


def test_a_linear_map_has_the_gradient_of_its_formula() -> None:
    layer = Linear(5, 3).double()
    layer.length.data *= 1.7
    parameters = dict(layer.named_parameters())
    x = torch.randn(2, 4, 5, dtype=torch.float64, requires_grad=True)

    def by_formula(x: torch.Tensor) -> torch.Tensor:
        return x @ (layer.length * layer.weight / layer.weight.norm()).T + layer.bias

    torch.testing.assert_close(layer(x), by_formula(x))
    assert torch.autograd.gradcheck(
        lambda x, *values: torch.func.functional_call(
            layer, dict(zip(parameters, values, strict=True)), (x,)
        ),
        (x, *parameters.values()),
    )


@pytest.mark.parametrize("p", [0.2, 0.5, 0.95])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_drops_the_share_it_is_told(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    layer, x = Dropout(p), torch.ones(401, 501, dtype=dtype, requires_grad=True)
    y = layer(x)
    # Five standard deviations of 200,901 decisions.
    tolerance = 5 * (p * (1 - p) / x.numel()) ** 0.5
    assert (y == 0).float().mean().item() == pytest.approx(p, abs=tolerance)
    torch.testing.assert_close(y.max(), torch.tensor(1 / (1 - p), dtype=dtype))
    y.sum().backward()
    torch.testing.assert_close(x.grad, y)  # the same places, the same factor
    assert not torch.equal(layer(x), y)
    assert torch.equal(layer.eval()(x), x)
    torch.manual_seed(0)
    assert torch.equal(layer.train()(x), y)


def test_the_recurrent_layer_is_torchs_with_its_gradients() -> None:
    torch.manual_seed(0)
    layer = Gru(5, 4).double()
    x = torch.randn(3, 6, 5, dtype=torch.float64, requires_grad=True)
    ours, theirs = layer(x), torch.nn.GRU.forward(layer, x)[0]
    torch.testing.assert_close(ours, theirs)
    weights = torch.randn_like(ours)  # so that every word's state counts differently
    inputs = [x, *layer.parameters()]
    for found, expected in zip(
        torch.autograd.grad((ours * weights).sum(), inputs),
        torch.autograd.grad((theirs * weights).sum(), inputs),
        strict=True,
    ):
        torch.testing.assert_close(found, expected)

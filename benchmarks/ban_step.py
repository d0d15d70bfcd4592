"""One training step of bilinear attention, beside the authors' implementation.

    git clone https://github.com/jnhwkim/ban-vqa
    python -m benchmarks.ban_step --reference ban-vqa

The authors' network and ours get the same weights and the same batch, and must give the same
logits; then each trains in a process of its own, in turns, and the seconds of its middle step and
its peak memory are printed side by side. The ratio is the middle one of those of the turns, for a
machine may be quicker in one turn than in the next. The
reference is not changed: what today's torch no longer has is put in place from here (see
``load_reference``).
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
import types
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from vqa_ensemble.training.data.batch import Batch, Inputs
from vqa_ensemble.training.memory import keep_freed_memory
from vqa_ensemble.training.models import build_model
from vqa_ensemble.training.models.parts import VqaModel
from vqa_ensemble.training.optimization import accumulate_gradients, build_optimizer
from vqa_ensemble.training.precision import MixedPrecision
from vqa_ensemble.training.recipe import ModelSection, TrainingSection

BATCH, REGIONS, FEATURES, WORDS, VOCABULARY, ANSWERS = 32, 50, 2048, 14, 19_901, 3129
# Glimpses and width.
SIZES = {"small": (2, 1024), "large": (8, 1280)}
WARM_UP = 2


def load_reference(folder: str, glimpses: int, width: int) -> Any:
    """The authors' network, built by their own function."""
    # Gone from torch since; the reference only imports them.
    six = types.ModuleType("torch._six")
    six.string_classes = (str,)  # type: ignore[attr-defined]
    sys.modules["torch._six"] = six
    sys.path.insert(0, folder)
    import base_model  # type: ignore[import-not-found]

    dataset = types.SimpleNamespace(
        v_dim=FEATURES,
        num_ans_candidates=ANSWERS,
        dictionary=types.SimpleNamespace(ntoken=VOCABULARY),
    )
    model = base_model.build_ban(dataset, width, "c", glimpses, "vqa")
    model.w_emb.emb_.weight.requires_grad = True  # as its init_embedding does
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            # Today's autograd refuses to overwrite the output of a ReLU.
            module.inplace = False
    return model


def build_ours(glimpses: int, width: int) -> VqaModel:
    """The same network as a recipe describes it."""
    section = ModelSection(
        architecture="ban",
        hidden=width,
        glimpses=glimpses,
        region_layers=0,
        activation="relu",
        dropout=0.2,
        attention_dropout=0.5,
        classifier_dropout=0.5,
        counter=True,
        word_vectors="random",
        word_width=600,  # the reference's two tables of 300 side by side
    )
    return build_model(section, width=FEATURES, words=VOCABULARY + 1, answers=ANSWERS)


def copy_weights(reference: Any, ours: VqaModel) -> None:
    """Give ours the reference's weights."""
    theirs = reference.state_dict()
    copied: dict[str, Tensor] = {}

    def linear(name: str, source: str) -> None:
        copied[f"{name}.weight"] = theirs[f"{source}.weight_v"]
        copied[f"{name}.length"] = theirs[f"{source}.weight_g"]
        copied[f"{name}.bias"] = theirs[f"{source}.bias"]

    words = torch.cat([theirs["w_emb.emb.weight"], theirs["w_emb.emb_.weight"]], 1)
    copied["question.embedding.weight"] = words.roll(1, 0)  # padding is last there, first here
    for key in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"):
        copied[f"question.gru.{key}"] = theirs[f"q_emb.rnn.{key}"]
    linear("attention.word.linear", "v_att.logits.q_net.main.1")
    linear("attention.region.linear", "v_att.logits.v_net.main.1")
    direction, length = theirs["v_att.logits.h_mat_v"], theirs["v_att.logits.h_mat_g"]
    copied["attention.weight"] = (direction * length / direction.norm())[0, :, 0]
    copied["attention.bias"] = theirs["v_att.logits.h_bias"][0]
    for glimpse in range(len(ours.glimpses)):  # type: ignore[arg-type]
        linear(f"glimpses.{glimpse}.word.linear", f"b_net.{glimpse}.q_net.main.1")
        linear(f"glimpses.{glimpse}.region.linear", f"b_net.{glimpse}.v_net.main.1")
        linear(f"glimpses.{glimpse}.project", f"q_prj.{glimpse}.main.1")
        linear(f"counts.embed.{glimpse}.linear", f"c_prj.{glimpse}.main.0")
    for number in range(8):
        # Theirs has a first weight that is always 0.
        copied[f"counts.counter.f{number + 1}.weight"] = theirs[f"counter.f.{number}.weight"][1:]
    linear("classifier.hidden.linear", "classifier.main.0")
    linear("classifier.output", "classifier.main.3")
    ours.load_state_dict(copied)


def random_batch() -> Batch:
    """Full pictures and full questions: the reference masks no words."""
    corners = torch.rand(BATCH, REGIONS, 2) * 0.7
    inputs = Inputs(
        features=torch.randn(BATCH, REGIONS, FEATURES).abs(),
        boxes=torch.cat([corners, corners + 0.3 * torch.rand(BATCH, REGIONS, 2)], -1),
        mask=torch.ones(BATCH, REGIONS, dtype=torch.bool),
        tokens=torch.randint(1, VOCABULARY + 1, (BATCH, WORDS)),
    )
    return Batch(inputs, torch.rand(BATCH, ANSWERS) * (torch.rand(BATCH, ANSWERS) < 0.002))


def reference_logits(model: Any, batch: Batch) -> Tensor:
    """The reference's forward pass; its words count from 0, with the padding last."""
    logits, _ = model(batch.inputs.features, batch.inputs.boxes, batch.inputs.tokens - 1, None)
    result: Tensor = logits
    return result


def reference_step(model: Any, precision: MixedPrecision) -> Callable[[Batch], None]:
    """One step of the reference's training loop."""
    optimizer = torch.optim.Adamax(p for p in model.parameters() if p.requires_grad)

    def step(batch: Batch) -> None:
        assert batch.targets is not None
        with precision.autocast():
            logits = reference_logits(model, batch)
            loss = nn.functional.binary_cross_entropy_with_logits(logits.float(), batch.targets)
            loss = loss * batch.targets.shape[1]
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()
        optimizer.zero_grad()

    return step


def our_step(model: VqaModel, precision: MixedPrecision) -> Callable[[Batch], None]:
    """One update of our training loop."""
    optimizer = build_optimizer(model, TrainingSection())

    def step(batch: Batch) -> None:
        optimizer.zero_grad(set_to_none=True)
        accumulate_gradients(model, [batch], precision, share=len(batch), window=len(batch))
        precision.unscale(optimizer)
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        precision.step(optimizer)

    return step


def compare(folder: str, glimpses: int, width: int) -> float:
    """Largest difference of the logits, as a share of the largest logit."""
    theirs, ours = load_reference(folder, glimpses, width).eval(), build_ours(glimpses, width)
    copy_weights(theirs, ours.eval())
    batch = random_batch()
    with torch.inference_mode():
        expected = reference_logits(theirs, batch)
        found = ours(batch.inputs)
    return float((found - expected).abs().max() / expected.abs().max())


def train(options: argparse.Namespace, glimpses: int, width: int) -> dict[str, Any]:
    """Seconds of each step, parameters, and peak memory in GB, of one implementation."""
    precision = MixedPrecision(options.precision, torch.device("cpu"))
    if options.child == "reference":
        model = load_reference(options.reference, glimpses, width)
        step = reference_step(model, precision)
    else:
        keep_freed_memory()  # as our training does
        model = build_ours(glimpses, width)
        step = our_step(model, precision)
    batch, seconds = random_batch(), []
    for _ in range(WARM_UP + options.steps):
        began = time.perf_counter()
        step(batch)
        seconds.append(time.perf_counter() - began)
    return {
        "seconds": seconds[WARM_UP:],
        "parameters": sum(parameter.numel() for parameter in model.parameters()),
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20,
    }


def run(options: argparse.Namespace, child: str, size: str, precision: str) -> Any:
    """What a process of its own finds."""
    arguments = ["--child", child, "--size", size, "--precision", precision]
    arguments += ["--reference", options.reference, "--steps", str(options.steps)]
    command = [sys.executable, "-m", "benchmarks.ban_step", *arguments]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--reference", required=True, help="a checkout of jnhwkim/ban-vqa")
    parser.add_argument("--steps", type=int, default=5, help="steps a run")
    parser.add_argument("--runs", type=int, default=3, help="runs of each, in turns")
    parser.add_argument("--size", choices=list(SIZES), help="only this size")
    parser.add_argument("--precision", choices=["float32", "bfloat16"], help="only this one")
    parser.add_argument("--child", choices=["compare", "reference", "ours"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        arguments = SIZES[options.size]
        if options.child == "compare":
            print(json.dumps(compare(options.reference, *arguments)))
        else:
            print(json.dumps(train(options, *arguments)))
        return
    for size in [options.size] if options.size else SIZES:
        glimpses, width = SIZES[size]
        difference = run(options, "compare", size, "float32")
        print(f"{glimpses} glimpses, width {width}: logits differ by {difference:.1e} at most")
        for precision in [options.precision] if options.precision else ["float32", "bfloat16"]:
            found: dict[str, list[Any]] = {"reference": [], "ours": []}
            for _ in range(options.runs):
                for child, results in found.items():
                    results.append(run(options, child, size, precision))
            seconds = {
                child: [statistics.median(result["seconds"]) for result in results]
                for child, results in found.items()
            }
            ratios = [a / b for a, b in zip(seconds["ours"], seconds["reference"], strict=True)]
            for child, results in found.items():
                print(
                    f"  {precision} {child:9} {results[0]['parameters'] / 1e6:.1f} M parameters  "
                    f"{statistics.median(seconds[child]):.2f} s a step  "
                    f"{max(result['memory'] for result in results):.2f} GB"
                )
            print(
                f"  {precision} ratio {statistics.median(ratios):.2f} "
                f"({min(ratios):.2f} to {max(ratios):.2f})",
                flush=True,
            )


if __name__ == "__main__":
    main()

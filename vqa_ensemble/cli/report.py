"""vqa-ensemble report"""

from __future__ import annotations

from typing import Any

import click

from vqa_ensemble.cli.common import (
    OutputFile,
    console,
    key_file,
    labelled_options,
    output_options,
    print_json,
    progress,
    read_labelled,
)


@click.command("report")
@click.argument("predictions", nargs=-1, required=True, type=click.Path())
@labelled_options
@click.option(
    "--ensemble", type=click.Path(), help="Ensemble made by vqa-ensemble fit, to report on."
)
@click.option(
    "--questions",
    metavar="FILE",
    help="Questions JSON, or a parquet or CSV table, with question and, for --images, image_id.",
)
@click.option(
    "--images",
    type=click.Path(),
    metavar="DIR",
    help="Folder with the pictures, named after their image_id; small copies go into the page.",
)
@click.option(
    "-o",
    "--output",
    required=True,
    type=OutputFile(".html", ".htm"),
    help="HTML file to write.",
)
@output_options
def command(
    predictions: tuple[str, ...],
    ensemble: str | None,
    questions: str | None,
    images: str | None,
    output: str,
    seed: int,
    as_json: bool,
    quiet: bool,
    verbose: bool,
    **labelled_by: Any,
) -> None:
    """Write a page that shows how the ensemble does, and why, question by question.

    PREDICTIONS are parquet files, one a member, on questions whose answers are known. The
    ensemble is that of --ensemble, else question-type voting with --map, else equal votes. The
    page is one file that opens without a network.

    \b
    Example:
      vqa-ensemble report preds/val/*.parquet --annotations val_annotations.json \\
          --questions val_questions.json --map vqa-v2 -o report.html
    """
    if images is not None and questions is None:
        raise click.UsageError("--images needs --questions, for the questions' image_id")
    from vqa_ensemble.files.atomic import atomic_write
    from vqa_ensemble.learning.combiners.fitted import read_fitted
    from vqa_ensemble.report.build import make_report
    from vqa_ensemble.report.contents import headline, report_contents
    from vqa_ensemble.report.page import require_libraries

    require_libraries()
    with progress(quiet=quiet) as bar:
        task = bar.add_task("Reading predictions", total=None)
        labelled = read_labelled(predictions, **labelled_by)
        contents = report_contents(
            labelled,
            ensemble=None if ensemble is None else read_fitted(ensemble),
            ensemble_path=ensemble or "",
            seed=seed,
            after=lambda step: bar.update(task, description=f"Comparing: {step}"),
        )
        bar.update(task, description="Writing the report")
        page = make_report(
            contents,
            labelled,
            key_file(*(labelled_by[k] for k in ("annotations", "id_column", "type_column"))),
            questions=questions,
            images=images,
            seed=seed,
        ).encode()
    atomic_write(output, page)
    if as_json:
        print_json(
            {
                "output": output,
                "bytes": len(page),
                "headline": headline(contents),
                "ensemble": contents.row,
                "comparison": contents.comparison.to_dict(),
            }
        )
    elif not quiet:
        console().print(headline(contents))
        console().print(f"Wrote {output}, {len(page) / 1e6:.1f} MB")

"""The job that compares the stored model of linkage with today's records; a person starts it, and it replaces nothing."""

import dagster as dg

from das_pipeline import linkage, retention
from das_pipeline.errors import DasError
from orchestration.resources import Das


@dg.op
def compare_model(context: dg.OpExecutionContext, das: Das) -> None:
    run = das.whole()
    try:
        levels = linkage.model_drift(run.known_on(retention.judged_on(run)))
    except DasError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    columns = dg.TableSchema([dg.TableColumn(name) for name in ("part", "finding", "bits", "bits today")])
    rows = [
        dg.TableRecord(
            {
                "part": level.part,
                "finding": level.finding,
                "bits": f"{level.bits:.2f}",
                "bits today": "not trained" if level.bits_today is None else f"{level.bits_today:.2f}",
            }
        )
        for level in levels
    ]
    untrained = [f"{level.part}: {level.finding}" for level in levels if level.bits_today is None]
    furthest = max((abs(level.bits_today - level.bits) for level in levels if level.bits_today is not None), default=0.0)
    shown = {"drift": dg.MetadataValue.table(rows, schema=columns), "furthest": furthest, "not trained": ", ".join(untrained) or "none"}
    context.add_output_metadata(shown)


@dg.job(description="Compare the stored model of linkage with one trained on today's records (docs/linkage.md). It replaces nothing.")
def model_drift() -> None:
    compare_model()

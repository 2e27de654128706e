"""The job that removes what has outlived its term, and the schedule that runs it every night."""

import dagster as dg

from das_pipeline import retention
from das_pipeline.errors import DasError
from orchestration.resources import TIME_ZONE, Das


@dg.op
def remove_expired(context: dg.OpExecutionContext, das: Das) -> None:
    run = das.whole()
    on = retention.judged_on(run)
    try:
        removed = retention.clean(run.known_on(on))
    except DasError as error:
        raise dg.Failure(str(error), allow_retries=False) from None
    context.add_output_metadata({"judged on": on.isoformat(), "items": len(removed), "bytes": sum(e.bytes for e in removed)})


@dg.job(description="Remove versions, candidates and originals that have outlived their term (policy.yaml, retention).")
def clean() -> None:
    remove_expired()


@dg.schedule(
    job=clean,
    cron_schedule="0 3 * * *",
    execution_timezone=TIME_ZONE.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every night at 03:00, before the chain, when something has outlived its term.",
)
def nightly(das: Das) -> dg.RunRequest | dg.SkipReason:
    run = das.whole()
    due = retention.expired(run.known_on(retention.judged_on(run)))
    return dg.RunRequest() if due else dg.SkipReason("Nothing has outlived its term.")

"""When the chain runs."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from orchestration import jobs
from orchestration.days import UNTIL, days_to_run
from orchestration.resources import TIME_ZONE, Das
from orchestration.table_assets import STARTS


@dg.schedule(
    name="daily",
    job=jobs.CHAIN,
    cron_schedule=STARTS,
    execution_timezone=TIME_ZONE.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day at 05:00: the chain as known on the first day that is not done. The sensor day_follows goes on with the days "
    "after it, in order, up to the day that ended last.",
)
def daily(context: dg.ScheduleEvaluationContext, das: Das) -> dg.RunRequest | dg.SkipReason:
    run = das.whole()
    ended = context.scheduled_execution_time.astimezone(TIME_ZONE).date() - timedelta(days=1)
    days = [day.isoformat() for day in days_to_run(run, ended)]
    if not days:
        return dg.SkipReason("Every day that is known and can be run is done.")
    context.instance.add_dynamic_partitions("days", days)
    return dg.RunRequest(partition_key=days[0], tags={UNTIL: days[-1]})

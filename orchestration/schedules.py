"""When the chain runs."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from orchestration import jobs
from orchestration.days import ask_until, ready_and_waiting
from orchestration.resources import TIME_ZONE, Das
from orchestration.table_assets import STARTS


@dg.schedule(
    name="daily",
    job=jobs.CHAIN,
    cron_schedule=STARTS,
    execution_timezone=TIME_ZONE.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day at 05:00: asks for the chain as known on every day that is not done, up to the day that ended last. The sensor "
    "day_follows requests their runs, one at a time and in order: were there two to request them, a day could be run twice.",
)
def daily(context: dg.ScheduleEvaluationContext, das: Das) -> dg.SkipReason:
    ended = context.scheduled_execution_time.astimezone(TIME_ZONE).date() - timedelta(days=1)
    ready, waiting = ready_and_waiting(das.whole(), ended, context.instance)
    if not ready and not waiting:
        return dg.SkipReason("Every day that is known and can be run is done.")
    days = [*ready, *waiting]
    ask_until(context.instance, days[-1], context.scheduled_execution_time)
    held = f" {waiting[0]} waits until what was delivered by then is taken in." if waiting else ""
    return dg.SkipReason(f"day_follows runs the days that are not done, {len(days)} until {days[-1]}.{held}")

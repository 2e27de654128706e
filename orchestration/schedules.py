"""When the chain runs."""

from __future__ import annotations

from datetime import timedelta

import dagster as dg

from orchestration import jobs
from orchestration.attempts import is_busy
from orchestration.days import UNTIL, ask_until, ready_and_waiting
from orchestration.resources import TIME_ZONE, Das
from orchestration.table_assets import STARTS, key


@dg.schedule(
    name="daily",
    job=jobs.CHAIN,
    cron_schedule=STARTS,
    execution_timezone=TIME_ZONE.key,
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every day at 05:00: the chain as known on the first day that is not done, once what was delivered by then is taken in. "
    "The sensor day_follows goes on with the days after it, in order, up to the day that ended last.",
)
def daily(context: dg.ScheduleEvaluationContext, das: Das) -> dg.RunRequest | dg.SkipReason:
    ended = context.scheduled_execution_time.astimezone(TIME_ZONE).date() - timedelta(days=1)
    ready, waiting = ready_and_waiting(das.whole(), ended, context.instance)
    if not ready and not waiting:
        return dg.SkipReason("Every day that is known and can be run is done.")
    until = [*ready, *waiting][-1]
    if ready and not is_busy(context.instance, "chain", key("release/decision")):
        context.instance.add_dynamic_partitions("days", ready)
        return dg.RunRequest(partition_key=ready[0], tags={UNTIL: until})
    ask_until(context.instance, until)
    if ready:
        return dg.SkipReason("A day is being run; day_follows goes on with the days after it.")
    return dg.SkipReason(f"{waiting[0]} waits until what was delivered by then is taken in; then day_follows asks for it.")

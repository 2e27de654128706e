"""When the chain runs."""

import dagster as dg

from orchestration import jobs

daily = dg.ScheduleDefinition(
    name="daily",
    job=jobs.CHAIN,
    cron_schedule="0 5 * * *",
    execution_timezone="Europe/Amsterdam",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="The whole chain, every day at 05:00, as known on the day of the newest delivery.",
)

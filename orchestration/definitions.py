"""Everything Dagster loads: assets, checks, jobs, schedule and sensor of the jurisdiction in `DAS_JURISDICTION`."""

from __future__ import annotations

import dagster as dg

from assets import chain, deliveries, disclosure, linkage, publication, release, statistics, terminology, website
from orchestration import alerts, cleaning, jobs, modelling, replays, schedules, sensors
from orchestration.resources import das

defs = dg.Definitions(
    assets=[
        *deliveries.PARTNERS.values(),
        *deliveries.EXTERNALS.values(),
        *dg.load_assets_from_modules([terminology, linkage, chain, statistics, disclosure, publication, website, release]),
    ],
    jobs=[*jobs.INTAKE, jobs.CHAIN, *replays.REPLAYS, cleaning.clean, modelling.model_drift],
    schedules=[schedules.daily, cleaning.nightly],
    sensors=[sensors.delivery_arrived, sensors.day_follows, alerts.alerts],
    resources={"das": das()},
    # In one process a step costs milliseconds, in one process each it costs seconds; DuckDB uses all cores inside a step.
    executor=dg.in_process_executor,
)

"""Operation in Dagster: definitions, jobs, schedules, sensors, resources and runs, and how an asset writes, audits and publishes."""

"""What assets get handed: the installation, with connections that keep its limits."""

from datetime import date

import dagster as dg
from dagster_duckdb import DuckDBResource

from das_pipeline import deliveries, engine
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.references import require_sound
from das_pipeline.run import Run
from das_pipeline.settings import Settings

TIME_ZONE = Jurisdiction(Settings.from_environment().jurisdiction).time_zone  # in which a day ends


class Das(dg.ConfigurableResource):
    """One installation; its places, keys and limits come from the environment (`DAS_HOME`, `DAS_KEYS`, …)."""

    duckdb: dg.ResourceDependency[DuckDBResource]

    def whole(self) -> Run:
        """A run over everything that has become known; ConfigurationError when a file of the jurisdiction has a mistake."""
        run = Run.start(Settings.from_environment(), date.max, self.duckdb.get_connection)
        require_sound(run.jurisdiction, run.lake.home)
        return run

    def known_on(self, day: str) -> Run:
        """A run over what was known on `day`, the partition of a run of the chain."""
        run = self.whole().known_on(date.fromisoformat(day))
        if not deliveries.vintages(run):
            raise dg.Failure(f"No delivery had been accepted by {day}: take one in first.", allow_retries=False)
        decided = run.lake.current("release/decision")
        if decided is not None and day < decided.as_of:
            # Going back would move live pointers to an older state.
            raise dg.Failure(
                f"The chain is live as known on {decided.as_of}: rebuild {day} from the same deliveries in a home of its own (DAS_HOME).",
                allow_retries=False,
            )
        return run


def das() -> Das:
    """The installation of the environment. DuckDB is in memory; `Run.connect` sets its limits after connecting."""
    return Das(duckdb=DuckDBResource(database=":memory:", connection_config=dict(engine.CONNECT)))

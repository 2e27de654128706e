"""What assets get handed: the installation, with connections that keep its limits."""

from datetime import date

import dagster as dg
from dagster_duckdb import DuckDBResource
from pydantic import Field

from das_pipeline import deliveries, engine
from das_pipeline.run import Run
from das_pipeline.settings import Settings


class Das(dg.ConfigurableResource):
    """One installation, as known on `as_of`; its places, keys and limits come from the environment (`DAS_HOME`, `DAS_KEYS`, …)."""

    as_of: str = Field(
        default="",
        description="Read everything as known on this date (yyyy-mm-dd). Empty: the day on which the newest accepted delivery arrived.",
    )
    duckdb: dg.ResourceDependency[DuckDBResource]

    def whole(self) -> Run:
        """A run over everything that has become known."""
        return Run.start(Settings.from_environment(), date.max, self.duckdb.get_connection)

    def start(self) -> Run:
        """A run over what was known on the configured date, else on the day of the newest delivery."""
        run = self.whole()
        as_of = date.fromisoformat(self.as_of) if self.as_of else deliveries.newest_vintage(run)
        if as_of is None:
            raise dg.Failure("No delivery has been accepted yet: take one in first.", allow_retries=False)
        decided = run.lake.current("release/decision")
        if decided is not None and as_of.isoformat() < decided.as_of:
            # Going back would move live pointers to an older state.
            raise dg.Failure(
                f"The chain is live as known on {decided.as_of}: rebuild {as_of} from the same deliveries in a home of its own (DAS_HOME).",
                allow_retries=False,
            )
        return run.known_on(as_of)


def das(as_of: str = "") -> Das:
    """The installation of the environment. DuckDB is in memory; `Run.connect` sets its limits after connecting."""
    return Das(as_of=as_of, duckdb=DuckDBResource(database=":memory:", connection_config=dict(engine.CONNECT)))

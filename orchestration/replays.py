"""The jobs that take a partner's deliveries in again after its contract was corrected."""

import dagster as dg
from pydantic import Field

from assets.deliveries import PARTNERS
from das_pipeline import deliveries
from das_pipeline.errors import DasError
from orchestration.publish import described
from orchestration.resources import Das
from orchestration.table_assets import key


class Replay(dg.Config):
    """Where a replay begins."""

    from_delivery: str = Field(default="", description="The first delivery to take in again. Empty: all of them.")


def replay_job(partner: str) -> dg.JobDefinition:
    """The job that replays the landed deliveries of a partner, and records the version that went live."""

    @dg.op(name=f"replay_{partner}_deliveries", pool=f"deliveries_{partner}")
    def replay_deliveries(context: dg.OpExecutionContext, config: Replay, das: Das) -> None:
        try:
            replayed = deliveries.replay(das.whole(), partner, config.from_delivery or None)
        except DasError as error:
            raise dg.Failure(str(error), allow_retries=False) from None
        context.instance.add_dynamic_partitions(f"deliveries_{partner}", list(replayed.taken_in))
        for delivery in replayed.taken_in:
            context.log_event(
                dg.AssetMaterialization(
                    key(f"deliveries/{partner}"),
                    description="Taken in again by a replay.",
                    partition=delivery,
                    metadata=described(replayed.version),
                    tags={"dagster/data_version": replayed.version.id},
                )
            )
        for delivery in replayed.refused:
            context.log.warning(f"{delivery} is refused: its receipt says why.")

    @dg.job(
        name=f"replay_{partner}",
        description=f"Take the landed deliveries of {partner} in again, after its contract was corrected; see docs/partners.md.",
    )
    def job() -> None:
        replay_deliveries()

    return job


REPLAYS = [replay_job(partner) for partner in PARTNERS]

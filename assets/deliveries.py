"""Intake: one asset per partner, partitioned by delivery, and one per external source."""

from datetime import timedelta

import dagster as dg

from checks.deliveries import EXTERNAL, INTAKE
from das_pipeline import deliveries
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import Settings
from orchestration.publish import Published, publish
from orchestration.resources import Das
from orchestration.table_assets import asset_of

JURISDICTION = Jurisdiction(Settings.from_environment().jurisdiction)


def partitions(partner: str) -> dg.DynamicPartitionsDefinition:
    """The deliveries of a partner, by reference date and number: whatever arrived."""
    return dg.DynamicPartitionsDefinition(name=f"deliveries_{partner}")


def due(name: str) -> dg.FreshnessPolicy:
    """By the delivery calendar: late when the next delivery is overdue, too late when the chain would stop for it."""
    schedule = deliveries.load_schedule(JURISDICTION, name)
    late = schedule.longest_wait
    stops = late + timedelta(days=schedule.partner.completeness.late_days)
    return dg.FreshnessPolicy.time_window(fail_window=stops, warn_window=late if late < stops else None)


def partner_asset(partner: str) -> dg.AssetsDefinition:
    """The accepted records of a partner. One run takes in one delivery, so that one partner's failure is its own."""

    @asset_of(f"deliveries/{partner}", INTAKE, partitions_def=partitions(partner), freshness=due(partner))
    def accepted(context: dg.AssetExecutionContext, das: Das) -> Published:
        run = das.whole()
        yield from publish(
            context,
            f"deliveries/{partner}",
            INTAKE,
            lambda: deliveries.take_in(run, deliveries.arrived(run, partner, context.partition_key)),
        )

    return accepted


def external_asset(source: str) -> dg.AssetsDefinition:
    """The figures of an external source, as it published them."""

    @asset_of(f"deliveries/{source}", EXTERNAL)
    def figures(context: dg.AssetExecutionContext, das: Das) -> Published:
        yield from publish(context, f"deliveries/{source}", EXTERNAL, lambda: deliveries.take_in_external(das.whole(), source))

    return figures


PARTNERS = {partner: partner_asset(partner) for partner in JURISDICTION.partners}
EXTERNALS = {source: external_asset(source) for source in deliveries.external_sources(JURISDICTION)}
DELIVERED = tuple(f"deliveries/{partner}" for partner in PARTNERS)
FIGURES = tuple(f"deliveries/{source}" for source in EXTERNALS)

"""What every asset of the chain has in common: its place in the graph, what the UI says of it, and write → audit → publish."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import dagster as dg

from checks import specs
from das_pipeline.run import Build, code_version, produce
from das_pipeline.stages import stage_of, zone_of
from orchestration.columns import column_schema, description
from orchestration.days import DAYS
from orchestration.publish import Published, publish
from orchestration.resources import TIME_ZONE, Das

STARTS = "0 5 * * *"  # the schedule `daily`
FRESH = dg.FreshnessPolicy.cron(deadline_cron="0 8 * * *", lower_bound_delta=timedelta(days=1), timezone=TIME_ZONE.key)
"""What the chain publishes is made anew each day, three hours after it starts at the latest."""


def key(table: str) -> dg.AssetKey:
    """The asset key of a table of the lake: the same words."""
    return dg.AssetKey(table.split("/"))


def asset_of(
    table: str,
    rules: Sequence[str],
    *,
    deps: Sequence[str | dg.AssetDep] = (),
    kinds: Sequence[str] = ("duckdb", "parquet"),
    partitions_def: dg.PartitionsDefinition | None = None,
    freshness: dg.FreshnessPolicy | None = None,
) -> Callable[[Callable[..., Published]], dg.AssetsDefinition]:
    """The decorator of the asset `table`: its key, group, description, owner, columns, checks and upstream tables."""
    stage = stage_of(table)
    return dg.asset(
        key=key(table),
        group_name=stage,
        description=description(table),
        owners=["team:das"],
        kinds=set(kinds),
        deps=[d if isinstance(d, dg.AssetDep) else key(d) for d in deps],
        check_specs=specs(table, rules),
        code_version=code_version(stage_of(table))[:12],
        metadata=column_schema(table),
        tags={"zone": zone_of(table)},
        partitions_def=partitions_def,
        freshness_policy=freshness,
        pool=pool_of(table),
    )


def pool_of(table: str) -> str:
    """The pool of the runs that write `table`, one at a time: each partner has its own, and the chain is one."""
    return table.replace("/", "_") if stage_of(table) == "deliveries" else "chain"


def table_asset(
    table: str,
    rules: Sequence[str],
    build: Build,
    inputs: Sequence[str],
    *,
    when_live: Sequence[str] = (),
    memory: Sequence[str] = (),
    kinds: Sequence[str] = ("duckdb", "parquet"),
    chained: bool = False,
    freshness: dg.FreshnessPolicy | None = None,
) -> dg.AssetsDefinition:
    """The asset that makes `table` with `build` from `inputs`, and from those partners' tables in `when_live` that have a live version.

    Its partition is the day as known on which everything is read. Of a partner's table it reads whatever deliveries were known by then.

    Which partners may be missing is the completeness rule's to judge, not the graph's. `memory` names tables of earlier runs that are
    read too but come later in the graph: the ledger of releases.
    """

    delivered = [dg.AssetDep(key(t), partition_mapping=dg.AllPartitionMapping()) for t in when_live]

    @asset_of(table, rules, deps=[*inputs, *delivered], kinds=kinds, partitions_def=DAYS, freshness=freshness)
    def asset(context: dg.AssetExecutionContext, das: Das) -> Published:
        run = das.known_on(context.partition_key)
        read = [*inputs, *(t for t in (*when_live, *memory) if run.lake.current(t) is not None)]
        yield from publish(context, table, rules, lambda: produce(run, table, build, inputs=read, chained=chained))

    return asset

"""What a data engineer sees before anything has run: complete metadata, eight groups, a schedule, and a quick start."""

from __future__ import annotations

import subprocess
import sys

import dagster as dg
import pytest
import yaml

from assets.deliveries import EXTERNALS, PARTNERS
from das_pipeline.rules import OF_PARTNER, OF_SOURCE, catalogue
from das_pipeline.settings import PROJECT
from orchestration.days import DAYS
from orchestration.definitions import defs
from orchestration.jobs import CHAIN_GROUPS

ASSETS = {spec.key: spec for spec in defs.resolve_all_asset_specs()}


def test_the_groups_are_the_stages() -> None:
    assert {spec.group_name for spec in ASSETS.values()} == {"deliveries", *CHAIN_GROUPS}


@pytest.mark.parametrize("key", sorted(ASSETS), ids=lambda k: k.to_user_string())
def test_every_asset_says_what_it_is(key: dg.AssetKey) -> None:
    spec = ASSETS[key]
    assert spec.description
    assert "**One row**" in spec.description
    assert spec.owners
    assert spec.kinds
    schema = spec.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchema)
    assert schema.columns
    assert all(column.description for column in schema.columns)


def test_checks_are_the_catalogue() -> None:
    """Every rule gates the assets that it says, and no asset has another check. The ledger is no asset: the decision judges it."""
    partners, sources = (tuple(f"deliveries/{name}" for name in names) for names in (PARTNERS, EXTERNALS))
    stand_for = {OF_PARTNER: partners, OF_SOURCE: sources, "disclosure/ledger": ()}
    listed = {(rule.id, name) for rule in catalogue().values() for table in rule.tables for name in stand_for.get(table, (table,))}
    shown = {(key.name.split("_")[0], "/".join(key.asset_key.path)) for key in defs.resolve_asset_graph().asset_check_keys}
    assert shown == listed


def test_the_chain_runs_every_day_and_deliveries_are_watched() -> None:
    schedules = [schedule for schedule in defs.schedules or [] if isinstance(schedule, dg.ScheduleDefinition)]
    assert {schedule.name: schedule.cron_schedule for schedule in schedules} == {"daily": "0 5 * * *", "nightly": "0 3 * * *"}
    assert {schedule.execution_timezone for schedule in schedules} == {"Europe/Amsterdam"}
    assert {schedule.default_status for schedule in schedules} == {dg.DefaultScheduleStatus.RUNNING}
    sensors = [sensor for sensor in defs.sensors or [] if isinstance(sensor, dg.SensorDefinition)]
    assert {sensor.name for sensor in sensors} == {"delivery_arrived", "day_follows", "alerts"}
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.RUNNING}


def test_the_chain_makes_everything_but_partners_tables_and_has_the_day_as_its_partition() -> None:
    chain = defs.resolve_job_def("chain")
    assert set(chain.asset_layer.selected_asset_keys) == ASSETS.keys() - {dg.AssetKey(["deliveries", partner]) for partner in PARTNERS}
    assert chain.partitions_def == DAYS


def test_every_partner_and_the_chain_is_a_pool_of_its_own() -> None:
    """With the limit of one in deploy/dagster.yaml, no two runs on one table are in progress at a time."""
    pools = {key: defs.resolve_asset_graph().get(key).pools for key in ASSETS}
    alone = {dg.AssetKey(["deliveries", name]): {f"deliveries_{name}"} for name in (*PARTNERS, *EXTERNALS)}
    assert pools == {key: {"chain"} for key in ASSETS} | alone
    limits = yaml.safe_load((PROJECT / "deploy" / "dagster.yaml").read_text(encoding="utf-8"))["concurrency"]["pools"]
    assert limits == {"granularity": "run", "default_limit": 1}


@pytest.mark.slow  # a process that starts anew
def test_heavy_libraries_wait_until_they_are_needed() -> None:
    """Import cost counts at every start: these alone take seconds."""
    heavy = ("great_expectations", "pandera", "splink", "altair", "vl_convert", "numba", "pandas")
    code = f"import sys, orchestration.definitions; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", code], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"

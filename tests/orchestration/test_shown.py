"""What a person on duty sees of a home in Dagster's UI: where a column comes from, first rows of published tables only, numbers to plot."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import dagster as dg
import pyarrow.parquet as pq
import pytest
import yaml

from das_pipeline.deliveries import external_sources, load_contracts
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.settings import PROJECT
from das_pipeline.stages import zone_of
from orchestration.definitions import defs
from orchestration.lineage import CANDIDATE, CUBES, EVENTS, EXTERNAL, LEAVES, RECORDS, lineage, origins
from orchestration.publish import guide
from tests.installation import TOY, Installation, store_of

TABLES = (RECORDS, EXTERNAL, EVENTS, CUBES, LEAVES, CANDIDATE)


@pytest.mark.parametrize("folder", [TOY, PROJECT / "jurisdictions" / "nl"], ids=lambda folder: folder.name)
def test_every_published_column_leads_to_columns_of_the_contracts(folder: Path) -> None:
    jurisdiction = Jurisdiction(folder)
    declared = {
        (f"deliveries/{partner}", f"{file}.{c.name}")
        for (partner, file), each in load_contracts(jurisdiction).items()
        for c in each.columns
    }
    real = {f"deliveries/{name}" for name in external_sources(jurisdiction)}
    published = lineage(CANDIDATE, jurisdiction)
    for table in {name.split(".")[0] for name in published}:
        assert {f"{table}.n", f"{table}.period"} <= published.keys()
    for name in published:
        ends = origins(CANDIDATE, name, jurisdiction)
        assert ends
        assert {end for end in ends if end[0] not in real} <= declared


def test_the_age_of_a_suspect_comes_from_the_dates_that_the_watch_delivers() -> None:
    assert origins(CANDIDATE, "reports_persons.age", Jurisdiction(TOY)) == {("deliveries/watch", "reports.committed_on")}


def materialised(made: Installation, table: str) -> dict[str, object]:
    """The metadata of the last materialisation of `table`, as Dagster stored it."""
    with store_of(made) as store:
        event = store.get_latest_materialization_event(dg.AssetKey(table.split("/")))
    assert event is not None
    assert event.asset_materialization is not None
    return {name: value.value for name, value in event.asset_materialization.metadata.items()}


@pytest.mark.slow
def test_a_materialisation_of_each_table_says_where_its_columns_come_from(day_by_day: Installation) -> None:
    for table in set(TABLES) - {EXTERNAL}:
        shown = materialised(day_by_day, table)
        of_column = shown["dagster/column_lineage"]
        schema = shown["dagster/column_schema"]
        assert isinstance(of_column, dg.TableColumnLineage)
        assert isinstance(schema, dg.TableSchema)
        assert set(of_column.deps_by_column) == set(lineage(table, Jurisdiction(TOY)))
        described = {column.name: column.description or "" for column in schema.columns}
        assert all(
            "Delivered as watch reports." in described[name] or "Delivered as bench " in described[name]
            for name in of_column.deps_by_column
        )


@pytest.mark.slow
def test_first_rows_are_shown_of_published_tables_alone(day_by_day: Installation) -> None:
    preview = str(materialised(day_by_day, CANDIDATE)["preview"])
    first = pq.read_table(day_by_day.live(CANDIDATE).path("tables/reports.parquet")).to_pylist()[0]
    assert f"| {' | '.join(str(value) for value in first.values())} |" in preview
    assert preview.count("### ") == 3
    for table in ("deliveries/watch", *TABLES):
        if zone_of(table) != "open" and table != EXTERNAL:
            assert "preview" not in materialised(day_by_day, table)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "numbers"),
    [
        ("deliveries/watch", ["dagster/row_count", "account.reports.quarantined", "account.reports.read", "seconds"]),
        ("linkage/links", ["dagster/row_count", "seconds"]),
        (CANDIDATE, ["dagster/row_count", "cells", "revised", "seconds"]),
    ],
)
def test_numbers_that_a_person_follows_over_time_are_numbers(day_by_day: Installation, table: str, numbers: list[str]) -> None:
    shown = materialised(day_by_day, table)
    assert all(isinstance(shown.get(name), int | float) for name in numbers), sorted(shown)


def test_what_is_late_by_the_calendar_is_not_fresh() -> None:
    specs = {"/".join(spec.key.path): spec for spec in defs.resolve_all_asset_specs()}
    for table in (CANDIDATE, "website/site", "release/decision"):
        policy = specs[table].freshness_policy
        assert policy is not None
        assert policy == dg.FreshnessPolicy.cron("0 8 * * *", timedelta(days=1), "Europe/Amsterdam")
    jurisdiction = Jurisdiction(PROJECT / "jurisdictions" / "nl")
    for partner in jurisdiction.partners:
        declared = yaml.safe_load(jurisdiction.text(f"contracts/{partner}/partner.yaml"))
        days = {"daily": 1, "weekly": 7, "monthly": 31}[declared["cadence"]] + declared.get("due_days", 1)
        late_days = declared["completeness"]["late_days"]
        expected = dg.FreshnessPolicy.time_window(timedelta(days=days + late_days), timedelta(days=days) if late_days else None)
        assert specs[f"deliveries/{partner}"].freshness_policy == expected


def test_the_guide_is_shown_where_it_is_needed() -> None:
    assert guide().startswith("## When something is red\n\n| what you see |")
    assert "das quarantine <partner>" in guide()


@pytest.mark.slow
def test_a_warning_says_where_to_look_on_and_a_passed_check_only_what_it_judged(day_by_day: Installation) -> None:
    with store_of(day_by_day) as store:
        run = next(r for r in store.get_runs() if r.tags["dagster/partition"] == "2024-02-29.1" and "watch" in r.job_name)
        logs = store.all_logs(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION)
    results = {result.check_name: result for result in (entry.asset_check_evaluation for entry in logs) if result is not None}
    warned, passed = results["I12_quarantine_share_is_small"], results["I01_manifest_equals_what_was_read"]
    assert (warned.passed, passed.passed) == (False, True)
    assert "| reports | 9 | 7 | 2 |" in str(warned.metadata["receipt"].value)
    assert "2024-02-29.1.html`" in str(warned.metadata["receipt"].value)
    assert warned.metadata["rows"].value == "`das quarantine watch`"
    assert "When something is red" in str(warned.metadata["guide"].value)
    assert set(passed.metadata) == {"candidate", "partition", "files", "files_different"}

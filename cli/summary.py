"""What a person reads after a run: what came in, what was set aside, what the checks found, what is published and where."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from textwrap import shorten

from rich.console import Console
from rich.table import Table

from das_pipeline import deliveries
from das_pipeline.privacy import find_canaries
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from orchestration.runs import Report
from simulation.validation.linkage import evaluate


def summarise(console: Console, report: Report) -> None:
    """The outcome of a round of runs."""
    settings = Settings.from_environment()
    run = Run.start(settings, date.max)
    _show_account(console, run)
    _show_quarantine(console, run)
    _show_checks(console, report)
    _show_linkage(console, run)
    _show_scan(console, settings)
    show_releases(console)
    console.print("\nOpen the site with [bold]make site[/], Dagster with [bold]make ui[/]; then [bold].venv/bin/das --help[/].")


def show_status(console: Console) -> None:
    """What is live, what waits, what was refused."""
    settings = Settings.from_environment()
    run = Run.start(settings, date.max)
    newest = deliveries.newest_vintage(run)
    if newest is not None:
        partners = Table("partner", "newest delivery", "late by", "state", title=f"Partners, as of {newest}")
        for state in deliveries.completeness(Run.start(settings, newest)):
            partners.add_row(state.partner, str(state.reference_on or "–"), f"{state.late_days} days", state.state)
        console.print(partners)
    for delivery in deliveries.pending(run):
        console.print(f"[yellow]waiting[/] {delivery.partner} {delivery.delivery}: {delivery.reason or 'ready: das run takes it in'}")
    for problem in deliveries.problems(run):
        console.print(f"[red]problem[/] {problem}")
    live = Table("table", "live version", "rows", "checks", title="Live versions")
    for pointer in sorted(settings.home.glob("*/*/current.json")):
        version = run.lake.current(pointer.parent.relative_to(settings.home).as_posix())
        if version is not None:
            passed = sum(v["passed"] for v in version.verdicts)
            live.add_row(version.table, version.id, f"{version.rows:,}", f"{passed} of {len(version.verdicts)}")
    console.print(live)
    show_releases(console)


def show_releases(console: Console) -> None:
    """The releases, oldest first, and the decision on the newest candidate."""
    settings = Settings.from_environment()
    folder = settings.home / "releases"
    table = Table("release", "tables", "cells", "where", title="Releases")
    for release in sorted(p for p in folder.glob("*.*") if (p / "manifest.json").exists()):
        package = json.loads((release / "datapackage.json").read_text(encoding="utf-8"))
        tables = sorted(release.glob("tables/*.parquet"))
        table.add_row(release.name, str(len(tables)), f"{sum(map(_rows, tables)):,}", _shown(release))
        assert package["resources"], "a release has tables"
    console.print(table)
    live = Run.start(settings, date.max).lake.current("release/decision")
    if live is not None:
        console.print(f"The newest candidate, as known on {live.as_of}: {live.facts['decision']}")


def _rows(path: Path) -> int:
    import pyarrow.parquet as pq

    return pq.read_metadata(path).num_rows


def _shown(path: Path) -> str:
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _show_account(console: Console, run: Run) -> None:
    kinds = ("read", "accepted", "duplicate", "superseded", "quarantined")
    table = Table("partner", "file", "deliveries", *kinds, title="Row account")
    files: dict[tuple[str, str], list[int]] = {}
    for row in deliveries.account_rows(run):
        figures = files.setdefault((row.partner, row.file), [0] * 6)
        for place, n in enumerate((1, row.read, row.accepted, row.duplicate, row.superseded, row.quarantined)):
            figures[place] += n
    for (partner, file), figures in files.items():
        table.add_row(partner, file, *(f"{n:,}" for n in figures))
    table.add_section()
    table.add_row("all", "", "", *(f"{sum(column):,}" for column in list(zip(*files.values(), strict=True))[1:]))
    console.print(table)


def _show_quarantine(console: Console, run: Run) -> None:
    counts: dict[str, int] = {}
    for row in deliveries.quarantine_summary(run):
        counts[row.rule] = counts.get(row.rule, 0) + row.rows
    console.print("[bold]Set aside by rule[/]  " + (", ".join(f"{rule} {n:,}" for rule, n in sorted(counts.items())) or "nothing"))


def _show_checks(console: Console, report: Report) -> None:
    """How many checks passed; each that did not, once, with the last thing it found; and every run that was refused."""
    counted = ", ".join(f"{report.checks[outcome]} {outcome}" for outcome in ("passed", "warned", "failed"))
    console.print(f"\n[bold]Checks[/]  {counted}, in {report.runs} runs")
    last: dict[str, tuple[str, str]] = {}
    times: Counter[str] = Counter()
    for label, check, finding in report.findings:
        times[check] += 1
        last[check] = (label, finding)
    if last:
        table = Table("check", "times", "last in", "what it found there")
        for check, (label, finding) in sorted(last.items()):
            table.add_row(check.replace("_", " "), str(times[check]), label, shorten(finding, 110, placeholder=" …"))
        console.print(table)
    for label, reason in report.failed:
        console.print(f"[red]Refused or failed:[/] {label}. {reason}")


def _show_scan(console: Console, settings: Settings) -> None:
    """Whether an identifying value of the simulated persons lies anywhere in the home outside an encrypted file."""
    canaries = settings.home.parent / "truth" / "canaries.txt"
    if not canaries.exists():
        return
    values = canaries.read_text(encoding="utf-8").splitlines()
    hits = find_canaries(values, [settings.home])
    console.print(f"[bold]Privacy scan[/]  {len(values)} identifying values looked for in every file of {_shown(settings.home)}: ", end="")
    console.print("[red]found in " + ", ".join(_shown(path) for path, _ in hits) if hits else "none found")


def _show_linkage(console: Console, run: Run) -> None:
    links = run.lake.current("linkage/links")
    if links is None:
        return
    rates = links.facts.get("link_rates", {})
    console.print("\n[bold]Linked to another partner's records[/]  " + ", ".join(f"{p} {rate:.1%}" for p, rate in sorted(rates.items())))
    truth = run.settings.home.parent / "truth"
    if truth.exists():
        found = evaluate(run.known_on(date.fromisoformat(links.as_of)), truth)
        console.print(
            "[bold]Against the simulated truth[/]  "
            + ", ".join(f"{what}: precision {m['precision']:.4f}, recall {m['recall']:.4f}" for what, m in sorted(found.items()))
        )

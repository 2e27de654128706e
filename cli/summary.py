"""What a person reads after a run: what came in, what was set aside, what the checks found, what is published and where."""

from __future__ import annotations

from collections import Counter
from datetime import date
from textwrap import shorten

from rich.console import Console
from rich.table import Table

from cli.console import shown
from cli.status import read_not_counted, read_releases, show_releases
from das_pipeline import deliveries
from das_pipeline.privacy import find_canaries
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from orchestration.runs import Report
from simulation import truth_beside
from simulation.validation.linkage import evaluate


def summarise(console: Console, report: Report) -> None:
    """Print the outcome of a round of runs: the row account, quarantine, checks, links, privacy scan and releases."""
    settings = Settings.from_environment()
    run = Run.start(settings, date.max)
    _show_account(console, run)
    _show_quarantine(console, run)
    if not_counted := read_not_counted(run):
        console.print(not_counted)
    _show_checks(console, report)
    _show_linkage(console, run)
    _show_scan(console, settings)
    show_releases(read_releases(run))
    console.print("\nOpen the site with [bold]make site[/], Dagster with [bold]make ui[/]; then [bold].venv/bin/das --help[/].")


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
    """Print how many checks passed, each that did not with its last finding, and every run that failed."""
    counted = ", ".join(f"{report.checks[outcome]} {outcome}" for outcome in ("passed", "warned", "failed"))
    console.print(f"\n[bold]Checks[/]  {counted}, in {report.runs} runs")
    newest: dict[str, tuple[str, str]] = {}
    times: Counter[str] = Counter()
    for label, check, finding in report.findings:
        times[check] += 1
        newest[check] = (label, finding)
    if newest:
        table = Table("check", "times", "last in", "what it found there")
        for check, (label, finding) in sorted(newest.items()):
            table.add_row(check.replace("_", " "), str(times[check]), label, shorten(finding, 110, placeholder=" …"))
        console.print(table)
    for label, reason in report.failed:
        console.print(f"[red]Refused or failed:[/] {label}. {reason}")


def _show_scan(console: Console, settings: Settings) -> None:
    """Print whether an identifying value of a simulated person is in any file of the home that is not encrypted."""
    canaries = truth_beside(settings.inbox) / "canaries.txt"
    if not canaries.exists():
        return
    values = canaries.read_text(encoding="utf-8").splitlines()
    hits = find_canaries(values, [settings.home])
    console.print(f"[bold]Privacy scan[/]  {len(values)} identifying values looked for in every file of {shown(settings.home)}: ", end="")
    console.print("[red]found in " + ", ".join(shown(path) for path, _ in hits) if hits else "none found")


def _show_linkage(console: Console, run: Run) -> None:
    links = run.lake.current("linkage/links")
    if links is None:
        return
    rates = links.facts.get("link_rates", {})
    console.print("\n[bold]Linked to another partner's records[/]  " + ", ".join(f"{p} {rate:.1%}" for p, rate in sorted(rates.items())))
    truth = truth_beside(run.settings.inbox)
    if truth.exists():
        quality = evaluate(run.known_on(date.fromisoformat(links.as_of)), truth)
        console.print(
            "[bold]Against the simulated truth[/]  "
            + ", ".join(f"{what}: precision {m['precision']:.4f}, recall {m['recall']:.4f}" for what, m in sorted(quality.items()))
        )

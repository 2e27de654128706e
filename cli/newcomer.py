"""What somebody reads who runs the demo for the first time: what came in, what became of it, what is published, where to look next.

No word of the glossary and no number of a rule is needed for it; `das demo --details` has those.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from datetime import date

import pyarrow.parquet as pq
from rich.table import Table

from cli.console import console, shown
from das_pipeline import deliveries, publication
from das_pipeline.deliveries.landing import refusal
from das_pipeline.privacy import find_canaries
from das_pipeline.rules import rule
from das_pipeline.run import Run
from das_pipeline.settings import Settings
from orchestration.runs import Report
from simulation import truth_beside

RULES_SHOWN = 4
FAILURES_SHOWN = 3


def introduce(size: str, seed: int) -> None:
    """Print what the demo is about to do."""
    console.print(
        f"[bold]The demo[/] (size {size}, seed {seed}). The police, prosecution service, courts, prisons and other partners deliver files. "
        "Here they are simulated, with the mistakes that partners make: no person or case in them exists. Then the pipeline runs as it "
        "would run every day."
    )


def show_outcome(report: Report) -> None:
    """Print the outcome of the demo in plain words, in less than a screen."""
    settings = Settings.from_environment()
    run = Run.start(settings, date.max)
    refused = [label for label, _ in report.failed if _refused(run, label)]
    outcome = Table.grid(padding=(0, 3))
    for title, texts in {
        "Came in": _arrivals(run, len(refused)),
        "Set aside": _quarantine(run),
        "Refused": (_refusal(run, label) for label in refused),
        "Failed": _failures([(label, reason) for label, reason in report.failed if label not in refused]),
        "Late": _late(run),
        "Published": _releases(run),
        "Privacy": _privacy(settings),
        "Real": _real(run),
        "Look next": iter(LOOK_NEXT),
    }.items():
        for number, text in enumerate(texts):
            outcome.add_row("" if number else f"[bold]{title}[/]", text)
    console.print(outcome)


LOOK_NEXT = (
    "make site                                   the website of the last release",
    "make ui                                     the pipeline in Dagster: its tables, checks and runs",
    ".venv/bin/das explain registered_crime      where a published number comes from",
    "With the full account and every check: make clean demo DETAILS=1",
)


def _arrivals(run: Run, refused: int) -> Iterator[str]:
    rows = deliveries.account_rows(run)
    taken_in = {(row.partner, row.delivery) for row in rows}
    read, accepted, duplicate, superseded, quarantined = (
        sum(getattr(row, name) for row in rows) for name in ("read", "accepted", "duplicate", "superseded", "quarantined")
    )
    partners = len({partner for partner, _ in taken_in})
    yield f"{len(taken_in) + refused} deliveries from {partners} partners. {len(taken_in)} were taken in, with {read:,} lines:"
    yield f"{accepted:,} new or changed, {duplicate + superseded:,} delivered before, {quarantined:,} set aside. None is lost."


def _quarantine(run: Run) -> Iterator[str]:
    counts: Counter[str] = Counter()
    for row in deliveries.quarantine_summary(run):
        counts[row.rule] += row.rows
    if not counts:
        return
    yield "Lines with mistakes, encrypted until the partner corrects them. So many broke the rule that"
    for name, lines in counts.most_common(RULES_SHOWN):
        yield f"{lines:>5,}  {_lower(rule(name).must.split(';')[0].rstrip('.'))}"
    if others := sum(lines for _, lines in counts.most_common()[RULES_SHOWN:]):
        yield f"{others:>5,}  (other rules: .venv/bin/das quarantine lists them all)"


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _refused(run: Run, label: str) -> list[str]:
    """Return why the delivery of a run (`partner delivery`) was refused; nothing when it was not, or the run is of another kind."""
    partner, _, delivery = label.partition(" ")
    record = refusal(run, partner, delivery) if partner in run.jurisdiction.partners else None
    return [v["sentence"] for v in record["verdicts"] if not v["passed"] and v["severity"] == "block"] if record else []


def _refusal(run: Run, label: str) -> str:
    partner, delivery = label.split(" ", 1)
    reasons = " ".join(_refused(run, label))
    planned = "as the demo plans" if _is_planned(run.settings, partner, delivery) else "which the simulation did not plan"
    successor = _successor(run, partner, delivery)
    after = f"It came again, correct, as {successor}, and was taken in." if successor else "Its correction has not come yet."
    return f"{partner} {delivery}, as a whole, {planned}. {reasons} {after}"


def _failures(failed: list[tuple[str, str]]) -> Iterator[str]:
    for label, reason in failed[:FAILURES_SHOWN]:
        yield f"[red]{label}[/]: {reason}"
    if len(failed) > FAILURES_SHOWN:
        yield f"and {len(failed) - FAILURES_SHOWN} more: make ui shows every run"


def all_planned(report: Report) -> bool:
    """Return whether nothing failed but the deliveries that the simulation spoiled for it."""
    settings = Settings.from_environment()
    return all(_is_planned(settings, *label.partition(" ")[::2]) for label, _ in report.failed)


def _is_planned(settings: Settings, partner: str, delivery: str) -> bool:
    ledger = (truth_beside(settings.inbox) / "faults.jsonl").read_text(encoding="utf-8").splitlines()
    faults = (json.loads(line) for line in ledger)
    return any((f["partner"], f["delivery"], f["outcome"]) == (partner, delivery, "refused") for f in faults)


def _successor(run: Run, partner: str, delivery: str) -> str | None:
    """Return the accepted delivery about the same day as a refused one."""
    taken_in = {row.delivery for row in deliveries.account_rows(run) if row.partner == partner}
    day = delivery.rpartition(".")[0]
    return next((name for name in sorted(taken_in) if name.rpartition(".")[0] == day), None)


def _late(run: Run) -> Iterator[str]:
    late = {
        state.partner: day
        for day in deliveries.vintages(run)
        for state in deliveries.completeness(run.known_on(day))
        if state.state == "late"
    }
    if late:
        yield f"{', '.join(f'{partner} on {day}' for partner, day in sorted(late.items()))}: the figures of that day were made without."


def _releases(run: Run) -> Iterator[str]:
    folders = publication.release_folders(run)
    if not folders:
        yield "[red]nothing[/]: .venv/bin/das status says what waits"
        return
    tables = sorted(folders[-1].glob("tables/*.parquet"))
    figures = sum(pq.read_metadata(table).num_rows for table in tables)
    yield f"Releases {' and '.join(folder.name for folder in folders)}: the first one, and one for every month that ended."
    yield f"The last has {len(tables)} tables with {figures:,} figures, and a website: {shown(run.settings.home / 'releases' / 'current')}"


def _privacy(settings: Settings) -> Iterator[str]:
    values = (truth_beside(settings.inbox) / "canaries.txt").read_text(encoding="utf-8").splitlines()
    hits = find_canaries(values, [settings.home])
    outcome = "[red]found in " + ", ".join(shown(path) for path, _ in hits) + "[/]" if hits else "none is found in any file that was made"
    yield (
        f"Of {len(values):,} names, dates and numbers of simulated persons, {outcome}. Published counts are rounded, and an auditor "
        "tried to find persons in each release before it went out."
    )


def _real(run: Run) -> Iterator[str]:
    sources = [deliveries.load_external(run.jurisdiction, name) for name in deliveries.external_sources(run.jurisdiction)]
    exceptions = ", except the tables of: " + "; ".join(source.title.main for source in sources) if sources else ""
    yield f"Nothing{exceptions}. Every page and file says which figures are simulated."

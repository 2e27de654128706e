"""For analysts and the privacy officer: releases, what changed between them, where a number comes from, and the audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from cli.console import AsJson, console, print_json, shown
from cli.exits import Exit
from das_pipeline.errors import DasError, unknown_name
from das_pipeline.gate import Verdict
from das_pipeline.run import Run
from das_pipeline.settings import Settings

app = typer.Typer()
release_app = typer.Typer(
    no_args_is_help=True, help="Releases and the candidate for the next: list, compare, verify, show, review, approve, return, withdraw."
)
ATTACKS = {
    "sure_added_points": "sure of small counts for seeing their cell, points",
    "insider_of_1_pct": "insiders who know that they are alone, %",
    "exact": "small counts computed exactly",
    "narrow_pct": "small counts within a narrow range, %",
    "estimated_over_points": "estimated right, over one guess for all, points",
    "one_record_pct": "cells that one more record moves, %",
    "told_apart": "cells told from those of other counts",
    "small_shown": "small counts shown by suppression",
}


@app.command()
def audit(
    release: Annotated[str, typer.Argument(help="A release id, or the folder of a release; the current one when left out.")] = "",
    key: Annotated[
        str, typer.Option(help="The publisher's public key, 64 hexadecimal digits, known from elsewhere; else this home's.")
    ] = "",
    policy: Annotated[
        Path | None, typer.Option(help="Of another publisher's data package: the file that says how its counts are protected.")
    ] = None,
    earlier: Annotated[list[Path] | None, typer.Option(help="With --policy: an earlier release of theirs, oldest first.")] = None,
) -> None:
    """Let the auditor read a published release and those before it; check their bytes and signatures with a key known from elsewhere.

    Or, with --policy, the data package of another publisher, for which no home and no key is needed.
    """
    if policy is not None:
        from das_pipeline.auditor import audit_another

        _show(audit_another(Path(release), earlier or [], policy), Path(release).resolve().name)
        return
    from das_pipeline.release import audit_release, folders_to_audit, installation_key

    at = Run.start(Settings.from_environment(), date.max)
    folder, before = folders_to_audit(at, release)
    try:
        pinned = bytes.fromhex(key or installation_key(at.keys))
    except ValueError:
        raise DasError(f"{key!r} is no public key: --key takes 64 hexadecimal digits, as in a manifest.json.pub.") from None
    _show(audit_release(at, folder, before, pinned), folder.name)
    console.print("Every file is what the signed manifest says.")


def _show(verdicts: Sequence[Verdict], release: str) -> None:
    """Print the verdicts; end with the code of failure when one stops a release."""
    table = Table("rule", "outcome", "what was found", title=f"Audit of release {release}")
    for verdict in verdicts:
        table.add_row(verdict.rule, "[green]holds[/]" if verdict.passed else "[red]broken[/]", verdict.sentence)
    console.print(table)
    if wrong := [v for v in verdicts if not v.passed and v.severity == "block"]:
        console.print(f"[red]{len(wrong)} of {len(verdicts)} checks do not hold.[/]")
        raise typer.Exit(Exit.FAILED)


@app.command()
def attacks(
    page: Annotated[Path | None, typer.Option(help="An HTML file to write, which says in plain words what was tried.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what attacks on the newest protected cubes gave, beside the limits. It is confidential: made with the true counts."""
    from das_pipeline.disclosure import read_report, report_page
    from das_pipeline.disk import make_folder

    report = read_report(Run.start(Settings.from_environment(), date.max))
    if page is not None:
        make_folder(page.parent)
        page.write_text(report_page(report), encoding="utf-8")
        page.chmod(0o600)
        console.print(f"Written to {shown(page)}, for the privacy officer.")
    elif as_json:
        print_json(report)
    else:
        console.print(_attacks(report))


def _attacks(report: Mapping[str, Any]) -> Table:
    """The largest figure of every attack, the cube that it is of, and its limit."""
    table = Table("attack", "most", "in cube", "limit", title="What attacks on the newest cubes gave")
    cubes = report["cubes"] | {", ".join(of["tables"]): of for of in report["others"].values()}
    for key, words in ATTACKS.items():
        figures = {name: cube[key] for name, cube in cubes.items() if cube.get(key) is not None}
        worst = max(figures, key=lambda name: figures[name], default=None)
        most = "too few" if worst is None else f"{figures[worst]}"
        limit = report["limits"][key]
        over = worst is not None and figures[worst] > limit
        table.add_row(words, f"[red]{most}[/]" if over else most, worst if worst and figures[worst] else "", f"{limit:g}")
    return table


@app.command()
def explain(
    table: Annotated[str, typer.Argument(help="A published table; or link.")],
    cell: Annotated[
        list[str] | None,
        typer.Argument(help="Its cell, as dimension=code: period=2024 offence=traffic; of link two records: suspect:12 court_case:3."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show where a published number comes from: its value, definition, protection, and every version that it was made from.

    Or, with link, why two records are one person or two, in words and without a value of a person.
    """
    from das_pipeline import linkage, publication

    run = Run.start(Settings.from_environment(), date.max)
    if table == "link":
        if len(records := cell or []) != 2:
            raise DasError("das explain link needs two records, as unit:number: das explain link suspect:12 court_case:3.")
        facts = linkage.explain_link(run, *(linkage.Record.parse(each) for each in records))
    else:
        facts = publication.explain(run, table, dict(map(_dimension, cell or [])))
    if as_json:
        print_json(dict(facts))
        return
    for name, text in facts:
        console.print(f"[bold]{name}[/]  {text}")


def _dimension(text: str) -> tuple[str, str]:
    """Return `dimension=code` as its two parts."""
    name, equals, code = text.partition("=")
    if not equals:
        raise DasError(f"{text!r} names no cell: write dimension=code, such as period=2024.")
    return name, code


@release_app.command("list")
def list_releases(as_json: AsJson = False) -> None:
    """List the releases, oldest first, and what was decided on the newest candidate."""
    from cli.status import read_decision, read_releases, show_releases

    run = Run.start(Settings.from_environment(), date.max)
    rows = read_releases(run)
    if as_json:
        print_json([asdict(row) for row in rows])
    else:
        show_releases(rows)
        if decision := read_decision(run):
            console.print(decision)


@release_app.command("diff")
def diff_releases(old: str, new: str) -> None:
    """Show what changed between two releases: cells added, removed and revised, by table."""
    from das_pipeline import publication

    folders = {f.name: f for f in publication.release_folders(Run.start(Settings.from_environment(), date.max))}
    for release in (old, new):
        if release not in folders:
            raise unknown_name("release", release, folders)
    table = Table("table", "added", "removed", "revised", title=f"From {old} to {new}")
    for row in publication.compare(folders[old], folders[new]):
        table.add_row(row.table, str(row.added), str(row.removed), str(row.revised))
    console.print(table)


@release_app.command()
def verify(
    release: Annotated[str, typer.Argument(help="A release; the newest when left out.")] = "",
) -> None:
    """Make a release again from its inputs, in another process with other threads: 0 when every byte is the same, 1 when a file differs."""
    from das_pipeline.release import rebuild_release

    differing = rebuild_release(Run.start(Settings.from_environment(), date.max), release)
    for sentence in differing:
        console.print(sentence, soft_wrap=True, markup=False)
    if differing:
        console.print(f"{len(differing)} files differ: the release does not follow from its inputs. das audit says whether it was changed.")
        raise typer.Exit(Exit.FAILED)
    console.print("Every byte is the same, but for das.duckdb, which no two runs write alike.")

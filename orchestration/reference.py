"""The reference page, made from the declarations: `python -m orchestration.reference` writes docs/reference.md."""

from __future__ import annotations

from collections.abc import Iterator

from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.rules import catalogue
from das_pipeline.settings import PROJECT
from das_pipeline.statistics import load_statistics
from orchestration.columns import declarations

PAGE = PROJECT / "docs" / "reference.md"


def reference() -> str:
    """Tables of the lake, gate rules with the tables they gate, and the published tables of the Dutch jurisdiction."""
    return (
        "\n".join(
            [
                "# Reference",
                "",
                "Made by `python -m orchestration.reference` from the declarations; do not edit.",
                *_tables(),
                *_rules(),
                *_published(),
            ]
        )
        + "\n"
    )


def _tables() -> Iterator[str]:
    yield from ("", "## Tables of the lake", "", "Declared in `orchestration/tables.yaml`; partners' tables in their contracts.")
    for table, declared in declarations().items():
        yield from ("", f"### {table}", "", str(declared["description"]), "", f"One row: {declared['grain']}", "")
        yield from ("| column | type | meaning |", "|---|---|---|")
        for name, column in declared["columns"].items():
            unit = f" ({column['unit']})" if "unit" in column else ""
            yield f"| `{name}` | {column['type']} | {column['description']}{unit} |"


def _rules() -> Iterator[str]:
    yield from ("", "## Gate rules", "", "Declared in `das_pipeline/rules.yaml`; limits in the jurisdiction's `policy.yaml`.", "")
    yield from ("| rule | what must be true | when not | judged on | limit |", "|---|---|---|---|---|")
    for rule in catalogue().values():
        effect = "blocks" if rule.severity == "block" else "warns; rows are set aside or shown"
        tables = ", ".join(f"`{table}`" for table in rule.tables)
        yield f"| {rule.id} {rule.name} | {rule.must} | {effect} | {tables} | {rule.limit or 'none'} |"
    yield from ("", "### Rules that can be waived", "", "In `waivers.yaml`: see [engineers.md](engineers.md#waivers).", "")
    yield from ("| rule | on | what a waiver lets through, and its `part` |", "|---|---|---|")
    for rule in (rule for rule in catalogue().values() if rule.waiver):
        yield f"| {rule.id} {rule.name} | `{rule.tables[0]}` | {rule.waiver} |"


def _published() -> Iterator[str]:
    statistics = load_statistics(Jurisdiction(PROJECT / "jurisdictions" / "nl"))
    yield from ("", "## Published tables, the Netherlands", "", "Declared in `jurisdictions/nl/statistics`.", "")
    yield from ("| table | what | by |", "|---|---|---|")
    for table in statistics.tables:
        dimensions = [*([table.stacked] if table.stacked else []), *table.by]
        yield f"| `{table.name}` | {table.title.main} | {', '.join([*dimensions, *table.periods])} |"


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")

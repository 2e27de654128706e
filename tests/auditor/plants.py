"""Disclosures to plant in a finished release, each a small function on a copy of its folder: careless ones, and those of an insider.

`sealed` are those after which the insider makes hashes, manifest and signature again, with the right key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from das_pipeline.lake import canonical
from das_pipeline.publication.formats import parquet
from das_pipeline.website.growth import LEFT

Plant = Callable[[Path], object]
PLANTS: dict[str, Plant] = {}
SIGNED: dict[str, Plant] = {}


def plant(function: Plant) -> Plant:
    """Register a planted disclosure under its name."""
    PLANTS[function.__name__] = function
    return function


def after_signing(function: Plant) -> Plant:
    """Register a disclosure in what signing writes again: it is planted when all else is signed."""
    SIGNED[function.__name__] = function
    return function


# -- how files are changed


def page(folder: Path, old: str, new: str, name: str = "meldingen.html") -> None:
    path = folder / "site" / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{name} has no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def static(folder: Path, name: str) -> Path:
    """A file that is the same in every site."""
    return next((folder / "site").glob(f"static-*/{name}"))


def paragraph(folder: Path, html: str, name: str = "over.html") -> None:
    page(folder, "</h1>", f"</h1>\n{html}", name)


def edit(folder: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change a JSON file as its writer would have written it."""
    path = folder / name
    content = json.loads(path.read_bytes())
    change(content)
    path.write_bytes(json.dumps(content, sort_keys=True, ensure_ascii=False, indent=1).encode() + b"\n")


def database(folder: Path, *statements: str) -> None:
    with duckdb.connect(str(folder / "das.duckdb")) as connection:
        for statement in statements:
            connection.execute(statement)


def footer(folder: Path, table: str, change: Callable[[pa.Schema], pa.Schema]) -> None:
    path = folder / "tables" / f"{table}.parquet"
    rows = pq.read_table(path)
    parquet.write(rows.cast(change(rows.schema)), path)


def facts(folder: Path, table: str, **more: Any) -> None:
    def change(schema: pa.Schema) -> pa.Schema:
        said = json.loads(schema.metadata[b"das"]) | more
        return schema.with_metadata(schema.metadata | {b"das": json.dumps(said, ensure_ascii=False).encode()})

    footer(folder, table, change)


# -- pages: text


@plant
def a_sentence_with_a_true_count(folder: Path) -> None:
    paragraph(folder, "<p>In februari 2024 waren er 13 meldingen.</p>")


@plant
def three_cases(folder: Path) -> None:
    paragraph(folder, "<p>3 meldingen</p>")


@plant
def a_count_in_words(folder: Path) -> None:
    paragraph(folder, "<p>drie meldingen van minderjarigen</p>")


@plant
def a_rate_of_three(folder: Path) -> None:
    paragraph(folder, "<p>33,3 % van de meldingen</p>")


@plant
def a_rate_beside_a_figure(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p class="finding">33,3 % ')


@plant
def a_count_in_roman_digits(folder: Path) -> None:
    paragraph(folder, "<p>XIII</p>")


@plant
def a_count_in_other_digits(folder: Path) -> None:
    paragraph(folder, "<p>١٣</p>")


@plant
def a_count_as_an_entity(folder: Path) -> None:
    paragraph(folder, "<p>&#49;&#51;</p>")


@plant
def a_small_cell_on_the_quality_page(folder: Path) -> None:
    paragraph(folder, "<table><tr><th>x</th><td>3</td></tr></table>", "kwaliteit.html")


@plant
def a_name_and_a_number(folder: Path) -> None:
    paragraph(folder, "<p>Abernathy, 123456782</p>")


@plant
def a_name_alone(folder: Path) -> None:
    paragraph(folder, "<p>Brockhurst</p>")


@plant
def a_word_in_base64(folder: Path) -> None:
    paragraph(folder, f"<p>{base64.b64encode(b'Castellane 13').decode()}</p>")


@plant
def a_zero_width_message(folder: Path) -> None:
    paragraph(folder, "<p>\u200b\u200c\u200b\u200b</p>")


@plant
def spaces_at_the_ends_of_lines(folder: Path) -> None:
    page(folder, "</h1>\n", "</h1>   \n", "over.html")


@plant
def text_after_the_page(folder: Path) -> None:
    page(folder, "</html>", "</html>\n13")


@plant
def a_small_cell_for_another(folder: Path) -> None:
    path = folder / "site" / "meldingen.html"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'(data-value="\d+">)[\d.]+', r"\g<1>3", text, count=1), encoding="utf-8")


@plant
def a_mark_without_a_cell(folder: Path) -> None:
    paragraph(folder, '<p><span class="v" data-table="reports" data-cell="violence|day|2024-02-01" data-value="3">3</span></p>')


@plant
def the_value_of_another_cell(folder: Path) -> None:
    path = folder / "site" / "meldingen.html"
    path.write_text(re.sub(r'data-value="(\d+)">[\d.]+', 'data-value="15">15', path.read_text(encoding="utf-8"), count=1), encoding="utf-8")


# -- pages: attributes, comments, styles, elements


@plant
def a_comment(folder: Path) -> None:
    paragraph(folder, "<!-- 13 -->")


@plant
def a_processing_instruction(folder: Path) -> None:
    paragraph(folder, "<?n 13?>")


@plant
def a_data_attribute(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p class="finding" data-n="13">')


@plant
def an_attribute_given_twice(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p class="finding" class="n13">')


@plant
def a_class(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p class="finding n13">')


@plant
def an_id(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p class="finding" id="n-13">')


@plant
def a_style_attribute(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p class="finding" style="--n: 13">')


@plant
def an_aria_label(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p class="finding" aria-label="13 meldingen">')


@plant
def a_title_attribute(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p class="finding" title="3 meldingen">')


@plant
def a_picture_with_alt_text(folder: Path) -> None:
    paragraph(folder, f'<img src="{static(folder, "icon.svg").relative_to(folder / "site")}" alt="13 meldingen">')


@plant
def a_meta_description(folder: Path) -> None:
    page(folder, '<meta name="color-scheme"', '<meta name="description" content="13"><meta name="color-scheme"')


@plant
def linked_data(folder: Path) -> None:
    paragraph(folder, '<script type="application/ld+json">{"n": 13}</script>')


@plant
def a_style_element(folder: Path) -> None:
    paragraph(folder, '<style>p::after { content: "13" }</style>')


@plant
def a_rule_in_the_style_of_a_page(folder: Path) -> None:
    page(folder, "<style>", '<style>h1::after { content: "13"; }\n')


@plant
def a_policy_that_allows_another_style(folder: Path) -> None:
    page(folder, "'sha256-", "'sha256-13' 'sha256-")


@plant
def a_page_without_its_style(folder: Path) -> None:
    path = folder / "site" / "meldingen.html"
    path.write_text(re.sub("<style>.*?</style>", "", path.read_text(encoding="utf-8"), flags=re.DOTALL), encoding="utf-8")


@plant
def a_fragment_of_an_address(folder: Path) -> None:
    page(folder, 'icon.svg"', 'icon.svg#13"')


@plant
def a_query_of_an_address(folder: Path) -> None:
    page(folder, 'icon.svg"', 'icon.svg?n=13"')


@plant
def a_count_behind_the_address_of_the_feed(folder: Path) -> None:
    page(folder, 'feed.nl.atom"', 'feed.nl.atom#n-13"')


@plant
def a_link_to_what_else_lies_beside_the_releases(folder: Path) -> None:
    paragraph(folder, '<p><a href="../../cases.csv">CSV</a></p>')


@plant
def another_site(folder: Path) -> None:
    paragraph(folder, '<p><a href="https://example.org/13">CSV</a></p>')


@plant
def content_of_the_style_sheet(folder: Path) -> None:
    with static(folder, "style.css").open("a") as file:
        file.write('\nh1::after { content: "13"; }\n')


@plant
def a_property_of_the_style_sheet(folder: Path) -> None:
    page(folder, ":root {", ":root { --n: 13;", static(folder, "style.css").relative_to(folder / "site").as_posix())


@plant
def the_icon(folder: Path) -> None:
    page(folder, "<rect", "<desc>13</desc><rect", static(folder, "icon.svg").relative_to(folder / "site").as_posix())


@plant
def content_of_a_script(folder: Path) -> None:
    with static(folder, "show.js").open("a") as file:
        file.write("\nexport const N = 13;\n")


@plant
def one_more_script(folder: Path) -> None:
    static(folder, "start.js").with_name("more.js").write_text("const n = 13;\n", encoding="utf-8")


@plant
def a_script_in_a_page(folder: Path) -> None:
    paragraph(folder, "<script>13</script>")


@plant
def a_declared_text_as_a_script(folder: Path) -> None:
    paragraph(folder, "<script>Aantal</script>")


@plant
def a_script_that_is_another_file(folder: Path) -> None:
    paragraph(folder, '<script src="../changes.json"></script>')


@plant
def what_scripts_say(folder: Path) -> None:
    page(folder, '<dl class="units">', '<dl class="units">\n<dt>case</dt><dd>13 zaken</dd>')


@plant
def what_is_hidden(folder: Path) -> None:
    paragraph(folder, "<p hidden>13</p>")


@plant
def what_is_in_a_template(folder: Path) -> None:
    paragraph(folder, "<template><p>13</p></template>")


# -- charts


@plant
def text_of_a_chart(folder: Path) -> None:
    page(folder, "</svg>", "<text>13</text></svg>")


@plant
def a_description_of_a_chart(folder: Path) -> None:
    page(folder, "</svg>", "<desc>13 meldingen</desc></svg>")


@plant
def a_line_that_is_not_the_data(folder: Path) -> None:
    path = folder / "site" / "meldingen.html"
    text = path.read_text(encoding="utf-8")
    line = next(d for d in re.findall(r'd="(M[^"]*L[^"]*)"', text) if d.count("L") > 2)
    moved = re.sub(r"L([\d.]+),([\d.]+)", lambda m: f"L{m[1]},{float(m[2]) + 7:g}", line, count=1)
    path.write_text(text.replace(line, moved), encoding="utf-8")
    for svg in (folder / "site" / "charts").glob("*.svg"):
        svg.write_text(svg.read_text(encoding="utf-8").replace(line, moved), encoding="utf-8")


def in_pictures(folder: Path, pattern: str, new: str) -> None:
    """Change what matches first in the charts of the page of reports, and in the pictures beside it."""
    paths = [folder / "site" / "meldingen.html", *(folder / "site" / "charts").glob("*.svg")]
    changed = 0
    for path in paths:
        text, number = re.subn(pattern, new, path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
        changed += number
    assert changed, f"no chart has {pattern}"


@plant
def a_break_that_is_drawn_elsewhere(folder: Path) -> None:
    in_pictures(folder, r'<line transform="translate\([\d.]+,0\)"([^>]*stroke-dasharray)', r'<line transform="translate(13,0)"\1')


@plant
def a_break_that_is_not_told(folder: Path) -> None:
    in_pictures(folder, r'(<line transform="translate\([\d.]+,0\)"[^>]*stroke-dasharray[^>]*/>)', r"\1\1")


@plant
def a_tile_that_is_filled_too_far(folder: Path) -> None:
    in_pictures(folder, r'(<rect class="level"[^>]* height=)"[\d.]+"', r'\1"13"')


@plant
def a_number_in_a_tile(folder: Path) -> None:
    in_pictures(folder, r"(<tspan[^>]*>)Geweld<", r"\g<1>13<")


@plant
def a_picture_that_is_not_on_a_page(folder: Path) -> None:
    path = next((folder / "site" / "charts").glob("*.svg"))
    path.write_text(path.read_text(encoding="utf-8").replace("</svg>", "<text>13</text></svg>"), encoding="utf-8")


@plant
def a_block_of_the_flow(folder: Path) -> None:
    path = folder / "site" / "index.html"
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'(<rect class="node [a-z]+"[^>]* height=")[\d.]+', r"\g<1>13.3", text, count=1), encoding="utf-8")


# -- JSON


@plant
def a_total_in_the_data_package(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda p: p["resources"][0].update(total=1313))


@plant
def a_count_in_a_description(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda p: p["resources"][0].update(description=p["resources"][0]["description"] + " 13."))


@plant
def another_size(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda p: p["resources"][0].update(bytes=13))


@plant
def a_keyword(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda p: p.update(keywords=["Drummonder"]))


@plant
def a_key_given_twice(folder: Path) -> None:
    path = folder / "quality.json"
    path.write_text(path.read_text().replace('"as_of"', '"as_of": "13",\n "as_of"', 1))


@plant
def spaces_in_json(folder: Path) -> None:
    path = folder / "changes.json"
    path.write_text(path.read_text().replace('"as_of": ', '"as_of":   ', 1))


@plant
def an_extra_quality_figure(folder: Path) -> None:
    edit(folder, "quality.json", lambda q: q.update(median=13.5))


@plant
def a_fine_share(folder: Path) -> None:
    edit(folder, "quality.json", lambda q: q.update(unmapped_pct=33.3))


@plant
def an_error_of_one_cell(folder: Path) -> None:
    level = {"by": {"offence": "group", "period": "year"}, "cells": 1, "mad": 2.0, "rmsd": 2.0, "max": 2.0}
    edit(folder, "quality.json", lambda q: q["rounding"].update(reports_month={"base": 5, "levels": [level], "moved_pct": None}))


@plant
def a_cube_that_nobody_declared(folder: Path) -> None:
    edit(folder, "quality.json", lambda q: q["rounding"].update(n13={"base": 5, "levels": [], "moved_pct": None}))


@plant
def an_unrounded_change(folder: Path) -> None:
    def change(content: Any) -> None:
        cells = next(t["cells"] for t in content["tables"].values() if t["cells"])
        cells[0]["new"] += 3

    edit(folder, "changes.json", change)


def csv_file(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{name} has no {old!r}"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@plant
def a_true_count_in_the_revisions(folder: Path) -> None:
    csv_file(folder, "revisions.csv", '"final"\n', '"final"\n"reports","","month","2024-01",2024-03-31,"",2,13,"final"\n')


@plant
def a_true_count_in_how_a_figure_grew(folder: Path) -> None:
    page(folder, '<td class="n">700</td><td class="n" data-table="reports"', '<td class="n">713</td><td class="n" data-table="reports"')


@plant
def a_true_count_in_what_is_said_of_how_it_grew(folder: Path) -> None:
    page(folder, "was 700 toen", "was 713 toen")


@plant
def a_dot_where_a_true_count_is(folder: Path) -> None:
    page(folder, f'<circle cx="{LEFT:.1f}" cy="13"', f'<circle cx="{LEFT + 13:.1f}" cy="13"')


@plant
def one_more_dot(folder: Path) -> None:
    first = f'<circle cx="{LEFT:.1f}" cy="13" r="3.5"/>'
    page(folder, first, f'{first}<circle cx="{LEFT + 100:.1f}" cy="13" r="3.5"/>')


@plant
def a_revision_left_out(folder: Path) -> None:
    path = folder / "revisions.csv"
    path.write_text("".join(path.read_text(encoding="utf-8").splitlines(keepends=True)[:-1]), encoding="utf-8")


@plant
def a_break_with_a_count(folder: Path) -> None:
    csv_file(folder, "breaks.csv", "every offence.", "13 offences.")


@plant
def a_break_on_a_day_that_tells(folder: Path) -> None:
    csv_file(folder, "breaks.csv", "2023-01-01", "2023-01-13")


@plant
def a_break_in_a_category_that_is_not_there(folder: Path) -> None:
    csv_file(folder, "breaks.csv", '"violence"', '"drummonder"')


@plant
def a_break_without_its_quotes(folder: Path) -> None:
    csv_file(folder, "breaks.csv", '"violence"', "violence")


@plant
def a_difference_that_is_none(folder: Path) -> None:
    csv_file(folder, "differences.csv", ',0,"equal"', ',3,"equal"')


@plant
def a_difference_with_a_wrong_reason(folder: Path) -> None:
    csv_file(folder, "differences.csv", ',0,"equal"', ',0,"rounding"')


@plant
def a_difference_with_a_count_in_words(folder: Path) -> None:
    csv_file(folder, "differences.csv", "What nobody", "What 13")


@plant
def a_change_that_was_none(folder: Path) -> None:
    edit(folder, "changes.json", lambda c: c.update(revised=c["revised"] + 1))


@plant
def a_change_left_out(folder: Path) -> None:
    def change(content: Any) -> None:
        next(t["cells"] for t in content["tables"].values() if t["cells"]).pop()

    edit(folder, "changes.json", change)


def an_expected_sum(folder: Path) -> None:
    def change(suites: Any) -> None:
        suites[0]["expectations"].append(
            {"type": "expect_column_sum_to_be_between", "kwargs": {"column": "n", "min_value": 13, "max_value": 13}}
        )

    edit(folder, "expectations.json", change)


@plant
def a_key_of_the_manifest(folder: Path) -> None:
    edit(folder, "manifest.json", lambda m: m.update(cases=13))


@plant
def a_reason_of_the_approval(folder: Path) -> None:
    edit(folder, "manifest.json", lambda m: m["approval"].update(reason="13 cases of Eversleigh"))


@plant
def a_note_among_the_concepts(folder: Path) -> None:
    with (folder / "concepts.ttl").open("a") as file:
        file.write("# 13\n")


# -- tables in every format


@plant
def an_extra_csv(folder: Path) -> None:
    (folder / "tables" / "cases.csv").write_text("offence,n\nviolence,3\n")


@plant
def a_csv_in_the_site(folder: Path) -> None:
    (folder / "site" / "cases.csv").write_text("offence,n\nviolence,3\n")


@plant
def a_confidential_cube_in_the_site(folder: Path) -> None:
    pq.write_table(pa.table({"offence": ["violence"], "n": [3]}), folder / "site" / "charts" / "cube.parquet")


@plant
def a_page_that_no_page_links_to(folder: Path) -> None:
    (folder / "site" / "extra.html").write_bytes((folder / "site" / "over.html").read_bytes())


@plant
def a_file_name(folder: Path) -> None:
    (folder / "site" / "charts" / "13-Fotheringay.nl.svg").write_bytes(next((folder / "site" / "charts").glob("*.svg")).read_bytes())


@plant
def an_empty_folder(folder: Path) -> None:
    (folder / "site" / "n13").mkdir()


@plant
def a_link_out_of_the_folder(folder: Path) -> None:
    (folder / "site" / "n").symlink_to("/etc/hostname")


@plant
def a_comment_in_a_csv(folder: Path) -> None:
    with (folder / "tables" / "reports.csv").open("a") as file:
        file.write("\n")


@plant
def a_footer_key(folder: Path) -> None:
    footer(folder, "reports", lambda s: s.with_metadata(s.metadata | {b"note": b"13"}))


@plant
def a_footer_fact(folder: Path) -> None:
    facts(folder, "reports", total=1313)


@plant
def a_footer_text(folder: Path) -> None:
    facts(folder, "reports", notes={"nl": "13 meldingen", "en": "13 reports"})


@plant
def a_column_footer(folder: Path) -> None:
    footer(folder, "reports", lambda s: s.set(0, s.field(0).with_metadata(s.field(0).metadata | {b"n": b"13"})))


@plant
def a_code_without_rows(folder: Path) -> None:
    def change(schema: pa.Schema) -> pa.Schema:
        codes = [*json.loads(schema.field(0).metadata[b"codes"]), {"code": "n13", "nl": "13", "en": "13"}]
        said = json.dumps(codes, sort_keys=True, ensure_ascii=False).encode()
        return schema.set(0, schema.field(0).with_metadata(schema.field(0).metadata | {b"codes": said}))

    footer(folder, "reports", change)


@plant
def values_of_a_dictionary_that_no_row_has(folder: Path) -> None:
    path = folder / "tables" / "reports.parquet"
    rows = pq.read_table(path)
    pq.write_table(rows, path, compression="zstd", row_group_size=7)


@plant
def bytes_behind_the_footer(folder: Path) -> None:
    path = folder / "tables" / "reports.parquet"
    raw = path.read_bytes()
    path.write_bytes(raw[:4] + b"13" + raw[4:])


@plant
def the_order_of_rows(folder: Path) -> None:
    path = folder / "tables" / "reports.parquet"
    rows = pq.read_table(path)
    rows = rows.take(pa.array([1, 0, *range(2, rows.num_rows)]))
    parquet.write(rows, path)
    pyarrow.csv.write_csv(rows, path.with_suffix(".csv"), pyarrow.csv.WriteOptions(quoting_style="needed"))


@plant
def an_undeclared_table(folder: Path) -> None:
    everywhere(folder, "reports", "violence", lambda cells: cells)


@plant
def an_exact_table_called_external(folder: Path) -> None:
    everywhere(
        folder,
        "reports",
        "watch",
        lambda cells: [c | {"n": c["n"] + 3, "is_simulated": False} for c in cells],
        kind="external",
        base=1,
        is_simulated=False,
    )


def everywhere(folder: Path, source: str, name: str, change: Callable[[list[Any]], list[Any]], **more: Any) -> None:
    """Add a table made from another one, with copies, description and hash."""
    old = pq.read_table(folder / "tables" / f"{source}.parquet")
    said = json.loads(old.schema.metadata[b"das"]) | {"table": name} | more
    schema = old.schema.with_metadata(old.schema.metadata | {b"das": json.dumps(said, ensure_ascii=False).encode()})
    new = pa.Table.from_pylist(change(old.to_pylist()), schema=schema)
    parquet.write(new, folder / "tables" / f"{name}.parquet")
    pyarrow.csv.write_csv(new, folder / "tables" / f"{name}.csv", pyarrow.csv.WriteOptions(quoting_style="needed"))

    def describe(package: Any) -> None:
        for resource in [r for r in package["resources"] if r["path"].startswith(f"tables/{source}.")]:
            path = resource["path"].replace(source, name)
            package["resources"].append(
                resource | {"path": path, "name": resource["name"].replace(source, name), "is_simulated": said["is_simulated"]}
            )

    edit(folder, "datapackage.json", describe)
    edit(folder, "quality.json", lambda q: q["tables"].update({name: q["tables"][source]}))
    comment = f"COMMENT ON TABLE {name} IS '{said['title']['en']}. {said['description']['en']}'"
    database(folder, f"CREATE TABLE {name} AS SELECT * FROM read_parquet('{folder}/tables/{name}.parquet')", comment)


@plant
def a_table_dropped(folder: Path) -> None:
    for form in ("parquet", "csv"):
        (folder / "tables" / f"flow.{form}").unlink()
    edit(folder, "datapackage.json", lambda p: p.update(resources=[r for r in p["resources"] if not r["name"].startswith("flow")]))


@plant
def the_site_dropped(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder / "site")


# -- the database


@plant
def a_comment_of_the_database(folder: Path) -> None:
    database(folder, "COMMENT ON COLUMN reports.n IS '13'")


@plant
def a_schema(folder: Path) -> None:
    database(folder, "CREATE SCHEMA n13")


@plant
def a_macro(folder: Path) -> None:
    database(folder, "CREATE MACRO violence() AS 13")


@plant
def a_view(folder: Path) -> None:
    database(folder, "CREATE VIEW n AS SELECT 13 AS n")


@plant
def a_sequence(folder: Path) -> None:
    database(folder, "CREATE SEQUENCE n START 13")


@plant
def a_type(folder: Path) -> None:
    database(folder, "CREATE TYPE n AS ENUM ('13')")


@plant
def a_default(folder: Path) -> None:
    database(folder, "ALTER TABLE reports ALTER n SET DEFAULT 13")


@plant
def a_question_with_a_number(folder: Path) -> None:
    """An address of the start page asks for more than the texts of the site do."""
    page(folder, "in.offence=violence&amp;kind=month", "in.offence=violence&amp;n=3&amp;kind=month", "index.html")


@plant
def a_rank_that_is_too_precise(folder: Path) -> None:
    """A place among groups whose order may be due to rounding, or that the counts do not give."""
    page(folder, '<td class="n rank">1</td>', '<td class="n rank">13</td>')


@plant
def an_index(folder: Path) -> None:
    database(folder, "CREATE INDEX n13 ON reports (n)")


@plant
def rows_that_were_deleted(folder: Path) -> None:
    rows = "SELECT i, 'Gainsbury' || i AS name FROM range(200000) AS t(i)"
    database(folder, f"CREATE TABLE n AS {rows}", "CHECKPOINT", "DROP TABLE n", "CHECKPOINT")


@plant
def a_cell_of_the_database(folder: Path) -> None:
    database(folder, "UPDATE reports SET n = 13 WHERE offence = 'violence' AND period = '2024-02'")


@plant
def bytes_behind_the_database(folder: Path) -> None:
    with (folder / "das.duckdb").open("ab") as file:
        file.write(b"13".ljust(262144, b"\0"))


def hashes(folder: Path) -> None:
    """Make the hashes of the data package again, as somebody does who may write to the folder."""

    def again(package: Any) -> None:
        for resource in package["resources"]:
            path = folder / resource["path"]
            if path.exists():
                resource["hash"] = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
                resource["bytes"] = path.stat().st_size if resource["bytes"] != 13 else 13

    with suppress(ValueError):  # one of the plants is no JSON that can be read
        edit(folder, "datapackage.json", again)


# -- files for people, and the labels in the database


def for_people(folder: Path, old: str, new: str) -> None:
    path = folder / "tables" / "reports.nl.csv"
    content = path.read_bytes()
    assert old.encode() in content
    path.write_bytes(content.replace(old.encode(), new.encode(), 1))


@plant
def a_count_for_people_that_is_not_rounded(folder: Path) -> None:
    for_people(folder, ";700;", ";703;")


@plant
def a_label_for_people_with_a_count(folder: Path) -> None:
    for_people(folder, '"Alle feiten"', '"Alle feiten (13)"')


@plant
def a_line_more_for_people(folder: Path) -> None:
    path = folder / "tables" / "reports.nl.csv"
    path.write_bytes(path.read_bytes() + b"13\r\n")


@plant
def a_title_for_people_with_a_count(folder: Path) -> None:
    for_people(folder, "Eerste dag van de periode", "Eerste dag van de periode, 13")


@plant
def a_label_in_the_database(folder: Path) -> None:
    database(folder, "UPDATE codes SET label = label || ' 13' WHERE code = 'property'")


@plant
def another_day_of_a_period(folder: Path) -> None:
    database(folder, "UPDATE periods SET ends_on = DATE '2013-03-13' WHERE period = '2024-03'")


@plant
def a_view_with_a_count(folder: Path) -> None:
    database(folder, "CREATE VIEW nl.counts AS SELECT 13 AS n")


@plant
def a_labelled_view_that_shows_more(folder: Path) -> None:
    database(folder, "CREATE OR REPLACE VIEW nl.reports AS SELECT *, 13 AS true_n FROM main.reports")


@plant
def a_schema_with_a_name(folder: Path) -> None:
    database(folder, "CREATE SCHEMA jansen")


@plant
def a_key_in_the_metadata_of_parquet(folder: Path) -> None:
    path = folder / "tables" / "reports.parquet"
    rows = pq.read_table(path)
    keys = [pq.SortingColumn(i) for i in range(3)]
    with pq.ParquetWriter(path, rows.schema, compression="zstd", write_page_index=True, sorting_columns=keys) as writer:
        writer.write_table(rows)
        writer.add_key_value_metadata({"fields": json.dumps([*parquet.described(rows.schema), {"name": "true", "n": 13}])})


# -- JSON-stat


def cube(folder: Path, change: Callable[[Any], object]) -> None:
    path = folder / "tables" / "reports.json"
    content = json.loads(path.read_bytes())
    change(content)
    path.write_text(json.dumps(content, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")


@plant
def a_figure_of_a_cube(folder: Path) -> None:
    cube(folder, lambda c: c["value"].__setitem__(0, c["value"][0] + 5))


@plant
def a_note_of_a_cube(folder: Path) -> None:
    cube(folder, lambda c: c["note"].append("13"))


@plant
def a_key_of_a_cube(folder: Path) -> None:
    cube(folder, lambda c: c["extension"].update(true=13))


@plant
def a_status_of_a_cube(folder: Path) -> None:
    cube(folder, lambda c: c["status"].update({"0": "thirteen"}))


@plant
def a_label_of_a_cube(folder: Path) -> None:
    cube(folder, lambda c: c["dimension"]["offence"]["category"]["label"].update(all="All offences: 13"))


# -- the catalog


def catalog(folder: Path, old: str, new: str) -> None:
    for name in ("catalog.ttl", "catalog.jsonld"):
        path = folder / name
        text = path.read_text(encoding="utf-8")
        path.write_text(text.replace(old, new, 1), encoding="utf-8")


@plant
def a_description_in_the_catalog(folder: Path) -> None:
    catalog(folder, "The steps of the toy chain in figures.", "The steps of the toy chain: 13 cases.")


@plant
def an_address_in_the_catalog(folder: Path) -> None:
    catalog(folder, "https://data.toys.example/current/site/index.html", "https://data.toys.example/current/site/jansen")


@plant
def a_size_in_the_catalog(folder: Path) -> None:
    path = folder / "catalog.jsonld"
    text = path.read_text(encoding="utf-8")
    size = re.search(r'"@value": "([0-9]+)",\s+"@type": "xsd:nonNegativeInteger"', text)
    assert size
    path.write_text(text[: size.start(1)] + "13" + text[size.end(1) :], encoding="utf-8")


@plant
def a_statement_in_turtle_alone(folder: Path) -> None:
    path = folder / "catalog.ttl"
    path.write_text(path.read_text(encoding="utf-8") + '<urn:x> dct:title "13" .\n', encoding="utf-8")


# -- the addresses for programs


def listing(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    path = folder / "api" / "v1" / "tables.json"
    content = json.loads(path.read_bytes())
    change(content)
    path.write_bytes(canonical(content, indent=1) + b"\n")


@plant
def a_count_in_a_title_for_programs(folder: Path) -> None:
    listing(folder, lambda c: c["tables"][0]["title"].update(en="13 cases"))


@plant
def a_key_for_programs(folder: Path) -> None:
    listing(folder, lambda c: c["tables"][0].update(small=3))


@plant
def a_count_in_the_description_of_addresses(folder: Path) -> None:
    path = folder / "api" / "v1" / "openapi.json"
    path.write_text(path.read_text(encoding="utf-8").replace("The tables", "The 13 tables", 1), encoding="utf-8")


@plant
def a_count_in_the_caption_of_a_picture(folder: Path) -> None:
    path = min((folder / "site" / "charts").glob("*.svg"))
    caption = re.compile('(font-weight="700"[^>]*>)')
    path.write_text(caption.sub(r"\g<1>13 ", path.read_text(encoding="utf-8"), count=1), encoding="utf-8")


def cited(folder: Path, name: str, old: str, new: str) -> None:
    path = folder / name
    content = path.read_bytes()
    assert old.encode() in content, f"{name} has no {old!r}"
    path.write_bytes(content.replace(old.encode(), new.encode(), 1))


@plant
def a_count_in_the_citation_file(folder: Path) -> None:
    cited(folder, "CITATION.cff", "title: ", "abstract: 13 cases\ntitle: ")


@plant
def a_comment_in_the_citation_file(folder: Path) -> None:
    cited(folder, "CITATION.cff", "type: dataset", "type: dataset  # 13")


@plant
def a_note_in_bibtex(folder: Path) -> None:
    cited(folder, "citation.bib", "  url = ", "  note = {13 cases},\n  url = ")


@plant
def a_note_in_ris(folder: Path) -> None:
    cited(folder, "citation.ris", "ER  - ", "N1  - 13 cases\r\nER  - ")


@plant
def a_size_for_datacite(folder: Path) -> None:
    edit(folder, "datacite.json", lambda c: c.update(sizes=["13 cases"]))


@plant
def another_address_for_datacite(folder: Path) -> None:
    edit(folder, "datacite.json", lambda c: c.update(url="https://example.org/13"))


@plant
def another_homepage(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda p: p.update(homepage="https://data.toys.example/13/"))


@plant
def a_count_in_the_data_of_a_page(folder: Path) -> None:
    page(folder, '"@type": "Dataset"', '"@type": "Dataset", "size": "13 cases"')


@plant
def a_count_in_a_name_for_search_engines(folder: Path) -> None:
    page(folder, '"name": "Gesimuleerde cijfers: ', '"name": "13 Gesimuleerde cijfers: ')


@plant
def spaces_in_the_data_of_a_page(folder: Path) -> None:
    page(folder, '"@type": "Dataset"', '"@type":  "Dataset"')


@plant
def the_data_of_another_page(folder: Path) -> None:
    text = (folder / "site" / "meldingen.html").read_text(encoding="utf-8")
    paragraph(folder, re.findall('<script type="application/ld.json">.*?</script>', text)[0])


@plant
def a_count_in_the_description_of_a_csv(folder: Path) -> None:
    edit(folder, "tables/reports.csv-metadata.json", lambda c: c["dc:title"][0].update({"@value": "13 meldingen"}))


@plant
def a_count_in_the_description_of_the_breaks(folder: Path) -> None:
    edit(folder, "breaks.csv-metadata.json", lambda c: c["tableSchema"]["columns"][0]["titles"]["nl"].append("13 meldingen"))


@plant
def a_count_in_what_the_data_package_says_of_the_revisions(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda p: p["resources"][-1].update(description=f"{p['resources'][-1]['description']} 13 reports."))


@plant
def a_count_in_the_revisions_of_the_database(folder: Path) -> None:
    database(folder, "UPDATE revisions SET n = 13 WHERE period = '2024-01' AND \"table\" = 'reports'")


@plant
def a_scheme_that_is_a_count(folder: Path) -> None:
    edit(
        folder,
        "tables/reports.csv-metadata.json",
        lambda c: c["tableSchema"]["columns"][0].update({"qb:codeList": {"@id": "urn:das:toy:13"}}),
    )


@plant
def a_note_in_the_description_of_a_csv(folder: Path) -> None:
    edit(folder, "tables/reports.csv-metadata.json", lambda c: c.update(notes=[{"body": "13"}]))


@plant
def a_code_that_only_the_description_of_a_csv_has(folder: Path) -> None:
    cited(folder, "tables/reports.csv-metadata.json", "^(all|", "^(all|n13|")


@plant
def the_description_of_no_csv(folder: Path) -> None:
    (folder / "tables" / "cases.csv-metadata.json").write_bytes((folder / "tables" / "reports.csv-metadata.json").read_bytes())


def row_of_changes(folder: Path, pattern: str, new: str) -> None:
    path = folder / "site" / "wijzigingen.html"
    text = path.read_text(encoding="utf-8")
    changed = re.sub(pattern, new, text, count=1)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


@plant
def another_count_before_a_revision(folder: Path) -> None:
    row_of_changes(folder, r'<td class="n">[\d.]+</td>(<td class="n" data-table)', r'<td class="n">13</td>\g<1>')


@plant
def another_number_of_months_after_a_period(folder: Path) -> None:
    row_of_changes(folder, r'(data-value="\d+">[\d.]+</td>)<td class="n">\d+<', r'\g<1><td class="n">13<')


@plant
def another_number_of_revised_figures(folder: Path) -> None:
    row_of_changes(folder, r'(</a></th><td class="n">)[\d.]+<', r"\g<1>13<")


@plant
def a_reason_for_a_change(folder: Path) -> None:
    edit(folder, "changes.json", lambda c: next(t for t in c["tables"].values() if t["cells"]).update(why="definition"))


@plant
def a_category_that_was_not_renamed(folder: Path) -> None:
    edit(folder, "changes.json", lambda c: c["tables"]["reports"].update(renamed={"offence": {"violence": "property"}}))


# -- where nobody looks: comments, notes and spare places of every kind of file


def append(folder: Path, name: str, content: bytes) -> None:
    with (folder / name).open("ab") as file:
        file.write(content)


@after_signing
def a_comment_in_the_sums(folder: Path) -> None:
    append(folder, "SHA256SUMS", b"# 13\n")


@after_signing
def a_sum_of_a_file_that_is_not_there(folder: Path) -> None:
    append(folder, "SHA256SUMS", b"13".rjust(64, b"0") + b"  tables/violence.csv\n")


@plant
def a_comment_in_the_catalog(folder: Path) -> None:
    append(folder, "catalog.ttl", b"# 13\n")


@plant
def a_node_more_in_the_catalog(folder: Path) -> None:
    edit(folder, "catalog.jsonld", lambda c: c["@graph"].append({"@id": "urn:n:13"}))


@plant
def a_comment_in_the_context_of_the_concepts(folder: Path) -> None:
    edit(folder, "concepts.jsonld", lambda c: c["@context"].update(n13="http://www.w3.org/2004/02/skos/core#note"))


@plant
def a_line_behind_the_ris(folder: Path) -> None:
    append(folder, "citation.ris", b"\r\n13\r\n")


@plant
def a_comment_before_the_bibtex(folder: Path) -> None:
    path = folder / "citation.bib"
    path.write_bytes(b"13 reports of violence\n" + path.read_bytes())


@plant
def a_keyword_in_the_citation_file(folder: Path) -> None:
    append(folder, "CITATION.cff", b"keywords:\n  - Eversleigh\n")


@plant
def a_default_in_the_description_of_a_csv(folder: Path) -> None:
    edit(folder, "tables/reports.csv-metadata.json", lambda c: c["tableSchema"]["columns"][0].update(default="13"))


@plant
def a_contributor(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda p: p["contributors"].append({"title": "Fotheringay", "roles": ["publisher"]}))


@plant
def a_source_of_a_table(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda p: p["resources"][0].update(sources=[{"title": "13 reports"}]))


@plant
def an_example_of_a_field(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda p: p["resources"][0]["schema"]["fields"][0].update(example="13"))


@after_signing
def a_number_beside_the_hash_of_a_file(folder: Path) -> None:
    edit(folder, "manifest.json", lambda m: next(iter(m["files"].values())).update(n=13))


@plant
def an_example_in_the_description_of_addresses(folder: Path) -> None:
    edit(folder, "api/v1/openapi.json", lambda o: o["info"].update({"x-n": 13}))


@plant
def a_hidden_file(folder: Path) -> None:
    (folder / ".n13").write_text("13", encoding="utf-8")


@plant
def a_name_among_the_hidden_files_of_the_site(folder: Path) -> None:
    (folder / "site" / ".well-known").mkdir()
    (folder / "site" / ".well-known" / "Gainsbury.txt").write_text("13", encoding="utf-8")


@plant
def a_sentence_on_the_page_of_changes(folder: Path) -> None:
    paragraph(folder, "<p>3 meldingen</p>", "wijzigingen.html")


@plant
def a_sentence_in_the_other_language_alone(folder: Path) -> None:
    paragraph(folder, "<p>3 reports</p>", "en/about.html")


@plant
def a_letter_of_another_alphabet(folder: Path) -> None:
    page(folder, "Meldingen", "Meldingеn")


@plant
def a_list_that_begins_at_the_count(folder: Path) -> None:
    paragraph(folder, '<ol start="13"><li>Meldingen</li></ol>')


@plant
def a_cell_as_wide_as_the_count(folder: Path) -> None:
    page(folder, "<td ", '<td colspan="13" ')


@plant
def a_field_with_the_count(folder: Path) -> None:
    paragraph(folder, '<input type="hidden" value="13">')


@plant
def a_bar_of_progress(folder: Path) -> None:
    paragraph(folder, '<progress value="3" max="13"></progress>')


@plant
def a_name_for_a_download(folder: Path) -> None:
    page(folder, "<a href=", '<a download="13.csv" href=')


@plant
def a_time(folder: Path) -> None:
    paragraph(folder, '<time datetime="2024-01-13T03:13">Meldingen</time>')


@plant
def a_language_of_a_word(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p class="finding" lang="x-n13">')


def picture(folder: Path, old: str, new: str) -> None:
    path = min((folder / "site" / "charts").glob("*.svg"))
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


@plant
def metadata_of_a_picture(folder: Path) -> None:
    picture(folder, "</svg>", "<metadata>13</metadata></svg>")


@plant
def a_title_of_a_picture(folder: Path) -> None:
    picture(folder, "</svg>", "<title>13</title></svg>")


@plant
def a_comment_in_a_picture(folder: Path) -> None:
    picture(folder, "</svg>", "<!-- 13 --></svg>")


@plant
def an_attribute_of_a_picture(folder: Path) -> None:
    picture(folder, "<svg ", '<svg data-n="13" ')


@plant
def a_line_of_no_colour(folder: Path) -> None:
    picture(folder, "</svg>", '<path d="M0,0L13,3" stroke="none"/></svg>')


@plant
def bytes_behind_a_picture(folder: Path) -> None:
    append(folder, min((folder / "site" / "charts").glob("*.svg")).relative_to(folder).as_posix(), b"\n13\n")


@plant
def a_comment_on_a_labelled_view(folder: Path) -> None:
    database(folder, "COMMENT ON VIEW nl.reports IS '13'")


@plant
def a_table_of_the_database_without_rows(folder: Path) -> None:
    database(folder, "CREATE TABLE n13 (n INTEGER)")


@plant
def a_row_in_the_history_of_figures(folder: Path) -> None:
    path = folder / "revisions.csv"
    rows = path.read_text(encoding="utf-8").splitlines(keepends=True)
    *cells, n, status = rows[1].rsplit(",", 2)
    path.write_text("".join([rows[0], ",".join([*cells, str(int(n) + 3), status]), *rows[2:]]), encoding="utf-8")


@plant
def a_line_behind_the_breaks(folder: Path) -> None:
    append(folder, "breaks.csv", b"13\n")


# -- in what is allowed: how often, how it is written, and where


@plant
def a_text_as_often_as_the_count(folder: Path) -> None:
    page(folder, "</main>", "<p>Verzonnen.</p>\n" * 13 + "</main>", "over.html")


@plant
def empty_elements_as_many_as_the_count(folder: Path) -> None:
    page(folder, "</main>", "<p></p>\n" * 13 + "</main>", "over.html")


@plant
def marks_as_many_as_the_count(folder: Path) -> None:
    paragraph(folder, f"<p>{'*' * 13}</p>")


@plant
def spaced_marks_as_many_as_the_count(folder: Path) -> None:
    paragraph(folder, f"<p>{'· ' * 12}·</p>")


@plant
def a_drawing_outside_a_picture(folder: Path) -> None:
    paragraph(folder, '<p><rect width="13" height="3"></rect></p>')


@plant
def a_size_of_a_paragraph(folder: Path) -> None:
    paragraph(folder, '<p width="13"></p>')


@plant
def a_bar_in_a_list_of_its_own(folder: Path) -> None:
    bar = '<svg viewBox="0 0 100 8" width="100" height="8"><rect x="0" y="0" width="13" height="8"></rect></svg>'
    paragraph(folder, f'<dl><dd class="bar">{bar}</dd></dl>')


@plant
def a_number_as_the_name_of_a_chart(folder: Path) -> None:
    path = folder / "site" / "meldingen.html"
    text = path.read_text(encoding="utf-8")
    changed = re.sub(r'(<svg [^>]*class="[^"]*"[^>]* aria-label=")[^"]*"', r'\g<1>13"', text, count=1)
    changed = changed if changed != text else re.sub(r"<svg ", '<svg aria-label="13" ', text, count=1)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


@plant
def a_number_as_the_name_of_a_part_of_a_chart(folder: Path) -> None:
    page(folder, "<path ", '<path aria-label="13" ')


@plant
def the_class_of_a_year(folder: Path) -> None:
    paragraph(folder, '<p class="year-3"></p>')


@plant
def the_button_of_a_year_that_is_not_there(folder: Path) -> None:
    paragraph(folder, '<p id="year-3"></p>')


@plant
def a_letter_written_as_its_number(folder: Path) -> None:
    paragraph(folder, "<p>Verz&#111;nnen.</p>")


@plant
def a_tag_in_capitals(folder: Path) -> None:
    page(folder, '<p class="finding">', '<P class="finding">')


@plant
def an_attribute_in_capitals(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p Class="finding">')


@plant
def an_attribute_in_other_quotes(folder: Path) -> None:
    page(folder, '<p class="finding">', "<p class='finding'>")


@plant
def a_line_within_a_tag(folder: Path) -> None:
    page(folder, '<p class="finding">', '<p\nclass="finding">')


@plant
def a_picture_by_another_name(folder: Path) -> None:
    path = min((folder / "site" / "charts").glob("reports*.nl.svg"))
    path.with_name("reports.13.nl.svg").write_bytes(path.read_bytes())


@plant
def the_width_of_a_picture(folder: Path) -> None:
    path = min((folder / "site" / "charts").glob("*.nl.svg"))
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'width="[\d.]+"', 'width="1313"', text, count=1), encoding="utf-8")


@plant
def the_place_of_a_caption(folder: Path) -> None:
    path = min((folder / "site" / "charts").glob("*.nl.svg"))
    text = path.read_text(encoding="utf-8")
    path.write_text(re.sub(r'(<text x="4" y=")[\d.]+"', r'\g<1>13.3"', text, count=1), encoding="utf-8")


@plant
def a_note_of_a_cube_as_often_as_the_count(folder: Path) -> None:
    cube(folder, lambda content: content.update(note=content["note"] * 13))


@plant
def a_publisher_as_often_as_the_count(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda package: package.update(contributors=package["contributors"] * 13))


@plant
def categories_only_of_those_who_are_there(folder: Path) -> None:
    def change(package: Any) -> None:
        resource = next(r for r in package["resources"] if r["path"] == "tables/reports.csv")
        field = next(f for f in resource["schema"]["fields"] if f["name"] == "offence")
        field["categories"].pop()

    edit(folder, "datapackage.json", change)


@plant
def a_signature_that_is_a_note(folder: Path) -> None:
    edit(folder, "manifest.json", lambda manifest: manifest["approval"].update(signatures=[{"note": "thirteen of Eversleigh"}]))


@plant
def a_reason_of_the_approval_in_words(folder: Path) -> None:
    edit(folder, "manifest.json", lambda manifest: manifest["approval"].update(reason="thirteen reports of violence"))


@plant
def a_break_in_a_year_that_tells(folder: Path) -> None:
    path = folder / "breaks.csv"
    text = path.read_text(encoding="utf-8")
    changed = re.sub(r"^\d{4}-\d\d-01", "1913-01-01", text, count=1, flags=re.MULTILINE)
    assert changed != text
    path.write_text(changed, encoding="utf-8")


@plant
def a_header_of_the_database_that_hides_what_follows(folder: Path) -> None:
    """Else the auditor compares the bytes of the file with those of one that it makes."""
    path = folder / "das.duckdb"
    content = bytearray(path.read_bytes())
    content[4000] = 13
    path.write_bytes(bytes(content))


@plant
def the_font_of_a_name(folder: Path) -> None:
    in_pictures(folder, 'font-family="[^"]*"', 'font-family="Eversleigh"')


@plant
def a_colour_that_is_a_count(folder: Path) -> None:
    in_pictures(folder, r"(fill=\"var\(--[a-z0-9-]+),#[0-9a-f]{6}", r"\g<1>,#000013")


# -- told by order, place, spelling or repetition where only the tables decide: such files are made again and compared

ENGLISH = "en/reports.html"
FREE: dict[str, tuple[str, str, str]] = {  # file, what is there, what is planted
    "the_order_of_attributes": (f"site/{ENGLISH}", '<td class="n" data-table="reports"', '<td data-table="reports" class="n"'),
    "a_digit_as_an_entity_in_an_attribute": (f"site/{ENGLISH}", 'data-value="8400"', 'data-value="&#56;400"'),
    "a_person_in_declared_words": (
        f"site/{ENGLISH}",
        '<p class="foot">',
        '<p class="foot">Violence, Male, Under 18, March 2022.</p>\n<p class="foot">',
    ),
    "a_section_that_is_open": (f"site/{ENGLISH}", "<details><summary>Reports, by month", "<details open><summary>Reports, by month"),
    "a_section_that_is_hidden": (f"site/{ENGLISH}", "<details><summary>Reports, by month", "<details hidden><summary>Reports, by month"),
    "the_order_of_classes": (f"site/{ENGLISH}", '"n rank">1', '"rank n">1'),
    "a_class_as_often_as_a_count": (f"site/{ENGLISH}", '"n rank">1', '"n rank rank rank">1'),
    "the_order_of_a_question": (f"site/{ENGLISH}", "?table=reports&in.offence=violence", "?in.offence=violence&table=reports"),
    "a_link_to_another_group": (f"site/{ENGLISH}", "?table=reports&in.offence=violence", "?table=reports&in.offence=property"),
    "another_declared_description": (f"site/{ENGLISH}", 'content="What is reported?"', 'content="Everything is invented."'),
    "the_order_of_the_footer": (
        f"site/{ENGLISH}",
        '<li><a href="about.html">About</a></li>\n<li><a href="tables.html">Tables</a></li>',
        '<li><a href="tables.html">Tables</a></li>\n<li><a href="about.html">About</a></li>',
    ),
    "an_entry_left_out": (f"site/{ENGLISH}", '<li><a href="#reports_persons">Reports by person</a></li>', ""),
    "a_sentence_left_out": (f"site/{ENGLISH}", '<p class="small">Not on the map: Unknown.</p>', ""),
    "a_cell_that_is_another_of_the_same_value": (f"site/{ENGLISH}", 'data-cell="all|year|2022"', 'data-cell="all|year|2023"'),
    "the_caption_of_another_year": (f"site/{ENGLISH}", "Reports in 2023. Every tile", "Reports in 2022. Every tile"),
    "the_number_of_another_size": (f"site/{ENGLISH}", "Drawn: 2 of the 3 groups", "Drawn: 3 of the 3 groups"),
    "a_name_in_two_pieces": (f"site/{ENGLISH}", '<tspan x="7" y="17">Violence', '<tspan x="7" y="17"></tspan><tspan x="7" y="17">Violence'),
    "an_empty_text_in_the_growth": (f"site/{ENGLISH}", '<g><text x="0" y="18">', '<g><text x="0" y="18"></text><text x="0" y="18">'),
    "two_numbers_of_changes_swapped": ("site/en/changes.html", "6 new, 29 revised", "29 new, 6 revised"),
    "months_that_another_row_has": ("site/en/changes.html", '<td class="n">2</td></tr>', '<td class="n">0</td></tr>'),
    "the_definition_of_another_concept": ("site/en/concepts.html", "Found guilty.", "Not proven."),
    "the_language_of_another_text": ("site/en/concepts.html", '<span lang="nl">', '<span lang="en">'),
    "an_entry_of_the_index_that_leads_elsewhere": ("site/en/search.html", "concepts.html#sex-male", "concepts.html#sex-female"),
    "a_synonym_of_another_group": (
        "site/en/search.html",
        '#offence-violence">Violence</a>',
        '#offence-violence">Violence</a> <span class="small">stealing, stolen</span>',
    ),
    "a_word_of_the_scripts_that_is_another": ("site/en/search.html", "<dt>yes</dt><dd>yes</dd>", "<dt>yes</dt><dd>no</dd>"),
    "months_of_the_scripts_swapped": ("site/en/embed.html", "<dd>January</dd><dd>February</dd>", "<dd>February</dd><dd>January</dd>"),
    "the_state_of_a_delivery": ("site/en/quality.html", "<td>missing</td>", "<td>late</td>"),
    "the_width_of_a_bar": ("site/en/index.html", 'width="57.1"', 'width="57.2"'),
    "the_precision_of_a_bar": ("site/en/index.html", 'width="57.1"', 'width="57.10"'),
    "the_colour_of_a_block": ("site/en/index.html", 'class="node police" x="126"', 'class="node justice" x="126"'),
    "the_place_of_a_label": ("site/en/index.html", 'y="308.4">violence', 'y="311.4">violence'),
    "a_stock_of_another_month": (
        "site/en/index.html",
        "waiting at the end of December 2023</text>",
        "waiting at the end of May 2023</text>",
    ),
    "another_step_in_the_story": ("site/en/index.html", "(about the same as in 2022) Property", "(about the same as in 2022) violence"),
    "a_year_that_is_chosen": ("site/en/index.html", 'id="year-2">', 'id="year-2" checked>'),
    "a_count_with_a_decimal_point": ("changes.json", '"new": 710', '"new": 710.0'),
    "a_limit_with_a_decimal_point": ("expectations.json", '"max_value": 87', '"max_value": 87.0'),
    "how_severe_an_expectation_is": ("expectations.json", '"severity": "critical"', '"severity": "warning"'),
    "the_source_of_another_table": ("datapackage.json", '"title": "The watch, The bench"', '"title": "The bench"'),
    "a_day_that_is_a_birth_date": ("quality.json", '"reference_on": null', '"reference_on": "1984-07-13"'),
    "a_cube_of_another_table": ("quality.json", '"rulings_month"', '"rulings_month",\n    "reports_year"'),
}


def _replaced(file: str, old: str, new: str) -> Plant:
    def planted(folder: Path) -> None:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} has no {old!r}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    return planted


PLANTS |= {name: _replaced(*planted) for name, planted in FREE.items()}


@plant
def the_order_of_the_rows_of_a_page(folder: Path) -> None:
    path = folder / "site" / ENGLISH
    text = path.read_text(encoding="utf-8")
    first, second = (re.search(rf'<tr><th scope="row">{name}</th>.*?</tr>\n', text) for name in ("Property", "Violence"))
    assert first
    assert second
    path.write_text(text.replace(first[0] + second[0], second[0] + first[0], 1), encoding="utf-8")


@plant
def the_order_of_the_tiles(folder: Path) -> None:
    path = folder / "site" / ENGLISH
    tiles = re.findall(r'<a href="\?table=reports&in[^"]*#reports"><title>.*?</a>\n', path.read_text(encoding="utf-8"), re.DOTALL)
    page(folder, tiles[0] + tiles[1], tiles[1] + tiles[0], ENGLISH)


@plant
def the_order_of_expectations(folder: Path) -> None:
    edit(folder, "expectations.json", lambda suites: suites.reverse())


@plant
def the_order_of_partners(folder: Path) -> None:
    edit(folder, "quality.json", lambda quality: quality["partners"].reverse())


@plant
def the_order_of_a_key_in_the_package(folder: Path) -> None:
    edit(folder, "datapackage.json", lambda package: package["resources"][0]["schema"]["primaryKey"].reverse())


@plant
def a_page_with_a_name_of_its_own(folder: Path) -> None:
    (folder / "site" / "en" / "jansen.html").write_bytes((folder / "site" / "en" / "about.html").read_bytes())
    page(folder, "<h2>Toy</h2>", '<h2><a href="jansen.html">Toy</a></h2>', "en/about.html")


# -- what the disk keeps of a file


@plant
def permissions_of_a_file(folder: Path) -> None:
    (folder / "CITATION.cff").chmod(0o613)


@plant
def permissions_of_a_folder(folder: Path) -> None:
    (folder / "api").chmod(0o713)


@plant
def a_birth_date_as_the_time_of_a_file(folder: Path) -> None:
    os.utime(folder / "CITATION.cff", (458524800, 458524800))


@plant
def an_attribute_on_the_disk(folder: Path) -> None:
    os.setxattr(folder / "CITATION.cff", "user.note", b"13")

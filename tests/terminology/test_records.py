"""Values become concepts as of their date; nothing is guessed and nothing is lost."""

from __future__ import annotations

import random
import unicodedata
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from das_pipeline.engine import parquet
from das_pipeline.errors import ConfigurationError
from das_pipeline.gate import GateFailed, Verdict
from das_pipeline.lake import Version
from das_pipeline.policy import WarnAndBlock
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings
from das_pipeline.terminology import build_concepts, build_records, difference, mapped_records, propose, records
from das_pipeline.terminology.judging import Share, unmapped_share_is_small
from das_pipeline.terminology.lists import load_lists
from das_pipeline.terminology.lookup import with_concepts
from das_pipeline.terminology.sign_offs import load_sign_offs
from tests.conftest import go_on_from, toy_settings
from tests.toy_deliveries import DAYS, take_in_all, write_toy_deliveries

Begin = Callable[..., Run]
Plant = Callable[[str, str, str], None]
Deliver = Callable[[Sequence[tuple[str | None, str | None, str | None, str | None]]], None]


def build(run: Run) -> Version:
    produce(run, "terminology/concepts", build_concepts)
    return produce(run, "terminology/records", build_records, inputs=["terminology/concepts"]).version


def verdict(version: Version, rule: str) -> dict[str, Any]:
    return next(v for v in version.verdicts if v["rule"] == rule)


def concepts(run: Run, column: str) -> list[str]:
    with run.connect(confidential=True) as connection:
        view = records(run, connection, "watch", "reports")
        return [c for (c,) in connection.execute(f"SELECT {column}_concept FROM {view} ORDER BY record_no").fetchall()]


def test_a_code_means_what_it_meant_on_its_own_date(begin: Begin, deliver: Deliver) -> None:
    deliver(
        [
            # sex, offence, ward, committed_on       code 20 was replaced by 21 on 1 January 2024; known from 1 February 2024
            (None, "20", None, "2023-12-31"),
            (None, "20", None, "2024-01-01"),
            (None, "21", None, "2023-12-31"),
            (None, "21", None, "2024-01-01"),
            (None, "20", None, None),
            (None, "21", None, None),
        ]
    )
    run = begin()
    build(run)
    assert concepts(run, "offence") == ["assault", "unknown", "unknown", "assault", "unknown", "assault"]


def test_values_are_trimmed_for_lookup_and_kept_as_delivered(begin: Begin, deliver: Deliver) -> None:
    deliver([(" M ", "10", "n", None), ("  ", "10", "n", None), (None, "10", "n", None), ("m", "10", "n", None), ("X", "10", "n", None)])
    run = begin()
    build(run)
    assert concepts(run, "sex") == ["male", "not_applicable", "not_applicable", "unknown", "unknown"]
    with run.connect(confidential=True) as connection:
        view = records(run, connection, "watch", "reports")
        raw = connection.execute(f"SELECT sex FROM {view} ORDER BY record_no").fetchall()
    assert raw == [(" M ",), ("  ",), (None,), ("m",), ("X",)]


def test_codes_are_compared_in_one_normal_form(begin: Begin, deliver: Deliver, plant: Plant) -> None:
    for kind in ("codes", "mappings"):
        path = f"terminology/{kind}/watch_ward.csv"
        plant(path, "\nn,", "\né,")
    wards = ["é", unicodedata.normalize("NFD", "é"), "\u00a0é\u200b", "\u00a0\u200b", "e"]
    deliver([(None, "10", ward, None) for ward in wards])
    run = begin()
    build(run)
    north = concepts(run, "ward")[0]
    assert concepts(run, "ward") == [north, north, north, "not_applicable", "unknown"]
    assert north not in ("unknown", "not_applicable")


@pytest.mark.breaks("T09")
def test_a_listed_code_that_nobody_uses_any_more_is_named(begin: Begin, deliver: Deliver) -> None:
    until_2021 = [(None, "10", "n", f"2021-{1 + n % 12:02}-05") for n in range(20)]
    rare = [(None, "11", "n", "2021-03-05")]  # may be absent by chance
    deliver([*until_2021, *rare, *((None, "21", "n", "2024-02-05") for _ in range(20))])
    found = verdict(build(begin()), "T09")
    assert (found["passed"], found["facts"]) == (False, {"codes": 1})
    assert found["sentence"].startswith("Codes that are listed and no longer used: 10 in watch/reports.offence (since 2021-12). Ask")


def test_values_without_a_mapping_are_listed_by_month_and_code(begin: Begin, deliver: Deliver) -> None:
    deliver([(None, "99", "n", "2024-01-05"), (None, " 99", "n", "2024-01-30"), (None, "99", "n", "2024-02-01"), ("?", "10", "n", None)])
    run = begin()
    version = build(run)
    with run.connect(confidential=True) as connection:
        rows = connection.execute(f"SELECT * FROM {parquet([version.path('unmapped.parquet')])}").fetchall()
    assert rows == [
        ("watch", "reports", "offence", "2024-01", "99", 2),
        ("watch", "reports", "offence", "2024-02", "99", 1),
        ("watch", "reports", "sex", "2024-03", "?", 1),
    ]


def test_a_list_that_changes_within_a_month_is_judged_by_the_day(begin: Begin, deliver: Deliver, plant: Plant) -> None:
    for kind, old, new in (("codes", "assault", "assault (new code)"), ("mappings", "assault", "assault")):
        plant(f"terminology/{kind}/watch_offence.csv", f"20,{old},1900-01-01,2023-12-31", f"20,{old},1900-01-01,2024-01-14")
        plant(f"terminology/{kind}/watch_offence.csv", f"21,{new},2024-01-01", f"21,{new},2024-01-15")
    deliver([(None, code, None, f"2024-01-{day}") for code in ("20", "21") for day in ("01", "14", "15", "31")])
    run = begin()
    version = build(run)
    assert concepts(run, "offence") == ["assault", "assault", "unknown", "unknown", "unknown", "unknown", "assault", "assault"]
    assert verdict(version, "T01")["facts"]["rows_unlisted"] == 4
    assert verdict(version, "T02")["facts"]["rows_unmapped"] == 4


@pytest.mark.breaks("T01")
def test_codes_outside_their_list_warn_and_their_rows_stay(begin: Begin, deliver: Deliver) -> None:
    deliver([("M", "10", "n", None)] * 999 + [("M", "10", "q", None)])
    version = build(begin())
    t01 = verdict(version, "T01")
    assert (t01["passed"], t01["severity"], t01["facts"]["rows_unlisted"]) == (False, "warn", 1)
    assert "watch/reports.ward" in t01["sentence"]
    assert version.facts["columns"]["watch/reports.ward"] == {"rows": 1000, "mapped": 999, "unknown": 1, "not_applicable": 0}


@pytest.mark.breaks("T01")
def test_a_mapped_but_unlisted_code_is_not_unmapped(begin: Begin, deliver: Deliver, plant: Plant) -> None:
    plant("terminology/codes/watch_ward.csv", "n,north,1900-01-01,9999-12-31", "n,north,1900-01-01,2023-12-31")
    deliver([("M", "10", "n", None)])
    version = build(begin())
    assert not verdict(version, "T01")["passed"]
    assert verdict(version, "T02")["passed"]


@pytest.mark.parametrize(
    ("unmapped", "of", "outcome"),
    [(0, 100, "passed"), (1, 1000, "passed"), (1, 100, "warn"), (19, 100, "warn"), (20, 100, "block"), (20, 1900, "warn")],
)
def test_the_unmapped_share_warns_and_blocks_beyond_chance(unmapped: int, of: int, outcome: str) -> None:
    limits = WarnAndBlock(warn=0.002, block=0.01, min_rows=20, reason="toy")
    t02 = unmapped_share_is_small([Share("watch/reports.offence", "2024-01", of, unmapped, unlisted=0)], limits)
    assert ("passed" if t02.passed else t02.severity) == outcome


@pytest.mark.breaks("T02")
def test_unmapped_values_block_and_are_not_quoted(begin: Begin, deliver: Deliver) -> None:
    deliver([("M", "secret", "n", "2024-01-15")] * 20 + [("M", "10", "n", "2024-01-15")] * 80)
    with pytest.raises(GateFailed) as failed:
        build(begin())
    assert [v.rule for v in failed.value.verdicts if not v.passed and v.severity == "block"] == ["T02"]
    assert "secret" not in str(failed.value) + str([v.as_dict() for v in failed.value.verdicts])


@pytest.mark.breaks("T02")
def test_good_months_do_not_hide_a_bad_one(begin: Begin, deliver: Deliver) -> None:
    good = [("M", "10", "n", f"2023-{month:02}-15") for month in range(1, 13)] * 400
    deliver([*good, *[("M", "99", "n", "2024-01-15")] * 30])
    with pytest.raises(GateFailed, match=r"in 1 months of watch/reports\.offence"):
        build(begin())


@pytest.mark.breaks("T03", "T06")
def test_a_mapping_with_two_meanings_fails_and_the_rows_it_doubles_are_noticed(
    begin: Begin, deliver: Deliver, plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant("terminology/mappings/watch_ward.csv", "s,south,1900-01-01", "n,south,2024-01-01")
    deliver([("M", "10", "n", None), ("F", "11", "n", None)])
    run = begin()

    def unjudged(run: Run, draft: Any) -> list[Verdict]:
        build_concepts(run, draft)
        return []

    produce(run, "terminology/concepts", unjudged)
    with pytest.raises(GateFailed) as failed:
        produce(run, "terminology/records", build_records, inputs=["terminology/concepts"])
    verdicts = {v.rule: v for v in failed.value.verdicts}
    assert (verdicts["T03"].passed, verdicts["T03"].facts["ambiguous_values"]) == (False, 1)
    assert not verdicts["T06"].passed
    assert "watch/reports.ward" in verdicts["T06"].sentence


def test_the_account_of_every_column_closes(begin: Begin, deliver: Deliver) -> None:
    deliver([("M", "10", None, None), ("X", "99", "n", None), (None, "11", "q", None)])
    facts = verdict(build(begin()), "T06")["facts"]
    assert facts == {"rows_delivered": 9, "rows_mapped": 4, "rows_unknown": 3, "rows_not_applicable": 2}


@pytest.fixture
def canonical(folder: Path, plant: Plant) -> Callable[[str], None]:
    """Let the contract name rewriting rules for the offence, and these be the rules."""

    def written(rules: str) -> None:
        (folder / "terminology/canonical").mkdir()
        (folder / "terminology/canonical/offence_code.csv").write_text("pattern,replacement,note\n" + rules, encoding="utf-8")
        plant("contracts/watch/reports.yaml", "at: committed_on}", "at: committed_on, canonical: offence_code}")

    return written


def test_spellings_of_one_code_are_rewritten_by_the_rules_that_the_contract_names(
    begin: Begin, deliver: Deliver, canonical: Callable[[str], None]
) -> None:
    canonical("(?i)^code ?,,the word code\n^0+,,leading noughts\n[^0-9],,blanks and points\n")
    deliver([(None, spelling, None, None) for spelling in ("10", "Code 10", "0010", "1.0", "  code 0 11", "000", "?")])
    run = begin()
    build(run)
    assert concepts(run, "offence") == ["theft", "theft", "theft", "theft", "burglary", "unknown", "unknown"]


def test_a_rule_that_is_not_a_regular_expression_is_named(begin: Begin, deliver: Deliver, canonical: Callable[[str], None]) -> None:
    canonical("^0+,,leading noughts\n(open,,no end\n")
    deliver([(None, "10", None, None)])
    with pytest.raises(ConfigurationError, match=r"offence_code\.csv:3: pattern: this is not a regular expression"):
        build(begin())


def test_the_same_bytes_on_one_and_two_threads_and_in_any_order_of_rows(begin: Begin, deliver: Deliver) -> None:
    draw = random.Random(3)
    deliver([(draw.choice(["M", "F", "X", None]), draw.choice(["10", "11", "21"]), draw.choice("ns"), None) for _ in range(500)])
    two = build(begin(threads=2)).files
    (begin().lake.root("terminology/records") / "current.json").unlink()
    one = build(begin(threads=1)).files
    assert {n: e.sha256 for n, e in one.items()} == {n: e.sha256 for n, e in two.items()}


def test_concepts_equal_those_of_a_second_implementation_over_raw_counts(begin: Begin, deliver: Deliver) -> None:
    """T08: plain Python over the counts of (code, date) gives the distribution of concepts that the SQL gives."""
    draw = random.Random(8)
    dates = ["2023-12-30", "2023-12-31", "2024-01-01", "2024-01-02", None]
    rows = [
        (
            draw.choice(["M", "F", "X", " F", "", None, "Z"]),
            draw.choice(["10", "11", "20", "21", "99"]),
            draw.choice(["n", "s", None]),
            draw.choice(dates),
        )
        for _ in range(800)
    ]
    deliver(rows)
    run = begin()
    try:
        build(run)
    except GateFailed:  # the share of unknown codes is above the limit; the distribution is looked at in the version set aside
        rejected = next(p.name for p in run.lake.root("terminology/records").glob("rejected-*"))
        version = run.lake.version("terminology/records", rejected)
    else:
        raise AssertionError("99 and Z are unmapped in a fifth of the rows")

    lists = load_lists(run.jurisdiction)
    for position, column, name in ((0, "sex", "watch_sex"), (1, "offence", "watch_offence"), (2, "ward", "watch_ward")):
        expected: Counter[str] = Counter()
        for (code, on), count in Counter((row[position], row[3]) for row in rows).items():
            day = date.fromisoformat(on or "2024-02-01") if column == "offence" else run.as_of
            meanings = [m.concept for m in lists[name].mappings if m.code == (code or "").strip() and m.valid_from <= day <= m.valid_until]
            expected[meanings[0] if meanings else "unknown" if (code or "").strip() else "not_applicable"] += count
        with run.connect(confidential=True) as connection:
            counts = connection.execute(
                f"SELECT {column}_concept, COUNT(*) FROM {parquet([version.path('watch/reports.parquet')])} GROUP BY {column}_concept"
            ).fetchall()
        assert dict(counts) == expected


@pytest.fixture(scope="module")
def taken_in(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An installation that took the toy deliveries in.."""
    settings = toy_settings(tmp_path_factory.mktemp("taken_in"))
    write_toy_deliveries(settings.inbox)
    take_in_all(settings)
    return settings


@pytest.mark.slow
def test_the_toy_deliveries_get_their_concepts_as_known_on_a_date(taken_in: Settings, settings: Settings) -> None:
    go_on_from(taken_in, settings)
    run = Run.start(settings, DAYS[1])
    version = build(run)
    assert version.facts["columns"]["bench/rulings.ruling"] == {"rows": 4, "mapped": 4, "unknown": 0, "not_applicable": 0}
    with run.connect(confidential=True) as connection:
        view = records(run, connection, "watch", "reports")
        corrected = connection.execute(
            f"SELECT offence, offence_concept, CAST(known_from AS VARCHAR), CAST(known_until AS VARCHAR) FROM {view}"
            " WHERE committed_on = '2024-01-06' ORDER BY known_from"
        ).fetchall()
        strange = connection.execute(f"SELECT sex_concept, offence_concept, ward_concept FROM {view} WHERE offence = '77'").fetchall()
    assert corrected == [("10", "theft", "2024-01-31", "2024-02-29"), ("11", "burglary", "2024-02-29", "9999-12-31")]
    assert strange == [("male", "unknown", "north")]


@pytest.mark.slow
@pytest.mark.breaks("I10")
def test_the_chain_does_not_run_without_a_partner_that_it_needs(taken_in: Settings, settings: Settings) -> None:
    go_on_from(taken_in, settings)
    with pytest.raises(GateFailed, match=r"I10 .* does not run without watch"):
        build(Run.start(settings, date(2024, 4, 10)))


def test_unmapped_values_are_proposed_with_the_concepts_of_codes_like_them(begin: Begin, deliver: Deliver) -> None:
    rows = [("male", "10", "n", "2024-01-05"), ("F", "011", "n", "2024-02-05"), ("F", "011", "n", "2024-01-20"), ("F", "zzz", "n", None)]
    deliver(rows)
    run = begin()
    build(run)
    proposals = propose(run)
    assert [(p.list, p.code, p.rows, p.concepts) for p in proposals] == [
        ("watch_offence", "011", 2, ["burglary"]),
        ("watch_offence", "zzz", 1, []),
        ("watch_sex", "male", 1, ["male", "female"]),
    ]
    assert proposals[0].mapping_row == "011,,2024-01-01,9999-12-31,burglary,"


REPORTS = [("M", "10", "n", "2024-01-05")] * 96 + [("M", "11", "n", "2024-01-05")] * 3 + [("F", "21", "n", "2024-02-01")]
MOVED = "11,burglary,1900-01-01,9999-12-31,,toy", "11,theft,1900-01-01,9999-12-31,,toy"
MAPPINGS = "terminology/mappings/watch_offence.csv"


@pytest.mark.slow
def test_the_difference_lists_the_rows_that_would_change_concept_and_changes_nothing(begin: Begin, deliver: Deliver, plant: Plant) -> None:
    deliver(REPORTS)
    live = build(begin())
    same = difference(begin())
    assert (same.accepted, same.proposed, sum(c.rows_changed for c in same.columns)) == (same.accepted, same.accepted, 0)
    plant(MAPPINGS, *MOVED)
    changed = difference(begin())
    assert changed.accepted == live.facts["mapping_version"] != changed.proposed
    listed = [(c.code, c.was, c.becomes, c.rows, c.first_month, c.last_month) for column in changed.columns for c in column.changes]
    assert listed == [("11", "burglary", "theft", 3, "2024-01", "2024-01")]
    assert {column.column.column: column.rows for column in changed.columns} == {"sex": 100, "offence": 100, "ward": 100}
    assert begin().lake.open("terminology/records").id == live.id


@pytest.mark.slow
@pytest.mark.breaks("T07")
def test_a_mapping_set_that_changes_much_waits_for_the_steward(begin: Begin, deliver: Deliver, plant: Plant, folder: Path) -> None:
    deliver(REPORTS * 20)
    live = build(begin())
    plant(MAPPINGS, *MOVED)
    with pytest.raises(GateFailed, match=r"T07 .* 60 rows in force .* more than 1\.0% in watch/reports\.offence"):
        build(begin())
    assert begin().lake.open("terminology/records").id == live.id

    def sign(version: str, expires_on: str) -> None:
        row = f"{version},steward,they are one,{expires_on}\n"
        (folder / "terminology/sign_offs.csv").write_text("mapping_version,owner,reason,expires_on\n" + row, encoding="utf-8")

    proposed = difference(begin()).proposed
    for version, expires_on in (("0123456789ab", "2024-12-31"), (proposed, "2024-03-30")):  # of another set, and of yesterday
        sign(version, expires_on)
        with pytest.raises(GateFailed, match="T07"):
            build(begin())
    sign(proposed, "2024-03-31")
    t07 = verdict(build(begin()), "T07")
    assert (t07["passed"], t07["facts"]["rows_changed"], t07["facts"]["signed_off_by"]) == (True, 60, "steward")


@pytest.mark.breaks("T08")
def test_rows_with_another_concept_than_a_second_implementation_gives_them_block(
    begin: Begin, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two thefts become burglaries on the way: no row is lost, and no value is unmapped."""
    deliver([("M", "10", "n", "2024-01-05")] * 2 + [("M", "11", "n", "2024-01-05")] * 3)

    def confused(run: Run, view: str, columns: Sequence[Any]) -> tuple[str, dict[str, object]]:
        query, parameters = with_concepts(run, view, columns)
        return f"SELECT * REPLACE (REPLACE(offence_concept, 'theft', 'burglary') AS offence_concept) FROM ({query})", parameters

    monkeypatch.setattr(mapped_records, "with_concepts", confused)
    with pytest.raises(GateFailed, match=r"T08 .* 2 rows in watch/reports\.offence have another concept") as failed:
        build(begin())
    assert [v.rule for v in failed.value.verdicts if not v.passed] == ["T08"]


SCHEME = "terminology/schemes/offence.csv"


@pytest.mark.slow
@pytest.mark.breaks("T07")
@pytest.mark.parametrize(
    ("old", "new", "concept", "what"),
    [
        ("assault,offence,violence", "assault,offence,property", "offence/assault", ("parent", "violence", "property", 1)),
        ("Causing pain or injury.", "Causing pain.", "offence/assault", ("definition_en", "Causing pain or injury.", "Causing pain.", 1)),
    ],
)
def test_a_concept_in_use_with_another_parent_or_definition_waits_for_the_steward(
    begin: Begin, deliver: Deliver, plant: Plant, folder: Path, old: str, new: str, concept: str, what: tuple[str, str, str, int]
) -> None:
    deliver(REPORTS)  # one assault: no code changes, and no share of the rows
    build(begin())
    plant(SCHEME, old, new)
    changed = difference(begin())
    assert [(f"{r.scheme}/{r.concept}", (r.what, r.was, r.becomes, r.rows)) for r in changed.redefined] == [(concept, what)]
    assert sum(c.rows_changed for c in changed.columns) == 0
    with pytest.raises(GateFailed, match=rf"T07 .* get another parent or definition: {concept}\."):
        build(begin())
    row = f"{changed.proposed},steward,one law,2024-03-31\n"
    (folder / "terminology/sign_offs.csv").write_text("mapping_version,owner,reason,expires_on\n" + row, encoding="utf-8")
    t07 = verdict(build(begin()), "T07")
    assert (t07["passed"], t07["facts"]["concepts_redefined"], t07["facts"]["signed_off_by"]) == (True, 1, "steward")


@pytest.mark.slow
def test_a_concept_that_no_row_has_and_a_label_may_change(begin: Begin, deliver: Deliver, plant: Plant) -> None:
    deliver(REPORTS[:99])  # no assault
    build(begin())
    plant(SCHEME, "assault,offence,violence", "assault,offence,property")
    plant(SCHEME, "Diefstal,Theft", "Diefstal,Stealing")
    assert [(r.concept, r.rows) for r in difference(begin()).redefined] == [("assault", 0)]
    assert verdict(build(begin()), "T07")["passed"]


@pytest.mark.slow
def test_a_mapping_set_that_changes_little_needs_nobody(begin: Begin, deliver: Deliver, plant: Plant) -> None:
    deliver(REPORTS)  # three rows of a hundred: more than the limit, fewer than the least that count
    build(begin())
    plant(MAPPINGS, *MOVED)
    t07 = verdict(build(begin()), "T07")
    assert (t07["passed"], t07["facts"]["rows_changed"]) == (True, 3)


@pytest.mark.slow
def test_a_changed_rewriting_rule_is_a_changed_mapping_set(
    begin: Begin, deliver: Deliver, canonical: Callable[[str], None], folder: Path
) -> None:
    canonical("^0+,,leading noughts\n")
    deliver([("M", "10", "n", "2024-01-05")] * 97 + [("M", "1010", "n", "2024-01-05")] * 3)
    build(begin())
    (folder / "terminology/canonical/offence_code.csv").write_text("pattern,replacement,note\n^1010$,11,typed twice\n", encoding="utf-8")
    changes = [c for column in difference(begin()).columns for c in column.changes]
    assert [(c.code, c.was, c.becomes, c.rows) for c in changes] == [("1010", "unknown", "burglary", 3)]


@pytest.mark.parametrize(
    ("expires_on", "what"), [("2024-02-30", "not a day of the calendar"), ("2024-13", "is no day: write it as yyyy-mm-dd")]
)
def test_a_sign_off_with_no_day_is_refused(begin: Begin, folder: Path, expires_on: str, what: str) -> None:
    (folder / "terminology/sign_offs.csv").write_text(f"mapping_version,owner,reason,expires_on\n0123456789ab,s,r,{expires_on}\n")
    with pytest.raises(ConfigurationError, match=rf"sign_offs\.csv:2: expires_on: .*{what}"):
        load_sign_offs(begin().jurisdiction)

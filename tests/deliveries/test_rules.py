"""Every row rule is planted and seen to set the row aside; gate rules are planted and seen to block."""

from __future__ import annotations

from datetime import timedelta

import pytest

from das_pipeline.engine import parquet
from tests.deliveries.conftest import DAY, NEXT, THIRD, Desk, report
from tests.toy_deliveries import WATCH_HEADER, bench_cases, bench_rulings, watch_csv

GOOD = report("R0001")


def test_a_good_delivery_passes_every_rule(desk: Desk, failed) -> None:
    desk.send([GOOD])
    version = desk.take_in()
    assert failed(version) == {}
    assert {v["rule"] for v in version.verdicts} >= {"I01", "I02", "I03", "I04", "I05", "I09", "I11", "K01", "K02", "K03", "K06", "K08"}


PLANTED = [  # line 3 on: what is wrong, the rule and column that say so, the line
    ("a field too few", "I05 ", "N,R0002,101"),
    ("a field too many", "I05 ", report("R0003") + ",x"),
    ("a quote that does not close", "I05 ", report("R0004", surname='"Abernathy')),
    ("the header again", "I05 ", WATCH_HEADER),
    ("an empty line", "I05 ", ""),
    ("no key", "K01 report_no", report("")),
    ("not the form of a number", "K02 report_no", report("R12")),
    ("a withdrawal of what never was", "K03 mutation", report("R0005", mutation="W")),
    ("no date", "K06 reported_on", report("R0006", reported="soon")),
    ("not in the calendar", "K06 reported_on", report("R0007", reported="2024-02-30")),
    ("no amount", "K06 damage", report("R0008", damage="12.345")),
    ("required and missing", "K06 offence", report("R0009", offence="")),
    ("not one of the values", "K06 mutation", report("R0010", mutation="Q")),
    ("out of range", "K06 damage", report("R0011", damage="100001")),
    ("after the reference date", "K08 reported_on", report("R0012", reported="2024-02-01")),
    ("before 1900", "K08 reported_on", report("R0013", reported="1899-12-31")),
]


@pytest.mark.breaks("I05", "K01", "K02", "K03", "K06", "K08")
def test_a_row_that_breaks_a_rule_is_set_aside_as_it_came(desk: Desk, failed) -> None:
    desk.send([GOOD, *(line for _, _, line in PLANTED)])
    version = desk.take_in()
    with desk.run.connect(identifying=True) as connection:
        rows = connection.execute(
            f"""SELECT line_no, rule || ' ' || "column", raw, state FROM {parquet(version.paths("quarantine/"))}
            ORDER BY line_no"""
        ).fetchall()
    assert rows == [(number, rule, line, "open") for number, (_, rule, line) in enumerate(PLANTED, start=3)]
    found = failed(version)
    assert {rule: found[rule]["severity"] for rule in ("I05", "K01", "K02", "K03", "K06", "K08")} == dict.fromkeys(
        ("I05", "K01", "K02", "K03", "K06", "K08"), "warn"
    )
    assert len(desk.records()) == 1


@pytest.mark.breaks("K01")
def test_conflicting_rows_of_one_key_are_all_set_aside_whatever_case_and_spaces(desk: Desk, failed) -> None:
    desk.send([GOOD, report("R0002", offence="11"), report(" R0002 ", offence="20")])
    assert failed(desk.take_in())["K01"]["facts"]["reports_K01"] == 2
    assert len(desk.records()) == 1


def test_a_sentinel_is_a_missing_value(desk: Desk, failed) -> None:
    desk.send([GOOD.replace("2024-01-02", "1900-01-01")])
    assert failed(desk.take_in()) == {}
    assert desk.records()[0]["committed_on"] is None


@pytest.mark.breaks("K03")
def test_a_child_without_its_parent_is_set_aside(desk: Desk, failed) -> None:
    desk.send_bench(bench_cases((1,)), bench_rulings([(1, 1, "20240130", "GU"), (7, 1, "20240130", "GU")]))
    assert failed(desk.take_in())["K03"]["facts"]["rulings_K03"] == 1


@pytest.mark.breaks("I03")
def test_lines_that_do_not_decode_are_set_aside_and_many_of_them_block(desk: Desk, failed) -> None:
    bad = report("R0002", surname="Cast\u00e9llane").encode("latin-1")
    desk.send(watch_csv([GOOD]) + bad + b"\n")
    assert failed(desk.take_in())["I03"]["severity"] == "warn"
    many = b"".join(report(f"R{n:04}", surname="Cast\u00e9llane").encode("latin-1") + b"\n" for n in range(100, 150))
    desk.send(watch_csv([]) + many, NEXT, sequence=2)
    assert desk.refused()["I03"].severity == "block"


@pytest.mark.breaks("I01")
def test_bytes_that_are_not_those_of_the_manifest_block(desk: Desk) -> None:
    folder = desk.send([GOOD])
    (folder / "reports.csv").write_bytes(watch_csv([GOOD])[:-4])
    assert "not those that the manifest describes" in desk.refused()["I01"].sentence


@pytest.mark.breaks("I01")
def test_another_number_of_lines_blocks(desk: Desk) -> None:
    folder = desk.send([GOOD])
    manifest = (folder / "manifest.json").read_text().replace('"lines": 2', '"lines": 3')
    (folder / "manifest.json").write_text(manifest)
    assert "has 2 lines, its manifest says 3" in desk.refused()["I01"].sentence


@pytest.mark.breaks("I01")
def test_another_sum_blocks_and_only_warns_when_a_line_of_it_is_in_quarantine(desk: Desk, failed) -> None:
    folder = desk.send([report("R0001", damage="10.00"), report("R0002", damage="a lot")])
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace('"10.00"', '"11.00"'))
    assert failed(desk.take_in())["I01"]["severity"] == "warn"
    folder = desk.send([report("R0003", damage="10.00")], NEXT, sequence=2)
    (folder / "manifest.json").write_text((folder / "manifest.json").read_text().replace('"10.00"', '"11.00"'))
    assert "sum of reports.damage" in desk.refused()["I01"].sentence


@pytest.mark.breaks("I01")
def test_a_window_on_a_column_that_is_not_there_blocks(desk: Desk) -> None:
    window = {"column": "ruled_on", "from": "2024-01-20", "until": "2024-02-01"}
    desk.send_bench(bench_cases((1,)), b"", complete_for={"cases": window})
    assert "cases is declared complete for a window" in desk.refused()["I01"].sentence


@pytest.mark.breaks("I02")
def test_a_missing_file_blocks(desk: Desk) -> None:
    folder = desk.send_bench(bench_cases((1,)), b"")
    (folder / "rulings.txt").unlink()
    assert "rulings are missing" in desk.refused()["I02"].sentence


@pytest.mark.breaks("I02")
def test_a_file_that_nobody_listed_is_landed_and_shown(desk: Desk, failed) -> None:
    folder = desk.send([GOOD])
    (folder / "notes.txt").write_text("what is this")
    found = failed(desk.take_in())["I02"]
    assert (found["severity"], found["facts"]["unlisted"]) == ("warn", 1)
    assert not folder.exists()


@pytest.mark.breaks("I04")
def test_a_missing_column_blocks_and_an_unknown_one_warns_in_any_order(desk: Desk, failed) -> None:
    names = WATCH_HEADER.split(",")
    turned = [",".join(reversed([*names, "shoe_size"])), ",".join(reversed([*GOOD.split(","), "44"]))]
    desk.send(("\n".join(turned) + "\n").encode())
    assert failed(desk.take_in())["I04"]["severity"] == "warn"
    assert desk.records()[0]["offence"] == "10"
    desk.send(watch_csv([GOOD]).replace(b"ward", b"werd"), NEXT, sequence=2)
    assert "reports: ward" in desk.refused()["I04"].sentence


@pytest.mark.breaks("I05")
def test_a_file_that_is_cut_off_blocks(desk: Desk) -> None:
    desk.send(watch_csv([GOOD, report("R0002")])[:-20])
    assert "cut off" in desk.refused()["I05"].sentence


def test_a_file_without_a_last_line_end_is_whole(desk: Desk, failed) -> None:
    desk.send(watch_csv([GOOD, report("R0002")])[:-1])
    assert failed(desk.take_in()) == {}


@pytest.mark.breaks("I09")
def test_a_delivery_that_comes_too_late_in_the_order_blocks(desk: Desk) -> None:
    desk.send([GOOD], NEXT)
    desk.take_in()
    desk.send([report("R0002")], DAY, sequence=2)
    assert "before 2024-02-01.1, which is in force" in desk.refused()["I09"].sentence
    desk.send([report("R0002")], THIRD, sequence=1)
    assert "taken by an earlier delivery" in desk.refused()["I09"].sentence


@pytest.mark.breaks("I12")
def test_a_large_share_in_quarantine_blocks(desk: Desk) -> None:
    desk.send([report(f"R{n:04}") for n in range(100)] + [report("bad") for _ in range(40)])
    assert desk.refused()["I12"].severity == "block"


@pytest.mark.slow
@pytest.mark.breaks("I08")
def test_a_snapshot_that_leaves_out_most_of_what_is_in_force_blocks(desk: Desk) -> None:
    record = '{{"case_no": "C{n:04}", "received_on": "2024-01-02"}}\n'
    desk.send_bench("".join(record.format(n=n) for n in range(60)).encode(), b"")
    desk.take_in()
    desk.send_bench("".join(record.format(n=n) for n in range(5)).encode(), b"", NEXT, sequence=2)
    assert "cases leaves out 55 of 60" in desk.refused()["I08"].sentence


@pytest.mark.slow
@pytest.mark.breaks("I08")
def test_a_register_of_any_size_does_not_become_empty_in_silence(desk: Desk) -> None:
    desk.send_bench(b'{"case_no": "C0001", "received_on": "2024-01-02"}\n', b"")
    desk.take_in()
    desk.send_bench(b"", b"", NEXT, sequence=2)
    assert "cases has no rows, and 1 are in force" in desk.refused()["I08"].sentence


@pytest.mark.breaks("I11")
def test_an_account_that_does_not_close_blocks(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from das_pipeline.deliveries import versions

    decide = versions.decide_fates

    def lose_one(connection, contract) -> None:
        decide(connection, contract)
        connection.execute("DELETE FROM fates WHERE line_no = 2")

    monkeypatch.setattr(versions, "decide_fates", lose_one)
    desk.send([GOOD, report("R0002")])
    assert desk.refused()["I11"].facts["reports_difference"] == 1


@pytest.mark.slow
@pytest.mark.breaks("I07")
def test_the_file_of_another_period_blocks_and_a_few_changes_made_again_do_not(desk: Desk, failed) -> None:
    many = [report(f"R{n:04}") for n in range(20)]
    desk.send(many)
    desk.take_in()
    desk.send(many, NEXT, sequence=2)
    assert f"reports (that of {DAY}.1)" in desk.refused()["I07"].sentence
    desk.send([report("R0001", mutation="W")], NEXT, number=2, sequence=2)
    desk.take_in()
    desk.send([report("R0001", mutation="W")], THIRD, sequence=3)
    assert failed(desk.take_in())["I07"]["severity"] == "warn"


@pytest.mark.slow
@pytest.mark.breaks("I13")
def test_a_column_that_is_empty_after_six_deliveries_with_it_blocks(desk: Desk) -> None:
    for sequence in range(1, 9):  # the first brings the register and says nothing about what changes bring
        rows = [report(f"R{sequence}{n:03}", damage="" if n % 2 or sequence == 8 else "1.00") for n in range(40)]
        desk.send(rows, DAY + timedelta(days=sequence), sequence=sequence)
        if sequence < 8:
            desk.take_in()
    assert desk.refused()["I13"].sentence.startswith("Columns that were filled until now are empty: reports: damage")


def test_letters_that_were_decoded_twice_are_set_aside_and_not_repaired(desk: Desk, failed) -> None:
    desk.send([GOOD, report("R0002", surname="José"), report("R0003", surname="JosÃ©"), report("R0004", surname="Ãlvares")])
    version = desk.take_in()
    assert failed(version)["I03"]["facts"]["reports_I03"] == 1
    with desk.run.connect(identifying=True) as connection:
        rows = connection.execute(f"SELECT line_no, raw FROM {parquet(version.paths('quarantine/'))}").fetchall()
    assert [(line, raw.split(",")[3]) for line, raw in rows] == [(4, "JosÃ©")]


@pytest.mark.slow
@pytest.mark.breaks("I15")
def test_a_correction_of_many_rows_warns_and_of_most_is_refused(desk: Desk, failed) -> None:
    lines = [report(f"R{n:04}") for n in range(100)]
    desk.send(lines)
    desk.take_in()
    some = [report(f"R{n:04}", damage="5.00" if n < 8 else "") for n in range(99)]  # eight others, and one is gone
    desk.send(some, replaces=f"{DAY}.1", number=2)
    assert failed(desk.take_in())["I15"]["sentence"].startswith(f"9 of 100 rows of reports are not as in {DAY}.1")
    desk.send([report(f"R{n:04}", damage="7.00") for n in range(99)], replaces=f"{DAY}.2", number=3)
    verdict = desk.refused()["I15"]
    assert (verdict.severity, verdict.failing) == ("block", {"reports": 99})
    assert "Ask whether it is the right file" in verdict.sentence


@pytest.mark.slow
def test_a_correction_of_a_few_rows_passes(desk: Desk, failed) -> None:
    desk.send([report(f"R{n:04}") for n in range(100)])
    desk.take_in()
    desk.send([report(f"R{n:04}", damage="5.00" if n < 5 else "") for n in range(100)], replaces=f"{DAY}.1", number=2)
    assert failed(desk.take_in()) == {}

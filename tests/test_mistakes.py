"""`das check` on one mistake after another, in a copy of the toy jurisdiction: what, where, and how to correct it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.references import FOUND_SOUND, find_faults, require_sound
from das_pipeline.settings import PROJECT
from tests.conftest import TOY

REPORTS, CASES, RULINGS = "contracts/watch/reports.yaml", "contracts/bench/cases.yaml", "contracts/bench/rulings.yaml"
ALL, WATCH_PARTNER = "jurisdiction.yaml", "contracts/watch/partner.yaml"
WATCH, BENCH = "contracts/watch/events.yaml", "contracts/bench/partner.yaml"
CHAIN, LINKAGE, POLICY, CUBES, TABLE = "chain.yaml", "linkage.yaml", "policy.yaml", "statistics/cubes.yaml", "statistics/reports.yaml"
SITE, TEXTS, WORDS = "texts/site.yaml", "texts/tables.yaml", "texts/words.yaml"
FORMS = (TOY / WORDS).read_text(encoding="utf-8").partition("\nlanguages:")[0].count("\n") + 2  # words come before, and come often
WARDS, WARDS_MAPPED = "terminology/codes/watch_ward.csv", "terminology/mappings/watch_ward.csv"
WARD_COLUMN = "{name: ward, type: text,"

# The file, what is written in it, the mistake instead, and what `das check` says: file and line, the key, and a part of the sentence.
MISTAKES = [
    # Text that YAML reads as another value.
    (REPORTS, "one_of: [N, C, W]", "one_of: [N, C, NO]", 20, "columns[0].one_of[2]", 'write "NO" in quotes if it is a text, false if'),
    (REPORTS, WARD_COLUMN, f"{WARD_COLUMN} one_of: [YES],", 28, "columns[8].one_of[0]", "YAML reads YES as true"),
    (REPORTS, WARD_COLUMN, f"{WARD_COLUMN} one_of: [1],", 28, "columns[8].one_of", '1 must be a text in a column of text: write "1"'),
    (LINKAGE, '["999"]', "[0000000000]", 3, "strong_keys[0].sentinels[0]", 'write "0000000000" in quotes if it is a text'),
    (LINKAGE, '["999"]', "[010]", 3, "strong_keys[0].sentinels[0]", "YAML may read 010 as another number"),
    (LINKAGE, '["999"]', "[1_000]", 3, "strong_keys[0].sentinels[0]", 'write "1_000" in quotes'),
    (LINKAGE, '["999"]', "[12:30]", 3, "strong_keys[0].sentinels[0]", 'write "12:30" in quotes'),
    (LINKAGE, '["999"]', "[999]", 3, "strong_keys[0].sentinels[0]", 'a text is expected, and unquoted 999 is none: write "999"'),
    (REPORTS, "version: 1.0.0", "version: 1.0", 4, "version", 'write "1.0"'),
    (REPORTS, '["", "?"]', "[~]", 26, "columns[6].null_tokens[0]", 'write "~" in quotes if it is a text, null if it is not'),
    (REPORTS, "history: false", "history: no", 20, "columns[0].history", "false if it is not"),
    (REPORTS, "history: false", 'history: "false"', 20, "columns[0].history", "write true or false, without quotes"),
    (CHAIN, "2024-01-01", "2024-13-01", 4, "opening_month", "a day of the calendar is expected: yyyy-mm-dd"),
    # Text that nothing ever equals.
    (REPORTS, "[N, C, W]", '[N, C, "W "]', 20, "columns[0].one_of[2]", "a blank at its edge (space (U+0020))"),
    (REPORTS, "[N, C, W]", '[N, C, "W\u00a0"]', 20, "columns[0].one_of[2]", "a blank at its edge (no-break space (U+00A0))"),
    (REPORTS, '["", "?"]', '["", " "]', 26, "columns[6].null_tokens", "' ' can never match: cells are compared without blanks"),
    (WARDS, "n,north", "n ,north", 2, "code", "a blank at its edge (space (U+0020)), so nothing ever equals it: remove it"),
    (WARDS, "n,north", "n\u00a0,north", 2, "code", "no-break space (U+00A0)"),
    (WARDS_MAPPED, "n,north", "n\u200b,north", 2, "code", "the hidden character zero width space (U+200B): remove it"),
    (WARDS, "north", "no\u0308rth", 2, "label", "a letter and its accent are two characters here (not NFC)"),
    # Two of one name.
    (POLICY, "chain:\n", "linkage: {}\nchain:\n", 21, "linkage", "the key is here twice, first on line 16: remove one"),
    (REPORTS, "file: reports", "owner: me\nfile: reports", 8, "owner", "the key is here twice, first on line 3"),
    (REPORTS, "name: ward", "name: offence", 28, "columns[8]", "two columns have one name: offence is above"),
    (CUBES, "cube: reports_year", "cube: reports_month", 4, "cubes[1].cube", "there are two cubes reports_month: rename one"),
    ("terminology/schemes/sex.csv", "\nfemale,", "\nmale,", 4, "concept", "male is in an earlier row too"),
    (WARDS, "valid_until,kind", "valid_until,kind,code", 1, "", "the header must be code,label,valid_from,valid_until,kind"),
    (WARDS, "s,south", "n,south", 3, "T04", "code n is listed for the same day in row 2"),
    # A word that is not known, a value that cannot be.
    (POLICY, "retention:\n", "retentions:\n", 41, "retentions", "this key is not known here. Did you mean retention?"),
    (POLICY, "order_share:", "order_shares:", 23, "chain.order_shares", "this key is not known here. Did you mean order_share?"),
    (POLICY, "order_share: {warn: 0.01", "order_share: {warn: 5", 23, "chain.order_share.warn", "A share is of 1: 5 % is 0.05"),
    (POLICY, "approval: {by: policy, ", "approval: {", 38, "release.approval.by", "this key is missing: add it"),
    (POLICY, "by: policy", "by: polcy", 38, "release.approval.by", "polcy is not one of the words here. Did you mean policy?"),
    (CASES, "withdrawn_limit: 0.5", "withdrawn_limit: 50", 13, "delivery.withdrawn_limit", "A share is of 1: 50 % is 0.5"),
    (REPORTS, "privacy: indirect", "privacy: indirekt", 26, "columns[6].privacy", "Did you mean indirect?"),
    (REPORTS, "null_tokens:", "nul_tokens:", 26, "columns[6].nul_tokens", "this key is not known here. Did you mean null_tokens?"),
    (REPORTS, "dd-mm-yyyy], sen", "dd-mm-yyy], sen", 29, "columns[9].formats", "dd-mm-yyy is no form of a date. Did you mean dd-mm-yyyy?"),
    (REPORTS, "[0, 100000]", "[100000, 0]", 32, "columns[12].range", "no value is from 100000 to 0: write the smaller one first"),
    (WARDS, "valid_from", "valid_form", 1, "", "(missing: valid_from; unknown: valid_form)"),
    (WARDS, "code,label,valid_from,valid_until,kind", "code;label;valid_from;valid_until;kind", 1, "", "separated by ';', and must be"),
    (WARDS, "n,north,1900-01-01", "n,north,01-01-1900", 2, "valid_from", "'01-01-1900' is no day: write it as yyyy-mm-dd"),
    (WARDS, "n,north", 'n,"north', 2, "", "unexpected end of data. Look at the quotes"),
    (REPORTS, "  mode: delta", "\tmode: delta", 14, "", "There is a tab on this line, where YAML has blanks"),
    (REPORTS, "columns:\n", "columns:\n  - {<<: *x}\n", 20, "", "no valid YAML: found undefined alias"),
    (LINKAGE, "model: null", "model: null\n<<: {}", 10, "<<", "keys are not taken over from elsewhere here: write them out"),
    # What contradicts itself, or can be read in two ways.
    (REPORTS, "dd-mm-yyyy], sen", "dd-mm-yyyy, mm-dd-yyyy], sen", 29, "columns[9].formats", "03-04-2024 has both forms dd-mm-yyyy"),
    (REPORTS, "dd-mm-yyyy], sen", "yyyy-mm-dd], sen", 29, "columns[9].formats", "yyyy-mm-dd is listed twice"),
    (REPORTS, "horizon_days: 0, age", "horizon_days: 1000000000, age", 29, "columns[9].horizon_days", "1000000000 is more than 36525"),
    (REPORTS, 'delimiter: ","', 'delimiter: "\\n"', 18, "format.delimiter", "no letter, digit or end of a line can be it"),
    (REPORTS, "direct, identity: surname", "none, identity: surname", 23, "columns[3].privacy", "names a person, so no stage but linkage"),
    (REPORTS, "identity: birth_date", "identity: surname", 25, "columns[5].identity", "identity surname is a text, and the type is date"),
    (CASES, "identity: given_names", "identity: surname", 20, "columns[4].identity", "a column above is surname too"),
    (REPORTS, "decimal, range", "decimal, concept: {scheme: sex, list: watch_sex}, range", 32, "columns[12].type", "is not kept so"),
    (REPORTS, 'mask: "R9999"', 'mask: "R9999", length: [9, 9]', 21, "columns[1].length", "no value has it and this length"),
    (REPORTS, 'mask: "R9999"', 'mask: "R9999", check: {weights: [9, 8], modulo: 11}', 21, "columns[1].check", "no value passes both"),
    (REPORTS, "name: offence, type: text,", "name: offence, type: text, empty_from: 2025-01-01,", 27, "columns[7].empty_from", "a requ"),
    (REPORTS, WARD_COLUMN, f"{WARD_COLUMN} required_with: ward,", 28, "columns[8].required_with", "a column always comes with itself"),
    (RULINGS, "at: [6, 2]", "at: [5, 2]", 17, "columns[1].at", "some of its positions are also those of case_no"),
    (BENCH, "[cases, rulings]", "[cases, rulings, cases]", 6, "files[2]", "cases is listed twice: remove one"),
    (ALL, "[nl, en]", "[nl, en, nl]", 3, "languages[2]", "nl is listed twice: remove one"),
    (CHAIN, "2024-01-01", "2024-01-15", 4, "opening_month", "it must be the first day of a month: 2024-01-01"),
    (LINKAGE, "max_profiles: 5", "max_profiles: 0", 3, "strong_keys[0].max_profiles", "0 is less than 1"),
    (TABLE, "[month, year]", "[month, month]", 8, "by.period", "every figure would be there twice"),
    ("terminology/schemes/age.csv", "18,199", "19,199", 4, "T10", "no class of level age_class has the ages 18"),
    (POLICY, "warn: 0.01, block: 0.05", "warn: 0.1, block: 0.05", 6, "deliveries.quarantine_share.warn", "it would never warn"),
    (POLICY, "default: 5", "default: 0", 26, "disclosure.base.default", "0 is less than 1"),
    (POLICY, "sensitive: 10", "sensitive: 4", 26, "disclosure.base.sensitive", "sensitive cubes would be protected less"),
    (POLICY, '"a limit of rule I12"', '""', 6, "deliveries.quarantine_share.reason", "say why the limit is what it is"),
    (TEXTS, "Number of {unit}, rounded", "Number of {units}, rounded", 25, "columns.n.en", "nothing is filled in for {units}. Did you"),
    (TEXTS, "Number of {unit}, rounded", "Number of {unit, rounded", 25, "columns.n.en", "a brace is opened or closed alone"),
    (TEXTS, "offence: {nl: Feit, en: Offence}", 'offence: {nl: Feit, en: " "}', 19, "columns.offence.en", "the text is empty: write it"),
    (WORDS, "  edition: {", "  editon: {", 3, "words", "there is no text edition, which pages ask for: add it. Did you mean editon?"),
    (WORDS, "{version}", "{versoin}", 10, "words.edition.nl", "nothing is filled in for {versoin}. Did you mean version?"),
    (SITE, "en: about", "en: About us", 37, "pages[0].slug.en", "use lower case letters a to z, digits and hyphens"),
    (WARDS, "9999-12-31,valid", "9999-12-31,valld", 2, "kind", "'valld' cannot be here. Did you mean valid?"),
    (WARDS, "n,north,", "n,north,north,", 2, "", "it has 6 cells under 5 headings: quote a cell that has a comma"),
    (REPORTS, "sub_key: []", "sub_key: [", 13, "", "no valid YAML: did not find expected ',' or ']'"),
    # A name that leads nowhere.
    (REPORTS, "scheme: region", "scheme: regions", 28, "columns[8].concept.scheme", "there is no terminology/schemes/regions.csv. Did"),
    (REPORTS, "watch_ward}", "watch_wrad}", 28, "columns[8].concept.list", "Did you mean watch_ward?"),
    (REPORTS, "unit_key: [report_no]", "unit_key: [report_nr]", 10, "unit_key[0]", "Did you mean report_no?"),
    (RULINGS, "to: cases", "to: case", 21, "relations[0].to", "resolves to no other file of bench. Did you mean cases?"),
    (CASES, "reference: watch_report", "reference: wach_report", 17, "columns[1].reference", "Did you mean watch_report?"),
    (BENCH, "[cases, rulings]", "[cases, ruling]", 6, "files[1]", "contracts/bench/ruling.yaml is missing. Did you mean rulings?"),
    (LINKAGE, "role: chain_number", "role: chain_nr", 3, "strong_keys[0].role", "no column of a contract has identity chain_nr"),
    (LINKAGE, "anchor: [watch_report]", "anchor: [report]", 6, "case_anchor[0]", "Did you mean watch_report?"),
    (LINKAGE, "column: report_no", "column: report", 8, "references.watch_report.column", "Did you mean report_no?"),
    (LINKAGE, "one_per_person: []", "one_per_person: [batch]", 5, "one_per_person[0]", "there is no partner batch. Did you mean watch?"),
    (LINKAGE, "model: null", "model: linkage_model.json", 9, "model", "the file linkage_model.json is missing"),
    (WATCH, "to: bench", "to: bank", 7, "report.events[1].to", "there is no partner bank. There are: bench, watch"),
    (WATCH, "offence_concept", "offense_concept", 4, "report.attributes.offence", "Did you mean offence_concept?"),
    (WATCH, "reported_on}", "reported_on, when: {mutation: [X]}}", 6, "report.events[0].when.mutation[0]", "reports.mutation is never X"),
    (CHAIN, "opens: [reported]", "opens: [reportd]", 7, "spells.open_report.opens[0]", "has no event reportd. Did you mean reported?"),
    (CHAIN, "ruled: referred_back", "ruled: refered_back", 8, "spells.open_case.reopens[0].ruled", "Did you mean referred_back?"),
    (CUBES, "[referred_back]", "[refered_back]", 6, "cubes[2].leave_out.outcome[0]", "Did you mean referred_back?"),
    (CUBES, "adds_up_to: reports_month", "adds_up_to: report_month", 4, "cubes[1].adds_up_to", "Did you mean reports_month?"),
    (TABLE, "cube: reports_month", "cube: report_month", 7, "cube", "there is no cube report_month in statistics/cubes.yaml. Did you mean"),
    (TABLE, "theme: crime", "theme: crimes", 6, "theme", "theme crimes has no page: texts/site.yaml has no such theme"),
    (POLICY, "sensitive_cubes: []", "sensitive_cubes: [year]", 27, "disclosure.sensitive_cubes[0]", "disclosure names the cube year"),
    (
        POLICY,
        "structural_zeros: []",
        "structural_zeros: [{cube: rulings_month, leaf: {ruling: guilt}, reason: a test}]",
        28,
        "disclosure.structural_zeros[0].leaf.ruling",
        "guilt is no concept of scheme ruling at level ruling. Did you mean guilty?",
    ),
    (SITE, "parts: sex", "parts: gender", 26, "flow[1].parts", "table reports_persons has no dimension gender"),
    (SITE, "offence: violence}", "offence: violent}", 31, "headlines[1].select.offence", "Did you mean violence?"),
    (SITE, "simulated_page: about", "simulated_page: abuot", 5, "simulated_page", "no page has the slug abuot. Did you mean about"),
    (SITE, "in.offence=violence", "in.offense=violence", 51, "questions[0].asks[0].query", "no dimension offense. Did you mean offence"),
    (SITE, "dimension: offence", "dimension: colour", 55, "flow_by.dimension", "table reports has no dimension colour"),
    (TEXTS, "  report: {nl", "  reports: {nl", 14, "units", "there is no text for unit report, which table reports counts"),
    (TEXTS, "tables: [reports]", "tables: [report]", 90, "breaks[0].tables[0]", "no published table report. Did you mean reports"),
    (TEXTS, "{offence: violence}", "{offence: violent}", 93, "breaks[1].category", "no code violent. Did you mean violence"),
    (TEXTS, "  age: {nl", "  ages: {nl", 18, "columns", "no text for column age, which table reports_persons has. Did"),
    ("terminology/mappings/bench_ruling.csv", "GU,guilty", "GU,guilt", 2, "T05", "schemes/ruling.csv (Did you mean guilty?)"),
    ("terminology/schemes/offence.csv", "theft,offence,property", "theft,offence,propety", 5, "T10", "(Did you mean property?)"),
    # Languages and what holds for the whole folder.
    (WATCH_PARTNER, "{nl: De wacht, en: The watch}", "{nl: De wacht}", 4, "title", "there is no text in en"),
    (WATCH_PARTNER, "en: The watch}", "en: The watch, fr: Le guet}", 4, "title.fr", "fr is no language of jurisdiction.yaml"),
    (WATCH_PARTNER, "{nl: De wacht, en: The watch}", "{}", 4, "title", "a text is expected here"),
    (ALL, "Etc/UTC", "Etc/Utopia", 4, "time_zone", "there is no time zone Etc/Utopia"),
    (ALL, "[nl, en]", "[]", 3, "languages", "at least 1 is expected here"),
    (WORDS, "  nl:\n    name: Nederlands", "  fy:\n    name: Frysk", FORMS, "languages", "must be those of jurisdiction.yaml, in"),
    (WORDS, "{day} {month} {year}", "{day} {mnth} {year}", FORMS + 5, "languages.nl.date", "it needs {day}, {month} and {year}"),
    (LINKAGE, "[surname, given_names, birth_date, sex]", "[sex]", 3, "strong_keys[0].role", "chain_number links nobody"),
    (REPORTS, "name: chain_no", "name: case_id", 22, "columns[2].name", "linkage writes a column case_id"),
    (REPORTS, "identity: chain_number", "identity: chain_nr", 22, "columns[2].identity", "linkage.yaml has no strong key chain_nr"),
    (LINKAGE, "strong_keys: [{role", "strong_keys: [] #", 3, "strong_keys", "at least 1 is expected here"),
    (CUBES, "adds_up_to: reports_month,", "", 4, "cubes[1].cube", "counts the same events as reports_month, and would publish other"),
    # Files that nobody reads.
    ("contracts/bench/parole.yaml", "", "partner: bench\n", 0, "", "files of contracts/bench/partner.yaml does not list parole"),
    ("contracts/guard/reports.yaml", "", "partner: guard\n", 0, "", "contracts/guard has no partner.yaml, so none of its files is read"),
    ("terminology/mapping/watch_sex.csv", "", "code\n", 0, "", "Did you mean terminology/mappings/watch_sex.csv?"),
    ("polcy.yaml", "", "{}\n", 0, "", "no stage reads a file of this name. Did you mean policy.yaml?"),
    ("texts/sites.yaml", "", "{}\n", 0, "", "no stage reads a file of this name. Did you mean texts/site.yaml?"),
]  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the toy jurisdiction to make mistakes in."""
    return Path(shutil.copytree(TOY, tmp_path / "toy"))


@pytest.mark.parametrize(("file", "written", "mistake", "line", "key", "sentence"), MISTAKES, ids=[m[2].strip() for m in MISTAKES])
def test_a_mistake_is_told_with_its_line_and_how_to_correct_it(
    folder: Path, file: str, written: str, mistake: str, line: int, key: str, sentence: str
) -> None:
    path = folder / file
    path.parent.mkdir(exist_ok=True)
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    assert written in text
    path.write_text(text.replace(written, mistake, 1), encoding="utf-8")
    faults = find_faults(Jurisdiction(folder))
    assert len(faults) <= 3, "one mistake is not told as many"
    at_place = [fault for fault in faults if (fault.file, fault.line, fault.key) == (file, line, key)]
    assert [fault for fault in at_place if sentence in fault.sentence], "\n".join(map(str, faults))


@pytest.mark.slow
def test_the_jurisdictions_have_no_mistake(toy: Jurisdiction) -> None:
    assert find_faults(toy) == []
    for folder in (path for path in sorted((PROJECT / "jurisdictions").iterdir()) if path.is_dir()):
        assert find_faults(Jurisdiction(folder)) == []


def test_all_mistakes_are_told_at_once_on_the_command_line_and_as_json(folder: Path) -> None:
    for file, written, mistake, *_ in (MISTAKES[4], MISTAKES[16], MISTAKES[-1]):
        path = folder / file
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        path.write_text(text.replace(written, mistake, 1), encoding="utf-8")
    told = CliRunner().invoke(app, ["check", str(folder)])
    assert told.exit_code == 1
    assert [line.split(": ")[0] for line in told.stdout.splitlines()[:-1]] == ["linkage.yaml:3", f"{WARDS}:2", "texts/sites.yaml"]
    assert told.stdout.splitlines()[-1].startswith("3 mistakes in the ")
    as_json = json.loads(CliRunner().invoke(app, ["check", str(folder), "--json"]).stdout)
    assert [(fault["file"], fault["line"]) for fault in as_json] == [("linkage.yaml", 3), (WARDS, 2), ("texts/sites.yaml", 0)]
    sound = CliRunner().invoke(app, ["check", str(TOY)])
    assert (sound.exit_code, sound.stdout.startswith("No mistakes in the ")) == (0, True)


def test_a_run_does_not_start_on_a_mistake_and_remembers_files_that_have_none(folder: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    require_sound(Jurisdiction(folder), home)
    remembered = (home / FOUND_SOUND).read_text(encoding="ascii")
    require_sound(Jurisdiction(folder), home)
    assert (home / FOUND_SOUND).read_text(encoding="ascii") == remembered
    policy = folder / POLICY
    policy.write_text(policy.read_text(encoding="utf-8").replace("order_share:", "order_shares:"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="has 2 mistakes, so nothing runs") as error:
        require_sound(Jurisdiction(folder), home)
    assert [fault.line for fault in error.value.faults] == [21, 23]

"""The world is possible: nobody is suspected as a small child, cells are not shared, and nothing comes before its cause."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow.parquet as pq
import pytest

from das_pipeline.deliveries import load_contracts
from das_pipeline.jurisdiction import Jurisdiction
from simulation import Simulated
from simulation.deliveries.registers import Registers, main_groups
from simulation.draws import Coded, stream
from simulation.parameters import Parameters
from simulation.world.appeal import irrevocable
from simulation.world.detention import served_days
from simulation.world.persons import citizen_numbers
from simulation.world.tables import calendar_year
from simulation.world.world import Extent, World, simulate_world
from tests.simulation.conftest import Small


def test_citizen_numbers_pass_the_eleven_test_and_differ() -> None:
    numbers = citizen_numbers(stream(1, "test"), 500).to_pylist()
    assert len(set(numbers)) == 500
    for number in numbers:
        assert sum(int(d) * w for d, w in zip(number, (9, 8, 7, 6, 5, 4, 3, 2, -1), strict=True)) % 11 == 0


def test_suspects_are_twelve_or_older_and_suspected_of_a_crime_once(small: Small) -> None:
    suspicions, people = small.world.tables["suspicions"], small.world.people
    days = suspicions.days("offence_on") - people.born_on[suspicions.person]
    known = ~np.isnat(days)
    assert days[known].min() >= np.timedelta64(12 * 365, "D")
    assert len(set(zip(suspicions.links["crimes"].tolist(), suspicions.person.tolist(), strict=True))) == len(suspicions)


def test_nobody_is_in_two_cells_at_once(small: Small) -> None:
    stays = small.world.tables["stays"]
    order = np.lexsort((stays.days("admitted_on"), stays.person))
    person, start, end = stays.person[order], stays.days("admitted_on")[order], stays.days("released_on")[order]
    same = person[1:] == person[:-1]
    assert (start[1:] > end[:-1])[same].all()
    assert (end > start).all()


def test_nothing_comes_before_its_cause(small: Small) -> None:
    tables = small.world.tables
    crimes, suspicions, cases, trials = (tables[t] for t in ("crimes", "suspicions", "cases", "trials"))
    assert (crimes.days("offence_on") <= crimes.days("reported_on")).all()
    assert (crimes.days("reported_on") <= crimes.days("registered_on")).all()
    followed = suspicions.days("followed_up_on")
    assert (followed >= suspicions.days("registered_on"))[~np.isnat(followed)].all()
    received = dict(zip(cases.case.tolist(), cases.days("received_on").tolist(), strict=True))
    sent = suspicions.coded("follow_up").is_in(["sent_to_om"])
    assert all(received[case] >= day for case, day in zip(suspicions.case[sent].tolist(), followed[sent].tolist(), strict=True))
    decisions = tables["decisions"]
    assert (decisions.days("decided_on") >= cases.days("received_on")[decisions.links["cases"]]).all()
    assert (trials.days("received_on") < trials.days("heard_on")).all()
    assert (trials.days("heard_on") <= trials.days("decided_on")).all()
    for name in ("charges", "decisions", "titles", "sanctions"):
        table = tables[name]
        assert table.belongs_to is not None
        assert (table.entry >= tables[table.belongs_to].entry[table.links[table.belongs_to]]).all(), name


@pytest.mark.slow
def test_the_police_stock_has_a_level(large: World) -> None:
    suspicions = large.tables["suspicions"]
    registered, ended = suspicions.days("registered_on"), suspicions.days("followed_up_on")
    stocks = [((registered <= day) & (ended > day)).sum() for day in np.array(["2023-01-01", "2026-01-01"], dtype="datetime64[D]")]
    assert 0.85 < stocks[1] / stocks[0] < 1.15


def test_a_crime_has_the_case_of_a_suspect_of_it(small: Small) -> None:
    crimes, suspicions = small.world.tables["crimes"], small.world.tables["suspicions"]
    cases = {(crime, case) for crime, case in zip(suspicions.links["crimes"].tolist(), suspicions.case.tolist(), strict=True)}
    followed = np.flatnonzero(crimes.case >= 0)
    assert {(crime, crimes.case[crime]) for crime in followed.tolist()} <= cases
    assert set(followed.tolist()) == {crime for crime, _ in cases}


@pytest.mark.slow
def test_the_truth_names_a_person_and_a_case_for_each_record(simulated: Simulated) -> None:
    records = pq.read_table(simulated.truth / "records.parquet").to_pylist()
    assert len({(r["partner"], r["unit"], r["key"]) for r in records}) == len(records)
    assert {r["unit"] for r in records if r["person"] is None} == {"crime"}
    by_unit = {r["unit"]: r for r in records}
    assert by_unit.keys() >= {"suspect", "prosecution_case", "court_case", "stay", "referral", "youth_investigation"}


def test_the_truth_counts_what_happened(simulated: Simulated) -> None:
    tables = {path.stem: pq.read_table(path) for path in (simulated.truth / "tables").glob("*.parquet")}
    assert sum(tables["crime_month"]["n"].to_pylist()) > 1_000
    assert "2025-11" in tables["om_decisions_month"]["period"].to_pylist()
    assert set(tables["sanctions_quarter"]["sanction"].to_pylist()) >= {"prison", "community_service", "fine"}


def test_canaries_are_in_the_deliveries(simulated: Simulated) -> None:
    canaries = (simulated.truth / "canaries.txt").read_text(encoding="utf-8").split("\n")[:-1]
    delivered = b"".join(p.read_bytes() for p in simulated.inbox.rglob("2025-12-26.1/*"))
    found = sum(c.encode("cp1252", errors="ignore") in delivered or c.encode() in delivered for c in canaries)
    assert min(map(len, canaries)) >= 6
    assert found > 0.8 * len(canaries)


# -- the mix of the published figures


@pytest.fixture(scope="module")
def large(dutch: Jurisdiction) -> World:
    parameters = Parameters.read(dutch)
    return simulate_world(parameters, main_groups(dutch), Extent.of(parameters, 480_000), 1)


def shares(column: Coded, rows: np.ndarray) -> dict[str, float]:
    """Per cent of the rows by word."""
    n = np.bincount(column.codes[rows][column.codes[rows] >= 0], minlength=len(column.words))
    return {word: 100 * k / n.sum() for word, k in zip(column.words, n, strict=True)}


def within(world: World, table: str, day: str) -> np.ndarray:
    days = world.tables[table].days(day)
    return np.flatnonzero((days >= np.datetime64("2023-01-01")) & (days < np.datetime64("2026-01-01")))


@pytest.mark.slow
def test_registered_crime_has_the_published_mix(large: World, dutch: Jurisdiction) -> None:
    crimes = large.tables["crimes"]
    found = shares(crimes.coded("police_class").translated(main_groups(dutch)), within(large, "crimes", "reported_on"))
    published = {"property": 56, "public_order": 13, "violence_sexual": 10, "traffic": 17, "drugs": 2, "weapons": 1}  # C&R 2022
    assert {g: round(found[g]) for g in published} == pytest.approx(published, abs=1.2)


@pytest.mark.slow
def test_the_chain_narrows_as_published(large: World) -> None:
    crimes, suspects = within(large, "crimes", "registered_on"), within(large, "suspicions", "registered_on")
    cleared, cases = within(large, "crimes", "cleared_on"), within(large, "cases", "received_on")
    assert len(cleared) / len(crimes) == pytest.approx(0.285, abs=0.02)
    assert len(suspects) / len(cleared) == pytest.approx(1.18, abs=0.04)
    assert len(suspects) / len(cases) == pytest.approx(1.43, abs=0.05)
    a_year = suspects[large.tables["suspicions"].days("registered_on")[suspects] < np.datetime64("2024-01-01")]
    persons = len(np.unique(large.tables["suspicions"].person[a_year]))
    assert len(a_year) / persons == pytest.approx(1.7, abs=0.1)  # 1.62 in 2022, more in 2024
    tried = within(large, "trials", "decided_on")
    judged = ~large.tables["trials"].coded("verdict").at(tried).is_in(["joined_at_hearing"])
    assert judged.sum() / len(cases) == pytest.approx(70_000 / 179_600, abs=0.06)


@pytest.mark.slow
def test_decisions_verdicts_and_sanctions_have_the_published_mix(large: World) -> None:
    decisions = shares(large.tables["decisions"].coded("decision"), within(large, "decisions", "decided_on"))
    unconditional = decisions["dismissal_technical"] + decisions["dismissal_policy"] + decisions["dismissal_administrative"]
    assert decisions["summons"] == pytest.approx(39.5, abs=3)  # CBS 83944NED, 2022
    assert unconditional == pytest.approx(29.9, abs=3)
    assert decisions["dismissal_conditional"] == pytest.approx(5.4, abs=1)
    assert decisions["penal_order"] == pytest.approx(23.2, abs=3)
    verdicts = shares(large.tables["trials"].coded("verdict"), within(large, "trials", "decided_on"))
    guilty = verdicts["guilty_sanctioned"] + verdicts["guilty_unsanctioned"]
    assert 100 * guilty / (100 - verdicts["joined_at_hearing"]) == pytest.approx(90, abs=1.2)
    convicted = (large.tables["trials"].coded("verdict").is_in(["guilty_sanctioned"])).sum()
    assert len(large.tables["sanctions"]) / convicted == pytest.approx(1.4, abs=0.06)


@pytest.mark.slow
def test_durations_have_the_expected_medians(large: World) -> None:
    decisions = large.tables["decisions"]
    received, decided = large.tables["cases"].days("received_on")[decisions.links["cases"]], decisions.days("decided_on")
    kind = decisions.coded("decision")
    for word, median in {"summons": 45, "dismissal_technical": 95, "penal_order": 24}.items():
        rows = kind.is_in([word]) & (decisions.numbers("decision_no") == 1)
        assert np.median((decided - received)[rows].astype(int)) == pytest.approx(median, rel=0.1)


# -- who persons are


@pytest.mark.slow
def test_households_share_a_surname_and_their_first_home(large: World) -> None:
    people, suspicions = large.people, large.tables["suspicions"]
    together = np.flatnonzero(people.household != np.arange(len(people.household)))
    assert 0.04 < len(together) / len(people.household) < 0.08
    assert not people.is_entity[together].any()
    surname = people.surname.to_numpy(zero_copy_only=False)
    assert (surname[together] == surname[people.household[together]]).all()
    year = suspicions.days("registered_on") < large.steps.days[0] + np.timedelta64(365, "D")  # few have moved by then
    home = np.full(len(people.household), -1)
    home[suspicions.person[year]] = suspicions.coded("residence").codes[year]
    both = together[(home[together] >= 0) & (home[people.household[together]] >= 0)]
    assert (home[both] == home[people.household[both]]).mean() > 0.9


def test_twins_share_a_birth_date_and_sons_are_a_generation_younger(large: World) -> None:
    people, parameters = large.people, large.steps.parameters.persons
    rows = np.arange(1, len(people.born_on))
    pairs = rows[people.household[rows] == people.household[rows - 1]]
    twins = pairs[people.born_on[pairs] == people.born_on[pairs - 1]]
    assert len(twins) / len(rows) == pytest.approx(parameters.twins, rel=0.2)
    given = [name.split()[0] for name in people.given_names.take(np.concatenate([pairs - 1, pairs])).to_pylist()]
    apart = np.abs((people.born_on[pairs] - people.born_on[pairs - 1]).astype(np.int64)) / 365.25
    alike = np.array([one == other for one, other in zip(given[: len(pairs)], given[len(pairs) :], strict=True)])
    sons = pairs[alike & (apart >= 18)]
    assert len(sons) / len(rows) == pytest.approx(parameters.namesakes, rel=0.25)
    assert people.sex.at(sons).is_in(["male"]).mean() > 0.95  # relatives of one given name are rare


def test_some_persons_move_and_most_do_not(large: World) -> None:
    suspicions = large.tables["suspicions"]
    order = np.lexsort((suspicions.days("registered_on"), suspicions.person))
    person, home = suspicions.person[order], suspicions.coded("home_municipality").codes[order]
    years = np.diff(suspicions.days("registered_on")[order].astype(np.int64)) / 365.25
    same = person[1:] == person[:-1]
    moved = (home[1:] != home[:-1])[same].sum() / years[same].sum()
    assert 0.02 < moved < large.steps.parameters.persons.moves_a_year  # some move to where they already live


def test_persons_come_back_as_often_in_small_worlds(large: World, dutch: Jurisdiction) -> None:
    small = simulate_world(Parameters.read(dutch), main_groups(dutch), Extent.of(Parameters.read(dutch), 60_000), 1)
    a_person = []
    for world in (large, small):
        suspicions, rows = world.tables["suspicions"], within(world, "suspicions", "registered_on")
        rows = rows[suspicions.days("registered_on")[rows] < np.datetime64("2024-01-01")]
        a_person.append(len(rows) / len(np.unique(suspicions.person[rows])))
    assert a_person[0] == pytest.approx(a_person[1], rel=0.08)
    often = np.bincount(np.unique(large.tables["suspicions"].person, return_inverse=True)[1])
    assert often.max() >= 15
    assert np.sort(often)[-len(often) // 10 :].sum() > 0.25 * often.sum()  # a tenth of the persons has more than a quarter


def test_an_incident_and_an_episode_are_of_one_police_force(large: World) -> None:
    crimes, suspicions = large.tables["crimes"], large.tables["suspicions"]
    for numbers, service in (
        (crimes.texts("incident_no").dictionary_encode().indices.to_numpy(), crimes.coded("service")),
        (suspicions.case, suspicions.coded("service")),
    ):
        low, high = np.full(numbers.max() + 1, 9), np.full(numbers.max() + 1, -1)
        np.minimum.at(low, numbers, service.codes)
        np.maximum.at(high, numbers, service.codes)
        assert (low == high)[high >= 0].all()
    assert crimes.coded("service").is_in(["kmar"]).mean() == pytest.approx(0.0077, abs=0.0005)


def test_after_a_merge_registers_write_the_leading_number_alone(small: Small) -> None:
    people, merges = small.world.people, small.world.tables["merges"]
    assert len(merges) >= 1
    assert (merges.entry == people.merged_on[merges.person]).all()
    old = set(merges.texts("old_number").to_pylist())
    for register in small.sender.registers.values():
        for column in (c for c in register.contract.columns if c.identity == "chain_number"):
            written = register.columns[column.name]
            late = np.flatnonzero(register.keeping.known_on >= people.merged_on[register.table.person])
            assert old.isdisjoint(written.take(late).to_pylist())  # type: ignore[union-attr]


def test_an_alias_is_the_same_other_person_each_time_without_numbers(small: Small, dutch: Jurisdiction) -> None:
    parameters, people = small.parameters.model_copy(deep=True), small.world.people
    habits = parameters.registers.habits["politie"]
    habits.alias, habits.partial_birth_date, habits.missing, habits.placeholder = 0.5, 0.0, {}, {}
    register = Registers(dutch, parameters, small.world).open(load_contracts(dutch)["politie", "verdachten"])
    person, born = register.table.person, register.columns["geboortedatum"]
    assert isinstance(born, np.ndarray)
    alias = np.flatnonzero(~people.is_entity[person] & (born != people.born_on[person]))
    assert len(alias) > 0.3 * len(person)
    assert (born[alias] == people.born_on[people.alias[person[alias]]]).all()
    assert (people.sex.codes == people.sex.codes[people.alias]).all()
    assert register.columns["skn"].take(alias).null_count == len(alias)  # type: ignore[union-attr]


def test_where_no_number_is_known_some_registers_write_one_of_nobody(small: Small, dutch: Jurisdiction) -> None:
    contract, columns = load_contracts(dutch)["politie", "verdachten"], []
    for share in ({}, {"chain_number": 0.5}):
        parameters = small.parameters.model_copy(deep=True)
        parameters.registers.habits["politie"].placeholder = share
        columns.append(Registers(dutch, parameters, small.world).open(contract).columns["skn"].to_pylist())  # type: ignore[union-attr]
    instead = [careless for usual, careless in zip(*columns, strict=True) if usual is None]
    assert set(instead) == {None, *small.parameters.registers.placeholders["chain_number"]}
    assert instead.count(None) / len(instead) == pytest.approx(0.5, abs=0.1)
    assert all(usual == careless for usual, careless in zip(*columns, strict=True) if usual is not None)


def test_a_municipality_has_the_codes_of_those_it_was_made_of_until_they_merge(dutch: Jurisdiction) -> None:
    parameters = Parameters.read(dutch)
    world = simulate_world(parameters, main_groups(dutch), Extent(12_000, date(2020, 1, 1)), 2)
    register = Registers(dutch, parameters, world).open(load_contracts(dutch)["politie", "misdrijven"])
    codes, crimes = register.columns["gemeente"], world.tables["crimes"]
    assert isinstance(codes, Coded)
    here = crimes.coded("municipality").is_in(["dijk_en_waard"])
    before = crimes.days("reported_on") < np.datetime64("2022-01-01")
    written = np.array(codes.words)[codes.codes]
    assert set(written[here & before]) == {"0398", "0416"}
    assert set(written[here & ~before]) == {"1980"}


def test_a_settled_case_that_comes_back_is_summoned(small: Small) -> None:
    decisions = small.world.tables["decisions"]
    again = np.flatnonzero(decisions.numbers("decision_no") == 2)
    assert len(again) > 0
    assert (decisions.links["cases"][again] == decisions.links["cases"][again - 1]).all()
    assert (decisions.days("decided_on")[again] > decisions.days("decided_on")[again - 1]).all()
    assert not decisions.coded("decision").at(again - 1).is_in(["summons", "joined"]).any()
    assert not np.isnat(decisions.days("summoned_on")[again]).any()


def test_where_halt_failed_the_prosecutor_gets_the_case(small: Small) -> None:
    referrals, cases = small.world.tables["referrals"], small.world.tables["cases"]
    of_crime = ~referrals.coded("offence").is_in(["minor_offence"])
    assert 0 < of_crime.sum() < len(referrals)
    failed = np.flatnonzero(referrals.coded("result").is_in(["failed", "not_started"]) & of_crime)
    received = dict(zip(cases.case.tolist(), cases.days("received_on").tolist(), strict=True))
    closed = referrals.days("closed_on")[failed].tolist()
    assert all(received[case] >= day for case, day in zip(referrals.case[failed].tolist(), closed, strict=True))


def test_appeals_follow_a_judgment_and_end_the_execution_of_an_acquittal(small: Small) -> None:
    appeals, trials = small.world.tables["appeals"], small.world.tables["trials"]
    trial = appeals.links["trials"]
    assert len(np.unique(trial)) == len(trial) > 0
    assert (appeals.days("received_on") > trials.days("decided_on")[trial]).all()
    assert (appeals.days("decided_on") > appeals.days("received_on")).all()
    assert not trials.coded("verdict").at(trial).is_in(["joined_at_hearing"]).any()
    free = irrevocable(small.world.steps)
    acquitted = appeals.coded("outcome").is_in(["acquitted"])
    assert np.isnat(free[trial[acquitted]]).all()
    assert (free >= trials.days("decided_on") + np.timedelta64(14, "D"))[~np.isnat(free)].all()


def test_sanctions_are_executed_once_they_are_irrevocable(large: World) -> None:
    sanctions, stays, free = large.tables["sanctions"], large.tables["stays"], irrevocable(large.steps)
    of_case = np.full(len(large.tables["cases"]), np.datetime64("NaT"), dtype="datetime64[D]")
    of_case[large.tables["trials"].links["cases"]] = free
    serving = stays.coded("title").is_in(["sentence", "awaiting_measure", "isd"])
    assert serving.sum() > 100
    assert (stays.days("admitted_on") > of_case[stays.links["cases"]])[serving].all()  # none after an acquittal: no day is not earlier
    later = stays.days("sentenced_on")
    changed = ~np.isnat(later)
    assert (later == of_case[stays.links["cases"]])[changed].all()
    collected = large.tables["executions"].coded("sanction").is_in(["fine", "damages_order"])
    received = large.tables["executions"].days("received_on")
    assert (received >= of_case[large.tables["executions"].links["cases"]])[collected].all()
    assert {"tbs_order", "pij_order", "isd_order"} <= set(sanctions.coded("sanction").words)


def test_hospital_orders_last_for_years_and_nobody_reports_after_the_last_call(large: World) -> None:
    stays = large.tables["stays"]
    lasted = (stays.days("released_on") - stays.days("admitted_on")).astype(int)
    assert np.median(lasted[stays.coded("institution").is_in(["hospital"])]) > 5 * 365
    isd = stays.coded("title").is_in(["isd"])
    assert 0 < lasted[isd].max() <= 731
    reported = stays.days("admitted_on")[stays.coded("arrival").is_in(["self_reported"])]
    assert np.datetime64("2023-11-01") < reported.max() < np.datetime64("2023-12-06")


def test_legal_entities_are_fined_not_detained(large: World) -> None:
    sanctions, is_entity = large.tables["sanctions"], large.people.is_entity
    of_entities = is_entity[sanctions.person]
    assert of_entities.sum() > 20
    personal = ["prison", "juvenile_detention", "community_service", "tbs_order", "pij_order", "isd_order"]
    assert not sanctions.coded("sanction").is_in(personal)[of_entities].any()
    assert not is_entity[large.tables["stays"].person].any()
    assert not is_entity[large.tables["assignments"].person][large.tables["assignments"].numbers("hours") > 0].any()


def test_long_sentences_end_early_and_short_ones_do_not(large: World) -> None:
    trials, sanctions, served = large.tables["trials"], large.tables["sanctions"], served_days(large.steps)
    whole = sanctions.coded("sanction").is_in(["prison"]) & sanctions.coded("modality").is_in(["unconditional"])
    trial, days = sanctions.links["trials"][whole], sanctions.numbers("days")[whole]
    late = trials.days("decided_on")[trial] >= np.datetime64("2021-07-01")
    short, middle, long = days <= 365, (days > 365) & (days <= 730), days > 730
    assert min(short.sum(), middle.sum(), (long & late).sum()) > 20
    assert (served[trial][short] == days[short]).all()
    assert (served[trial][middle] == np.ceil(365 + (days[middle] - 365) / 3)).all()
    assert (served[trial][long] == np.ceil(np.where(late, np.maximum(days * 2 / 3, days - 730), days * 2 / 3))[long]).all()
    reasons, title = large.tables["stays"].coded("release_reason"), large.tables["stays"].coded("title")
    released = reasons.is_in(["conditional_release"])
    assert released.any()
    assert not title.at(np.flatnonzero(released)).is_in(["substitute", "isd", "awaiting_measure"]).any()


def test_community_service_is_offered_again_only_after_it_came_back(large: World) -> None:
    assignments = large.tables["assignments"]
    service = np.flatnonzero(assignments.coded("kind").is_in(["community_service"]))
    case, result = assignments.links["cases"][service], assignments.coded("result").at(service)
    hours, order = assignments.numbers("hours")[service], np.lexsort((assignments.days("started_on")[service], case))
    case, hours, withdrawn = case[order], hours[order], result.is_in(["withdrawn"])[order]
    started, ended = assignments.days("started_on")[service][order], assignments.days("ended_on")[service][order]
    again = (case[1:] == case[:-1]) & (hours[1:] == hours[:-1]) & (started[1:] > ended[:-1])
    assert again.sum() > 20
    assert withdrawn[:-1][again].mean() > 0.95  # two orders of as many hours in one case are rare


def test_a_factor_counts_in_the_year_of_what_it_acts_on(small: Small, dutch: Jurisdiction) -> None:
    parameters = small.parameters
    years = parameters.alignment.years
    none = {"reopened": [0.0 if y == 2024 else 1.0 for y in years], "sentence_served": [0.0 if y == 2024 else 1.0 for y in years]}
    alignment = parameters.alignment.model_copy(update={"factors": {**parameters.alignment.factors, **none}})
    world = simulate_world(parameters.model_copy(update={"alignment": alignment}), main_groups(dutch), Extent(60_000, date(2023, 1, 1)), 5)
    decisions, stays = world.tables["decisions"], world.tables["stays"]
    again = calendar_year(decisions.days("decided_on")[decisions.numbers("decision_no") > 1])
    began = calendar_year(stays.days("admitted_on")[stays.coded("arrival").is_in(["arrested"]) & stays.coded("title").is_in(["sentence"])])
    for year in (again, began):
        assert 2024 not in year
        assert {2023, 2025} <= set(year.tolist())

"""The true world: crimes, suspects, cases, trials, sanctions and their execution, as tables of arrays.

Nothing in here knows a partner, a file or a code: fields have English names, categories are concepts, and every row says since
when it is in its register. Days after the last delivered one exist as well; a register shows them when their time has come.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pyarrow as pa

from das_pipeline.simulation.draws import (
    NEVER,
    Bools,
    Coded,
    Column,
    Days,
    Floats,
    Ints,
    Spans,
    compute,
    days_of,
    happens,
    joined,
    mix,
    mix_by,
    padded,
    position_within,
    roots,
    stream,
    take,
    text_of,
)
from das_pipeline.simulation.parameters import Parameters
from das_pipeline.simulation.persons import People, draw_people

ONE = np.timedelta64(1, "D")
YEAR = 365.2425
STILL_OPEN, TO_PROSECUTOR, TO_HALT = "open", "sent_to_om", "halt"  # what the police may do with a suspect, as concepts
NATURAL, ENTITY = "natural", "legal_entity"
NOWHERE = "unknown"  # the region of who lives nowhere in particular


@dataclass
class Table:
    """Rows of one kind. `person` and `case` are their true numbers, -1 for none."""

    columns: dict[str, Column]
    entry: Days  # the day on which the row comes into its register
    person: Ints
    case: Ints
    known_with: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # field: (its day, the word before that day)
    parent: tuple[str, Ints] | None = None  # the table and rows that these belong to
    last: Days | None = None  # the day on which the unit was done with; None when units stay open

    def days(self, name: str) -> Days:
        """A column of days."""
        column = self.columns[name]
        assert isinstance(column, np.ndarray)
        return column.astype("datetime64[D]")

    def numbers(self, name: str) -> Floats:
        """A column of numbers."""
        column = self.columns[name]
        assert isinstance(column, np.ndarray)
        return column

    def texts(self, name: str) -> pa.Array:
        """A column of texts."""
        column = self.columns[name]
        assert isinstance(column, pa.Array)
        return column

    def coded(self, name: str) -> Coded:
        """A column of words."""
        column = self.columns[name]
        assert isinstance(column, Coded)
        return column

    def __len__(self) -> int:
        return len(self.entry)


@dataclass
class World:
    """People and everything that happened, by table."""

    people: People
    tables: dict[str, Table]


@dataclass
class _Episodes:
    """Runs of registrations of one person that the police hand over together; each is one true case."""

    person: Ints
    lead: Ints  # the suspicion that comes first
    first_on: Days
    last_on: Days
    follow_up: Coded
    handed_on: Days


def simulate_world(parameters: Parameters, groups: dict[str, str], crimes_a_year: float, seed: int, until: date) -> World:
    """The world from the warm-up until the days beyond `until`. `groups`: the main group of each offence and police class."""
    return _Simulation(parameters, groups, seed).run(crimes_a_year, until)


class _Simulation:
    """One simulation: the steps of the chain, each from the tables of the steps before it."""

    def __init__(self, parameters: Parameters, groups: dict[str, str], seed: int) -> None:
        self.p = parameters
        self.groups = groups
        self.seed = seed
        self.tables: dict[str, Table] = {}

    def stream(self, name: str) -> np.random.Generator:
        return stream(self.seed, name)

    def number(self, kind: str, on: Days, **parts: pa.Array) -> pa.Array:
        """The register's own numbers: the pattern of `kind` filled with year, serial number within the year, and `parts`."""
        year = on.astype("datetime64[Y]").astype(np.int64) + 1970
        serial = position_within(year)
        pieces: list[pa.Array | str] = []
        for text in self.p.registers.numbers[kind].replace("}", "{").split("{"):
            name, _, width = text.partition(":")
            if name == "year":
                pieces.append(padded(year, 4))
            elif name == "yy":
                pieces.append(padded(year % 100, 2))
            elif name == "serial":
                pieces.append(padded(serial, int(width)))
            else:
                pieces.append(parts.get(name, text))
        return joined(pieces)

    def run(self, crimes_a_year: float, until: date) -> World:
        start = np.datetime64(self.p.period.start) - np.timedelta64(self.p.period.warm_up_days, "D")
        days = np.arange(start, np.datetime64(until) + np.timedelta64(self.p.period.beyond_days + 1, "D"))
        self.first_day = days[0].astype("datetime64[D]")
        self.crimes(days.astype("datetime64[D]"), crimes_a_year)
        episodes, people = self.suspicions()
        self.people = people
        self.cases(episodes)
        self.decisions()
        self.trials()
        self.sanctions()
        self.executions()
        self.assignments()
        self.stays(episodes)
        self.referrals(episodes)
        self.investigations()
        return World(people, self.tables)

    # -- police

    def crimes(self, days: Days, crimes_a_year: float) -> None:
        """Registered crimes by class, season and region; some share an incident with the one before."""
        p, draw = self.p.crime, self.stream("crimes")
        season = np.array(p.season)[days.astype("datetime64[M]").astype(np.int64) % 12]
        n = round(crimes_a_year * len(days) / YEAR)
        reported = np.sort(days[draw.choice(len(days), size=n, p=season / season.sum())])
        police_class = mix(draw, {c: float(v.registered) for c, v in p.classes.items()}, n)
        region = mix(draw, p.regions, n)
        follows = happens(draw, p.same_incident, n)
        follows[:1] = False
        first = np.maximum.accumulate(np.where(follows, 0, np.arange(n)))
        reported, region = reported[first], Coded(region.words, region.codes[first])
        offence_on = reported - p.offence_to_report.draw(draw, n)[first]
        registered = reported + p.report_to_registration.draw(draw, n)[first]
        cleared = happens(draw, police_class.numbers({c: v.cleared for c, v in p.classes.items()}), n)
        cleared_on = np.where(cleared, registered + p.registration_to_clearance.draw(draw, n), NEVER)
        has_damage = police_class.translated(self.groups).is_in(p.damage.groups) & happens(draw, p.damage.share, n)
        damage = np.where(has_damage, p.damage.draw(draw, n) + draw.integers(0, 100, n) / 100, np.nan)
        unit = text_of(region.translated(self.p.prosecution.unit_codes))
        opening = np.flatnonzero(~follows)
        number = self.number("incident", reported[opening], unit=unit.take(pa.array(opening)))
        place = np.cumsum(~follows) - 1
        self.tables["crimes"] = Table(
            columns={
                "incident_no": number.take(pa.array(place)),
                "crime_no": np.arange(n) - first + 1,
                "police_class": police_class,
                "region": region,
                "offence_on": offence_on,
                "reported_on": reported,
                "registered_on": registered,
                "cleared": cleared,
                "cleared_on": cleared_on,
                "attempt": happens(draw, p.attempt, n),
                "damage": damage,
            },
            entry=registered,
            person=np.full(n, -1),
            case=np.full(n, -1),
            known_with={"cleared": ("cleared_on", None)},
        )

    def suspicions(self) -> tuple[_Episodes, People]:
        """Registrations of suspects, in episodes of one person, and the people behind them."""
        p, draw, crimes = self.p.suspects, self.stream("suspicions"), self.tables["crimes"]
        solved = np.flatnonzero(~np.isnat(crimes.days("cleared_on")))
        number = mix(draw, p.a_cleared_crime, len(solved))
        crime = np.repeat(solved, np.array([int(w) for w in number.words])[number.codes])
        registered, offence_on = crimes.days("cleared_on")[crime], crimes.days("offence_on")[crime]
        group = crimes.coded("police_class").translated(self.groups)
        order = np.lexsort((crime, registered, group.codes[crime]))
        crime, registered, offence_on = crime[order], registered[order], offence_on[order]
        lead = self._leads(draw, crime, group.codes[crime], registered)
        leads, episode = np.unique(lead, return_inverse=True)
        first_on, last_on = _extremes(episode, registered)
        person = self._persons_of(draw, leads, first_on, episode, crime)
        first_offence = np.full(person.max(initial=-1) + 1, np.datetime64("2262-01-01"), dtype="datetime64[D]")
        np.minimum.at(first_offence, person[episode], offence_on)
        first_group = np.zeros(len(first_offence), dtype=np.int64)
        first_group[person[::-1]] = group.codes[crime[leads]][::-1]
        chance = np.array([p.legal_entity.get(w, 0.0) for w in group.words])[first_group]
        people = draw_people(self.p, self.seed, first_offence, happens(draw, chance, len(first_offence)))
        episodes = self._episodes(draw, people, person, leads, first_on, last_on, episode, offence_on, group, crime)
        self._suspicion_table(draw, people, episodes, episode, crime, registered, offence_on)
        return episodes, people

    def _leads(self, draw: np.random.Generator, crime: Ints, group: Ints, registered: Days) -> Ints:
        """For each registration the one that its episode starts with: itself, or a recent one of the same main group."""
        n = len(crime)
        rows = np.arange(n)
        back = np.maximum(rows - draw.integers(1, 7, n), 0)
        joins = happens(draw, self.p.suspects.joins_episode, n) & (group[back] == group) & (crime[back] != crime)
        joins &= registered - registered[back] <= 45 * ONE
        lead = roots(np.where(joins, back, rows))
        keys = lead * (crime.max(initial=0) + 1) + crime
        _, first = np.unique(keys, return_index=True)  # nobody is suspected of one crime twice
        again = np.ones(n, dtype=bool)
        again[first] = False
        return np.where(again & (lead != rows), rows, lead)

    def _persons_of(self, draw: np.random.Generator, leads: Ints, first_on: Days, episode: Ints, crime: Ints) -> Ints:
        """The person of each episode: a new one, or one of an earlier episode (so that a few come back often)."""
        n = len(leads)
        in_time = np.argsort(first_on, kind="stable")
        earlier = np.floor(draw.random(n) * np.arange(n)).astype(np.int64)
        pointer = np.where(happens(draw, self.p.suspects.known_again, n), earlier, np.arange(n))
        rank = np.argsort(in_time)
        while True:
            person = in_time[roots(pointer)][rank]
            _, place, times = np.unique(crime * n + person[episode], return_inverse=True, return_counts=True)
            twice = times[place] > 1  # one person twice in one crime: those episodes are of different persons after all
            if not twice.any():
                break
            apart = rank[episode[twice]]
            pointer[apart] = apart
        return np.unique(person, return_inverse=True)[1]

    def _episodes(
        self,
        draw: np.random.Generator,
        people: People,
        person: Ints,
        leads: Ints,
        first_on: Days,
        last_on: Days,
        episode: Ints,
        offence_on: Days,
        group: Coded,
        crime: Ints,
    ) -> _Episodes:
        p, n = self.p.suspects, len(leads)
        follow_up = mix(draw, p.follow_up, n)
        light = Coded(group.words, group.codes[crime[leads]]).is_in(p.halt.groups)
        single = np.bincount(episode, minlength=n) == 1
        minor = _age(people.born_on[person], offence_on[leads]) < 18
        halt = minor & light & single & happens(draw, p.halt.share, n)
        words = (*follow_up.words, TO_HALT)
        return _Episodes(
            person=person,
            lead=leads,
            first_on=first_on,
            last_on=last_on,
            follow_up=Coded(words, np.where(halt, len(words) - 1, follow_up.codes)),
            handed_on=last_on + p.registration_to_follow_up.draw(draw, n),
        )

    def _suspicion_table(
        self, draw: np.random.Generator, people: People, episodes: _Episodes, episode: Ints, crime: Ints, registered: Days, offence_on: Days
    ) -> None:
        p, crimes = self.p.suspects, self.tables["crimes"]
        person = episodes.person[episode]
        region = crimes.coded("region")
        home = mix(draw, self.p.crime.regions, len(people.born_on))
        near = happens(draw, p.lives_in_region_of_crime, len(people.born_on))
        last_region = np.zeros(len(people.born_on), dtype=np.int64)
        last_region[person] = region.codes[crime]
        lives = np.where(near, last_region, home.codes)
        abroad = happens(draw, p.residence_unknown, len(lives)) | Coded(home.words, lives).is_in(self.p.suspects.not_a_residence)
        lives = np.where(abroad, home.words.index(NOWHERE), lives)
        suspect_no = position_within(crime)
        shared = happens(draw, 0.3, len(crimes))
        suffix = np.where(shared[crime], 1, suspect_no)
        lead = episodes.lead[episode]
        dossier = joined([take(crimes.columns["incident_no"], crime[lead]), "-", padded(suffix[lead], 1)])
        handed = episodes.handed_on[episode]
        follow_up = episodes.follow_up.at(episode)
        self.tables["suspicions"] = Table(
            columns={
                "incident_no": take(crimes.columns["incident_no"], crime),
                "crime_no": take(crimes.columns["crime_no"], crime),
                "suspect_no": suspect_no,
                "report_no": dossier,
                "suspect_kind": Coded((NATURAL, ENTITY), people.is_entity[person].astype(np.int64)),
                "residence": Coded(home.words, lives[person]),
                "police_class": crimes.coded("police_class").at(crime),
                "region": region.at(crime),
                "offence_on": offence_on,
                "registered_on": registered,
                "follow_up": follow_up,
                "followed_up_on": np.where(follow_up.is_in([STILL_OPEN]), NEVER, handed),
            },
            entry=registered,
            person=person,
            case=episode,
            known_with={"follow_up": ("followed_up_on", STILL_OPEN)},
            parent=("crimes", crime),
        )

    # -- prosecution

    def cases(self, episodes: _Episodes) -> None:
        """Cases at the prosecutor: an episode handed over by the police, or one that came another way; and their charges."""
        p, draw, suspicions, people = self.p.prosecution, self.stream("cases"), self.tables["suspicions"], self.people
        sent = np.flatnonzero(episodes.follow_up.is_in([TO_PROSECUTOR]))
        other = round(len(sent) * p.other_origin / (1 - p.other_origin))
        adults = np.flatnonzero(people.born_on + np.timedelta64(20 * 365, "D") < self.first_day)
        received = episodes.handed_on[sent] + p.police_to_intake.draw(draw, len(sent))
        elsewhere = draw.choice(received, other) if len(received) else received
        person = np.concatenate([episodes.person[sent], draw.choice(adults, other) if len(adults) else adults[:0]])
        other = len(person) - len(sent)
        received = np.concatenate([received, elsewhere[:other]])
        case = np.concatenate([sent, len(episodes.person) + np.arange(other)])
        lead = np.concatenate([episodes.lead[sent], np.full(other, -1)])
        order = np.argsort(received, kind="stable")
        person, received, case, lead = person[order], received[order], case[order], lead[order]
        n = len(order)
        region = suspicions.coded("region")
        district = self._district(draw, Coded(region.words, np.where(lead < 0, draw.integers(0, len(region.words), n), region.codes[lead])))
        number = self.number("case", received, district=text_of(district.translated(p.district_codes)))
        report = suspicions.texts("report_no").take(pa.array(np.maximum(lead, 0)))
        again = happens(draw, p.again, n)
        self.tables["cases"] = Table(
            columns={
                "case_no": number,
                "report_no": compute.if_else(pa.array(lead < 0), pa.scalar(None, pa.string()), report),
                "suspect_kind": Coded((NATURAL, ENTITY), people.is_entity[person].astype(np.int64)),
                "received_on": received,
                "inflow": Coded(("first", "again"), again.astype(np.int64)),
                "district": district,
                "fast_track": happens(draw, p.fast_track, n),
            },
            entry=received,
            person=person,
            case=case,
        )
        self._charges(draw, episodes, lead)

    def _district(self, draw: np.random.Generator, region: Coded) -> Coded:
        districts = {r: dict.fromkeys(ds, 1.0) for r, ds in self.p.prosecution.districts.items()}
        return mix_by(draw, region, districts)

    def _charges(self, draw: np.random.Generator, episodes: _Episodes, lead: Ints) -> None:
        """One charge for each registration in a case's episode, and one for a case that came another way."""
        p, cases, suspicions = self.p.prosecution, self.tables["cases"], self.tables["suspicions"]
        place = np.full(max(len(episodes.person), cases.case.max(initial=-1) + 1), -1)
        place[cases.case] = np.arange(len(cases))
        registration = np.flatnonzero(place[suspicions.case] >= 0)
        alone = np.flatnonzero(lead < 0)
        case = np.concatenate([place[suspicions.case[registration]], alone])
        classes = suspicions.coded("police_class")
        offence = mix_by(draw, classes.at(registration), {c: v.offences for c, v in self.p.crime.classes.items()})
        other = mix(draw, p.other_offences, len(alone))
        words = tuple(dict.fromkeys([*offence.words, *other.words]))
        codes = np.concatenate([np.array([words.index(w) for w in c.words], dtype=np.int64)[c.codes] for c in (offence, other)])
        earlier = cases.days("received_on")[alone] - np.timedelta64(60, "D") - days_of(draw, 90, 1.0, len(alone))
        offence_on = np.concatenate([suspicions.days("offence_on")[registration], earlier])
        months = Coded(words, codes).numbers({w: float(p.penalties[w]) for w in words}).astype(np.int64)
        order = np.lexsort((offence_on, case))
        case, codes, offence_on, months = case[order], codes[order], offence_on[order], months[order]
        self.tables["charges"] = Table(
            columns={
                "case_no": take(cases.columns["case_no"], case),
                "charge_no": position_within(case),
                "offence": Coded(words, codes),
                "offence_on": offence_on,
                "max_months": months,
            },
            entry=cases.entry[case],
            person=cases.person[case],
            case=cases.case[case],
            parent=("cases", case),
        )
        by_weight = np.lexsort((np.arange(len(case)), -months, case))
        self.principal = by_weight[np.unique(case[by_weight], return_index=True)[1]]  # each case's heaviest charge

    def decisions(self) -> None:
        """What the prosecutor decides: one decision a case, by the suspect's age at the heaviest offence."""
        p, draw, cases, charges = self.p.prosecution, self.stream("decisions"), self.tables["cases"], self.tables["charges"]
        n = len(cases)
        age = _age(self.people.born_on[cases.person], charges.days("offence_on")[self.principal])
        self.is_minor = age < 18
        bands = tuple(p.decisions)
        limits = np.array([int(b[:2]) for b in bands if b[0].isdigit()])
        band = np.maximum(np.searchsorted(limits, age, side="right") - 1, 0)
        band = np.where(self.people.is_entity[cases.person], bands.index("entity"), band)
        decision = mix_by(draw, Coded(bands, band), p.decisions)
        words = tuple(dict.fromkeys([*decision.words, p.from_objection.decision]))
        objected = compute.is_null(cases.texts("report_no")).to_numpy(zero_copy_only=False) & happens(draw, p.from_objection.share, n)
        decision = Coded(words, np.where(objected, words.index(p.from_objection.decision), decision.codes))
        decided = cases.days("received_on") + days_of(draw, decision.numbers(p.decision_days), p.decision_sigma, n)
        to_court = decision.is_in(p.to_court)
        amount = np.where(
            happens(draw, decision.numbers({w: p.fined.get(w, 0.0) for w in words}), n), _rounded(p.fine.draw(draw, n), 10), np.nan
        )
        self.tables["decisions"] = Table(
            columns={
                "case_no": cases.columns["case_no"],
                "decision_no": np.ones(n, dtype=np.int64),
                "decision": decision,
                "decided_on": decided,
                "summoned_on": np.where(to_court, decided, NEVER),
                "amount": amount,
            },
            entry=decided,
            person=cases.person,
            case=cases.case,
            parent=("cases", np.arange(n)),
        )
        cases.last = decided

    # -- court

    def trials(self) -> None:
        """Cases brought before a judge, with hearing and verdict."""
        p, draw, cases, charges = self.p.court, self.stream("trials"), self.tables["cases"], self.tables["charges"]
        summoned = self.tables["decisions"].days("summoned_on")
        case = np.flatnonzero(~np.isnat(summoned))
        received = summoned[case] + p.summons_to_intake.draw(draw, len(case))
        order = np.argsort(received, kind="stable")
        case, received = case[order], received[order]
        n, principal = len(case), self.principal[case]
        heavy = (charges.numbers("max_months")[principal] >= p.heavy_from_months) & happens(draw, p.heavy_share, n)
        kinds = (p.judges.other, p.judges.heavy, p.judges.minor)
        judge = Coded(kinds, np.where(self.is_minor[case], 2, heavy.astype(np.int64)))
        heard = received + ONE + days_of(draw, judge.numbers(p.intake_to_hearing_days), p.hearing_sigma, n)
        decided = heard + judge.numbers({k: float(v) for k, v in p.hearing_to_verdict_days.items()}).astype("timedelta64[D]")
        self.trial_case = case
        self.tables["trials"] = Table(
            columns={
                "trial_no": self.number("trial", received),
                "case_no": take(cases.columns["case_no"], case),
                "received_on": received,
                "judge": judge,
                "district": cases.coded("district").at(case),
                "offence": charges.coded("offence").at(principal),
                "offence_on": charges.days("offence_on")[principal],
                "heard_on": heard,
                "decided_on": decided,
                "verdict": mix(draw, p.verdicts, n),
            },
            entry=received,
            person=cases.person[case],
            case=cases.case[case],
            known_with={"verdict": ("decided_on", None)},
            last=decided,
        )

    def sanctions(self) -> None:
        """What judges impose: a principal sanction for each conviction, and often another beside it."""
        p, draw, trials = self.p.court, self.stream("sanctions"), self.tables["trials"]
        convicted = np.flatnonzero(trials.coded("verdict").is_in([p.convicted]))
        words = tuple(dict.fromkeys([*p.principal, *p.extra, p.minor_custody]))
        principal = mix(draw, p.principal, len(convicted))
        parts = [(convicted, np.array([words.index(w) for w in principal.words])[principal.codes])]
        traffic = trials.coded("offence").translated(self.groups).is_in(["traffic"])[convicted]
        for word, chance in p.extra.items():
            beside = happens(draw, chance, len(convicted)) & (parts[0][1] != words.index(word))
            if word in p.traffic_only:
                beside &= traffic
            parts.append((convicted[beside], np.full(beside.sum(), words.index(word))))
        trial, codes = np.concatenate([t for t, _ in parts]), np.concatenate([c for _, c in parts])
        order = np.lexsort((codes, trials.days("decided_on")[trial], trial))
        trial, codes = trial[order], codes[order]
        minor = self.is_minor[self.trial_case[trial]]
        codes = np.where(minor & (codes == words.index(p.custody)), words.index(p.minor_custody), codes)
        kind, n = Coded(words, codes), len(trial)
        modality = mix(draw, p.modality, n)
        custody = kind.is_in([p.custody, p.minor_custody])
        money = np.where(kind.is_in(["fine"]), _rounded(p.fine.draw(draw, n), 10), _rounded(p.damages.draw(draw, n), 1))
        self.sanction_trial = trial
        self.tables["sanctions"] = Table(
            columns={
                "trial_no": take(trials.columns["trial_no"], trial),
                "sanction_no": position_within(trial),
                "case_no": take(trials.columns["case_no"], trial),
                "decided_on": trials.days("decided_on")[trial],
                "sanction": kind,
                "modality": Coded(modality.words, np.where(kind.is_in(p.measures), -1, modality.codes)),
                "days": np.where(custody, p.custody_days.draw(draw, n), np.nan),
                "hours": np.where(kind.is_in(["community_service"]), np.maximum(_rounded(p.service_hours.draw(draw, n), 2), 4), np.nan),
                "amount": np.where(kind.is_in(["fine", "damages_order"]), money, np.nan),
            },
            entry=trials.days("decided_on")[trial],
            person=trials.person[trial],
            case=trials.case[trial],
            parent=("trials", trial),
        )

    # -- execution

    def executions(self) -> None:
        """Sums of money to collect: fines and damages of the courts, penal orders and transactions of the prosecutor."""
        p, draw = self.p.execution, self.stream("executions")
        sanctions, decisions, cases = self.tables["sanctions"], self.tables["decisions"], self.tables["cases"]
        imposed = np.flatnonzero(sanctions.coded("sanction").is_in(p.from_sanction) & ~sanctions.coded("modality").is_in(["conditional"]))
        amount = decisions.numbers("amount")
        ordered = np.flatnonzero(decisions.coded("decision").is_in(p.from_decision) & ~np.isnan(amount))
        words = tuple(dict.fromkeys([*p.from_sanction.values(), *p.from_decision.values()]))
        kinds = [
            sanctions.coded("sanction").at(imposed).translated({**{w: w for w in sanctions.coded("sanction").words}, **p.from_sanction}),
            decisions.coded("decision").at(ordered).translated({**{w: w for w in decisions.coded("decision").words}, **p.from_decision}),
        ]
        codes = np.concatenate([np.array([words.index(w) if w in words else -1 for w in k.words], dtype=np.int64)[k.codes] for k in kinds])
        known = np.concatenate([sanctions.days("decided_on")[imposed], decisions.days("decided_on")[ordered]])
        case = np.concatenate([self.trial_case[self.sanction_trial[imposed]], ordered])
        amounts = np.concatenate([sanctions.numbers("amount")[imposed], amount[ordered]])
        received = known + p.verdict_to_collection.draw(draw, len(known))
        order = np.argsort(received, kind="stable")
        kind, received, case, amounts = Coded(words, codes[order]), received[order], case[order], amounts[order]
        settled = received + ONE + _days(p.collection_days.draw(draw, len(order)))
        self.execution_case = case
        self.tables["executions"] = Table(
            columns={
                "execution_no": self.number("execution", received),
                "case_no": take(cases.columns["case_no"], case),
                "sanction": kind,
                "received_on": received,
                "amount": amounts,
                "settled_on": settled,
                "result": mix_by(draw, kind, p.results),
            },
            entry=received,
            person=cases.person[case],
            case=cases.case[case],
            known_with={"result": ("settled_on", None)},
            last=settled,
        )

    def assignments(self) -> None:
        """Work of the probation service: community service, supervision, and advice to the court."""
        p, draw = self.p.execution, self.stream("assignments")
        sanctions, trials, cases, decisions = (self.tables[t] for t in ("sanctions", "trials", "cases", "decisions"))
        adult = ~self.is_minor[self.trial_case[self.sanction_trial]]
        kind = sanctions.coded("sanction")
        served = np.flatnonzero(adult & kind.is_in(["community_service"]) & ~sanctions.coded("modality").is_in(["conditional"]))
        on_condition = adult & kind.is_in([self.p.court.custody]) & sanctions.coded("modality").is_in(["conditional", "partly_conditional"])
        watched = np.flatnonzero(on_condition & happens(draw, p.supervised, len(sanctions)))
        advised = np.flatnonzero(~self.is_minor[self.trial_case] & happens(draw, p.advised, len(trials)))
        summoned = decisions.days("summoned_on")[self.trial_case[advised]]
        verdict = sanctions.days("decided_on")
        n = [len(served), len(watched), len(advised)]
        start = [
            verdict[served] + _days(p.service_wait_days.draw(draw, n[0])),
            verdict[watched] + np.timedelta64(15, "D"),
            summoned + _days(draw.integers(0, 10, n[2])),
        ]
        hearing = np.maximum(trials.days("heard_on")[advised] - np.timedelta64(7, "D"), start[2] + ONE)
        end = [
            start[0] + _days(p.service_days.draw(draw, n[0])),
            start[1] + _days(p.supervision_days.draw(draw, n[1])),
            hearing,
        ]
        case = np.concatenate(
            [self.trial_case[self.sanction_trial[served]], self.trial_case[self.sanction_trial[watched]], self.trial_case[advised]]
        )
        words = (p.assignments.service, p.assignments.supervision, p.assignments.advice)
        started, ended, codes = np.concatenate(start), np.concatenate(end), np.repeat(np.arange(3), n)
        hours = np.concatenate([sanctions.numbers("hours")[served], np.zeros(n[1] + n[2])])
        order = np.argsort(started, kind="stable")
        kinds = Coded(words, codes[order])
        case, self.assignment_hours = case[order], hours[order]
        self.assignment_case = case
        self.tables["assignments"] = Table(
            columns={
                "assignment_no": self.number("assignment", started[order]),
                "case_no": take(cases.columns["case_no"], case),
                "kind": kinds,
                "started_on": started[order],
                "ended_on": ended[order],
                "result": mix_by(draw, kinds, p.assignment_results),
            },
            entry=started[order],
            person=cases.person[case],
            case=cases.case[case],
            known_with={"result": ("ended_on", None)},
            last=ended[order],
        )

    def stays(self, episodes: _Episodes) -> None:
        """Detention: on remand, to serve a sentence, or instead of a fine or of community service that failed."""
        draw = self.stream("stays")
        parts = [self._remand(draw, episodes), self._sentences(draw), self._substitutes(draw)]
        case, admitted, released, sentenced, title, reason = (np.concatenate([part[i] for part in parts]) for i in range(6))
        cases, charges = self.tables["cases"], self.tables["charges"]
        person = cases.person[case]
        order = np.lexsort((case, released, admitted, person))
        apart = _not_overlapping(person[order], admitted[order], released[order])
        order = order[apart]
        order = order[np.argsort(admitted[order], kind="stable")]
        case, admitted, released, sentenced, title, reason, person = (
            a[order] for a in (case, admitted, released, sentenced, title, reason, person)
        )
        p = self.p.execution
        words = (*p.remand_titles, p.sentence_title, p.substitute_title)
        reasons = tuple(dict.fromkeys(w for r in p.release_reasons.values() for w in r))
        kinds = [mix(draw, r, len(case)) for r in p.release_reasons.values()]
        chosen = np.choose(reason, [np.array([reasons.index(w) for w in k.words])[k.codes] for k in kinds]) if len(case) else reason
        places = {r: s for r, s in self.p.crime.regions.items() if r not in self.p.suspects.not_a_residence and r != NOWHERE}
        persons, first = np.unique(person, return_index=True)
        number = self.number("detainee", np.sort(admitted[first]))
        rank = np.argsort(np.argsort(first))
        self.tables["stays"] = Table(
            columns={
                "detainee_no": number.take(pa.array(rank[np.searchsorted(persons, person)])),
                "stay_no": position_within(person),
                "case_no": take(cases.columns["case_no"], case),
                "place": mix(draw, places, len(case)),
                "offence": charges.coded("offence").at(self.principal[case]),
                "admitted_on": admitted,
                "title": Coded(words, np.array([0, len(words) - 2, len(words) - 1])[title]),
                "released_on": released,
                "release_reason": Coded(reasons, chosen),
            },
            entry=admitted,
            person=person,
            case=cases.case[case],
            known_with={"release_reason": ("released_on", None)},
            last=released,
        )
        self._titles(title, admitted, released, sentenced, words)

    def _remand(self, draw: np.random.Generator, episodes: _Episodes) -> tuple[Days, ...]:
        """Held from the first registration; some stay on to serve the sentence."""
        p, cases, charges, trials = self.p.execution.remand, self.tables["cases"], self.tables["charges"], self.tables["trials"]
        months = charges.numbers("max_months")[self.principal[self.trial_case]]
        from_police = cases.case[self.trial_case] < len(episodes.person)
        natural = ~self.people.is_entity[trials.person]
        held = np.flatnonzero(from_police & natural & (months >= p.from_months) & happens(draw, p.share, len(trials)))
        case = self.trial_case[held]
        admitted = episodes.last_on[cases.case[case]]
        released = admitted + p.draw(draw, len(held)) + ONE
        verdict = trials.days("decided_on")[held]
        days = self._custody_days()[held]
        serves = ~np.isnan(days) & happens(draw, 0.5, len(held)) & (np.nan_to_num(days) > (verdict - admitted).astype(np.int64))
        until = verdict + np.maximum(np.nan_to_num(days) - (verdict - admitted).astype(np.int64), 1).astype("timedelta64[D]")
        released = np.where(serves, np.maximum(until, verdict + ONE), released)
        sentenced = np.where(serves, verdict, NEVER)
        self.served = np.zeros(len(trials))
        self.served[held] = np.where(serves, np.inf, (released - admitted).astype(np.int64))
        return case, admitted, released, sentenced, np.zeros(len(held), dtype=np.int64), serves.astype(np.int64)

    def _custody_days(self) -> Floats:
        """Days of custody to be served, by trial; NaN for none."""
        sanctions = self.tables["sanctions"]
        days = np.full(len(self.tables["trials"]), np.nan)
        serve = sanctions.coded("sanction").is_in([self.p.court.custody, self.p.court.minor_custody])
        serve &= ~sanctions.coded("modality").is_in(["conditional"])
        share = np.where(sanctions.coded("modality").is_in(["partly_conditional"]), 0.6, 1.0)
        days[self.sanction_trial[serve]] = np.ceil(sanctions.numbers("days") * share)[serve]
        return days

    def _sentences(self, draw: np.random.Generator) -> tuple[Days, ...]:
        p, trials = self.p.execution, self.tables["trials"]
        left = self._custody_days() - self.served
        trial = np.flatnonzero(np.nan_to_num(left) >= 1)
        admitted = trials.days("decided_on")[trial] + np.timedelta64(15, "D") + _days(p.sentence_wait_days.draw(draw, len(trial)))
        released = admitted + left[trial].astype("timedelta64[D]")
        never = np.full(len(trial), NEVER)
        return self.trial_case[trial], admitted, released, never, np.ones(len(trial), dtype=np.int64), np.ones(len(trial), dtype=np.int64)

    def _substitutes(self, draw: np.random.Generator) -> tuple[Days, ...]:
        p, executions, assignments = self.p.execution, self.tables["executions"], self.tables["assignments"]
        natural = ~self.people.is_entity[executions.person]
        unpaid = np.flatnonzero(natural & executions.coded("result").is_in([p.substituted]))
        failed = np.flatnonzero(assignments.coded("kind").is_in([p.assignments.service]) & assignments.coded("result").is_in(["failed"]))
        failed = failed[happens(draw, 0.5, len(failed))]
        case = np.concatenate([self.execution_case[unpaid], self.assignment_case[failed]])
        admitted = np.concatenate([executions.days("settled_on")[unpaid], assignments.days("ended_on")[failed] + np.timedelta64(60, "D")])
        amount = executions.numbers("amount")[unpaid]
        days = np.concatenate([np.clip(amount // 50, 1, 60), np.maximum(self.assignment_hours[failed] // 2, 1)])
        released = admitted + days.astype("timedelta64[D]")
        kind = np.full(len(case), 2, dtype=np.int64)
        return case, admitted, released, np.full(len(case), NEVER), kind, kind

    def _titles(self, title: Ints, admitted: Days, released: Days, sentenced: Days, words: tuple[str, ...]) -> None:
        """Titles that follow the first one inside a stay: remand after police custody, a sentence after the verdict."""
        stays = self.tables["stays"]
        remand = np.flatnonzero((title == 0) & (released > admitted + np.timedelta64(3, "D")))
        serving = np.flatnonzero(~np.isnat(sentenced))
        stay = np.concatenate([remand, serving])
        started = np.concatenate(
            [admitted[remand] + np.timedelta64(3, "D"), np.maximum(sentenced[serving], admitted[serving] + np.timedelta64(4, "D"))]
        )
        code = np.concatenate([np.full(len(remand), 1), np.full(len(serving), len(words) - 2)])
        order = np.lexsort((started, stay))
        stay, started, code = stay[order], started[order], code[order]
        self.tables["titles"] = Table(
            columns={
                "detainee_no": take(stays.columns["detainee_no"], stay),
                "stay_no": take(stays.columns["stay_no"], stay),
                "title_no": position_within(stay),
                "title": Coded(words, code),
                "started_on": started,
            },
            entry=started,
            person=stays.person[stay],
            case=stays.case[stay],
            parent=("stays", stay),
        )

    # -- youth

    def referrals(self, episodes: _Episodes) -> None:
        """Minors whom the police refer to Halt."""
        p, draw, suspicions = self.p.execution, self.stream("referrals"), self.tables["suspicions"]
        episode = np.flatnonzero(episodes.follow_up.is_in([TO_HALT]))
        referred = episodes.handed_on[episode] + _days(draw.integers(0, 8, len(episode)))
        order = np.argsort(referred, kind="stable")
        episode, referred = episode[order], referred[order]
        lead, n = episodes.lead[episode], len(episode)
        closed = referred + ONE + _days(p.halt_days.draw(draw, n))
        offences = {c: v.offences for c, v in self.p.crime.classes.items()}
        self.tables["referrals"] = Table(
            columns={
                "referral_no": self.number("referral", referred),
                "report_no": take(suspicions.columns["report_no"], lead),
                "offence": mix_by(draw, suspicions.coded("police_class").at(lead), offences),
                "referred_on": referred,
                "closed_on": closed,
                "result": mix(draw, p.halt_results, n),
            },
            entry=referred,
            person=episodes.person[episode],
            case=episode,
            known_with={"result": ("closed_on", None)},
            last=closed,
        )

    def investigations(self) -> None:
        """What the child protection board does in cases of minors."""
        p, draw, cases = self.p.execution.youth, self.stream("investigations"), self.tables["cases"]
        case = np.flatnonzero(self.is_minor & happens(draw, p.share, len(cases)))
        started = cases.days("received_on")[case] + _days(draw.integers(0, 15, len(case)))
        order = np.argsort(started, kind="stable")
        case, started = case[order], started[order]
        ended = started + ONE + p.draw(draw, len(case))
        kind = mix(draw, p.kinds, len(case))
        self.tables["investigations"] = Table(
            columns={
                "investigation_no": self.number("investigation", started),
                "case_no": take(cases.columns["case_no"], case),
                "kind": kind,
                "started_on": started,
                "ended_on": ended,
                "result": mix_by(draw, kind, p.results),
            },
            entry=started,
            person=cases.person[case],
            case=cases.case[case],
            known_with={"result": ("ended_on", None)},
            last=ended,
        )


def _age(born_on: Days, day: Days) -> Ints:
    """Whole years, near enough to choose by; 30 for who has no birth date (a legal entity)."""
    years = (day - born_on).astype("timedelta64[D]").astype(np.float64) / YEAR
    return np.where(np.isnat(born_on), 30, np.floor(np.where(np.isnat(born_on), 0, years))).astype(np.int64)


def _days(numbers: Floats) -> Spans:
    """Numbers as whole days."""
    return numbers.astype("timedelta64[D]")


def _extremes(group: Ints, day: Days) -> tuple[Days, Days]:
    """The first and the last day of each group."""
    order = np.lexsort((day, group))
    starts = np.unique(group[order], return_index=True)[1]
    ends = np.r_[starts[1:], len(order)] - 1
    return day[order][starts], day[order][ends]


def _not_overlapping(person: Ints, start: Days, end: Days) -> Bools:
    """Which stays, in order of person and start, begin after every earlier one of the same person has ended."""
    keep = np.ones(len(person), dtype=bool)
    while True:
        rows = np.flatnonzero(keep)
        bad = (person[rows][1:] == person[rows][:-1]) & (start[rows][1:] <= end[rows][:-1])
        if not bad.any():
            return keep
        first_bad = bad & ~np.r_[False, bad[:-1]]
        keep[rows[1:][first_bad]] = False


def _rounded(amounts: Ints, to: int) -> Floats:
    """Amounts as they are fixed: whole multiples of `to`, at least one."""
    return np.maximum(np.round(amounts / to), 1) * to

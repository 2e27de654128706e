"""Registered crime, and the registrations of suspects, grouped in episodes of one person."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from simulation.draws import (
    NEVER,
    Coded,
    Days,
    Floats,
    Ints,
    compute,
    happens,
    joined,
    mix,
    mix_by,
    odds,
    padded,
    position_within,
    roots,
    take,
    text_of,
)
from simulation.world.persons import draw_people
from simulation.world.tables import ENTITY, NATURAL, ONE, YEAR, Steps, Table, age, calendar_year, extremes, repeated

NOWHERE = "unknown"  # the region of persons without a known residence
NOT_YET = np.datetime64("2262-01-01")
HOMES = 4  # the most that a person has in the years of a world


def crimes(steps: Steps) -> Table:
    """Registered crimes by class, season and region; some share an incident with the preceding crime."""
    p, draw = steps.parameters.crime, steps.stream("crimes")
    reported, police_class, service = _reported(steps, draw)
    n, year = len(reported), calendar_year(reported)
    follows = happens(draw, p.same_incident, n) & np.r_[False, service.codes[1:] == service.codes[:-1]][:n]
    first = np.maximum.accumulate(np.where(follows, 0, np.arange(n)))
    reported = reported[first]
    regions = {p.service: p.regions, **{name: s.regions for name, s in p.services.items()}}
    region = mix_by(draw, service, regions).at(first)
    registered = reported + p.report_to_registration.draw(draw, n)
    chance = odds(police_class.numbers({c: v.cleared for c, v in p.classes.items()}), steps.aligned("clearance", reported))
    cleared = happens(draw, chance, n, within=year * len(p.classes) + police_class.codes)
    cleared_on = np.where(cleared, registered + p.registration_to_clearance.draw(draw, n), NEVER)
    has_damage = police_class.translated(steps.groups).is_in(p.damage.groups) & happens(draw, p.damage.share, n)
    opening = np.flatnonzero(~follows)
    unit = text_of(region.translated(steps.parameters.prosecution.unit_codes))
    for name, other in p.services.items():
        unit = compute.if_else(pa.array(service.is_in([name])), other.unit, unit)
    unit = unit.take(pa.array(opening))
    numbers = steps.number("incident", reported[opening], unit=unit)
    return Table(
        columns={
            "incident_no": numbers.take(pa.array(np.cumsum(~follows) - 1)),
            "crime_no": np.arange(n) - first + 1,
            "police_class": police_class,
            "service": service,
            "region": region,
            "municipality": mix_by(draw, region, p.municipalities).at(first),
            "offence_on": reported - p.offence_to_report.draw(draw, n)[first],
            "reported_on": reported,
            "registered_on": registered,
            "cleared": cleared,
            "cleared_on": cleared_on,
            "attempt": happens(draw, p.attempt, n),
            "damage": np.where(has_damage, p.damage.draw(draw, n) + draw.integers(0, 100, n) / 100, np.nan),
        },
        entry=registered,
        person=np.full(n, -1),
        case=np.full(n, -1),
        known_with={"cleared": ("cleared_on", None)},
    )


def _reported(steps: Steps, draw: np.random.Generator) -> tuple[Days, Coded, Coded]:
    """The crimes that each police force registers in each year, by class, on days that follow the season; in order of those days."""
    p, words = steps.parameters.crime, tuple(steps.parameters.crime.classes)
    services = (p.service, *p.services)
    year_of, month = calendar_year(steps.days), steps.days.astype("datetime64[M]").astype(np.int64) % 12
    days, classes = [], []
    for year in np.unique(year_of):
        of_year = np.flatnonzero(year_of == year)
        registered = p.registered_in(int(year)) * steps.scale * len(of_year) / YEAR
        others = [_mixed(s.classes, words) * s.share * registered.sum() for s in p.services.values()]
        numbers = steps.part(np.concatenate([registered, *others]))
        weight = np.array(p.months.get(int(year), p.season))[month[of_year]]
        days.append(steps.days[draw.choice(of_year, size=numbers.sum(), p=weight / weight.sum())])
        classes.append(draw.permutation(np.repeat(np.arange(len(numbers)), numbers)))
    every = np.concatenate(days)
    order = np.argsort(every, kind="stable")
    kind = np.concatenate(classes)[order]
    return every[order], Coded(words, kind % len(words)), Coded(services, kind // len(words))


def _mixed(shares: Mapping[str, float], words: tuple[str, ...]) -> Floats:
    """The shares of `words`, adding up to 1."""
    weights = np.array([shares.get(w, 0.0) for w in words])
    return weights / weights.sum()


def episodes(steps: Steps) -> Table:
    """Series of registrations of one person that the police hand over together: each is one true case. This step also draws the people.

    The registrations themselves are in the links: `crimes` and `registrations` have one row per registration, not per episode.
    """
    p, draw, crimes = steps.parameters.suspects, steps.stream("suspicions"), steps.tables["crimes"]
    solved = np.flatnonzero(~np.isnat(crimes.days("cleared_on")))
    words = tuple(p.a_cleared_crime)
    more = steps.aligned("suspects_a_crime", crimes.days("cleared_on")[solved])
    one = Coded(("",), np.zeros(len(solved), dtype=np.int64))
    number = mix_by(
        draw, one, {"": p.a_cleared_crime}, dict.fromkeys(words[1:], more), within=calendar_year(crimes.days("cleared_on")[solved])
    )
    crime = np.repeat(solved, np.array([int(w) for w in number.words])[number.codes])
    registered = crimes.days("cleared_on")[crime]
    group = crimes.coded("police_class").translated(steps.groups)
    kind = group.codes * len(crimes.coded("service").words) + crimes.coded("service").codes  # an episode belongs to one force
    order = np.lexsort((crime, registered, kind[crime]))
    crime, registered = crime[order], registered[order]
    leads, episode = np.unique(_leads(steps, draw, crime, kind[crime], registered), return_inverse=True)
    with_suspect, first = np.unique(crime, return_index=True)
    crimes.case[with_suspect] = episode[first]  # what becomes of a crime is what becomes of its first suspect's case
    first_on, last_on = extremes(episode, registered)
    person = _persons(steps, draw, first_on, episode, crime)
    _draw_people(steps, draw, person, episode, crimes.days("offence_on")[crime], group.at(crime[leads]))
    minor = age(steps.people.born_on[person], crimes.days("offence_on")[crime[leads]]) < 18
    light = group.at(crime[leads]).is_in(p.halt.groups) & (np.bincount(episode, minlength=len(leads)) == 1)
    year, can_go = calendar_year(last_on), minor & light
    to_halt = can_go & happens(draw, odds(p.halt.share, steps.aligned("halt", last_on)), len(leads), within=2 * year + can_go)
    factors = {word: steps.aligned("to_prosecutor" if word == p.to_prosecutor else word, last_on) for word in p.follow_up}
    for word, multipliers in p.by_group.items():
        factors[word] = factors[word] * group.at(crime[leads]).numbers({g: multipliers.get(g, 1.0) for g in group.words})
    everybody = Coded(("",), np.zeros(len(leads), dtype=np.int64))
    follow_up = mix_by(draw, everybody, {"": p.follow_up}, factors, within=year)
    words = (*follow_up.words, p.to_halt)
    return Table(
        columns={
            "first_on": first_on,
            "last_on": last_on,
            "follow_up": Coded(words, np.where(to_halt, len(words) - 1, follow_up.codes)),
            "handed_on": last_on + p.registration_to_follow_up.draw(draw, len(leads)),
        },
        entry=first_on,
        person=person,
        case=np.arange(len(leads)),
        links={"suspicions": leads, "crimes": crime, "registrations": episode},
    )


def _leads(steps: Steps, draw: np.random.Generator, crime: Ints, kind: Ints, registered: Days) -> Ints:
    """For each registration, the first registration of its episode: itself, or a recent one of the same kind."""
    rows = np.arange(len(crime))
    back = np.maximum(rows - draw.integers(1, 7, len(rows)), 0)
    chance = odds(steps.parameters.suspects.joins_episode, steps.aligned("joins_episode", registered))
    joins = happens(draw, chance, len(rows)) & (kind[back] == kind)
    joins &= (crime[back] != crime) & (registered - registered[back] <= 45 * ONE)
    lead = roots(np.where(joins, back, rows))
    return np.where(repeated(lead, crime), rows, lead) if len(rows) else rows  # nobody is a suspect of the same crime twice


def _persons(steps: Steps, draw: np.random.Generator, first_on: Days, episode: Ints, crime: Ints) -> Ints:
    """The person of each episode: a new one, or the person of an earlier episode, so that a few return often."""
    p, n = steps.parameters.suspects, len(first_on)
    in_time = np.argsort(first_on, kind="stable")
    rank, day = np.argsort(in_time), first_on[in_time]
    then = day - p.return_days.draw(draw, n).astype("timedelta64[D]")
    low, high = np.searchsorted(day, then), np.searchsorted(day, then, side="right")
    back = np.where(
        high > low, low + np.floor(draw.random(n) * (high - low)).astype(np.int64), low - 1
    )  # an episode of that day, or else the last one before it
    again = happens(draw, odds(p.known_again, steps.aligned("known_again", day)), n, within=calendar_year(day)) & (back >= 0)
    pointer = np.where(again, back, np.arange(n))
    while True:
        person = in_time[roots(pointer)][rank]
        twice = repeated(person[episode], crime)  # one person twice in one crime: these episodes must be of different persons
        if not twice.any():
            return np.unique(person, return_inverse=True)[1]
        apart = rank[episode[twice]]
        pointer[apart] = apart


def _draw_people(steps: Steps, draw: np.random.Generator, person: Ints, episode: Ints, offence_on: Days, group: Coded) -> None:
    """Draw the people behind the episodes, old enough for their first offence; some offences are often committed by legal entities."""
    n = person.max(initial=-1) + 1
    first_offence = np.full(n, NOT_YET, dtype="datetime64[D]")
    np.minimum.at(first_offence, person[episode], offence_on)
    first_group = np.zeros(n, dtype=np.int64)
    first_group[person[::-1]] = group.codes[::-1]
    chance = np.array([steps.parameters.suspects.legal_entity.get(w, 0.0) for w in group.words])[first_group]
    is_entity, minors = happens(draw, odds(chance, steps.aligned("legal_entity", first_offence)), n), steps.aligned("minor", first_offence)
    steps.known_people = draw_people(steps.parameters, steps.seed, first_offence, is_entity, minors, steps.block, steps.blocks)


def suspicions(steps: Steps) -> Table:
    """Registrations: one row per suspect and crime."""
    p, draw, crimes = steps.parameters.suspects, steps.stream("registrations"), steps.tables["crimes"]
    episodes = steps.tables["episodes"]
    crime, episode = episodes.links["crimes"], episodes.links["registrations"]
    person, lead = episodes.person[episode], episodes.links["suspicions"][episode]
    suspect_no = position_within(crime)
    one_report = happens(draw, p.one_report, len(crimes))
    suffix = np.where(one_report[crime], 1, suspect_no)  # of the police report: one for the crime, or one for each suspect
    follow_up, followed_up_on = _ended(steps)
    registered = crimes.days("cleared_on")[crime]
    return Table(
        columns={
            **crimes.at(crime, "incident_no", "crime_no", "police_class", "service", "region", "offence_on"),
            "suspect_no": suspect_no,
            "report_no": joined([take(crimes.columns["incident_no"], crime[lead]), "-", padded(suffix[lead], 1)]),
            "suspect_kind": Coded((NATURAL, ENTITY), steps.people.is_entity[person].astype(np.int64)),
            **_homes(steps, draw, person, crimes.coded("region").at(crime), registered),
            "registered_on": registered,
            "follow_up": follow_up.at(episode),
            "followed_up_on": followed_up_on[episode],
        },
        entry=registered,
        person=person,
        case=episode,
        links={"crimes": crime},
        belongs_to="crimes",
        known_with={"follow_up": ("followed_up_on", p.still_open)},
    )


def _ended(steps: Steps) -> tuple[Coded, Days]:
    """How and when the police end each episode: what is left open at first is given up after a long time."""
    p, draw, episodes = steps.parameters.suspects, steps.stream("given_up"), steps.tables["episodes"]
    follow_up = episodes.coded("follow_up")
    is_left = follow_up.is_in([p.still_open])
    given_up_on = episodes.days("last_on") + p.given_up_days.draw(draw, len(episodes)).astype("timedelta64[D]")
    ends = Coded(follow_up.words, np.where(is_left, follow_up.words.index(p.given_up), follow_up.codes))
    return ends, np.where(is_left, given_up_on, episodes.days("handed_on"))


def merges(steps: Steps) -> Table:
    """The pairs of chain numbers that turned out to be of one person and were merged."""
    people = steps.people
    person = np.flatnonzero(~np.isnat(people.merged_on))
    person = person[np.argsort(people.merged_on[person], kind="stable")]
    rows, merged_on = pa.array(person), people.merged_on[person]
    return Table(
        columns={
            "old_number": people.second_chain_number.take(rows),
            "leading_number": people.chain_number.take(rows),
            "merged_on": merged_on,
        },
        entry=merged_on,
        person=person,
        case=np.full(len(person), -1),
        last=np.full(len(person), steps.days[-1]),  # a number stays merged
    )


def _homes(steps: Steps, draw: np.random.Generator, person: Ints, region: Coded, day: Days) -> dict[str, Coded]:
    """Where the person of each registration lives on its day: at first mostly in the region of one of their crimes, with the first
    person of the household; after each move somewhere else. Some have no known residence, before or after a move.
    """
    p, persons, n = steps.parameters.suspects, steps.parameters.persons, len(steps.people.born_on)
    near = np.zeros(n, dtype=np.int64)
    near[person] = region.codes
    anywhere = mix(draw, steps.parameters.crime.regions, n * HOMES).among(region.words).codes.reshape(HOMES, n)
    homes = anywhere.copy()
    homes[0] = np.where(happens(draw, p.lives_in_region_of_crime, n), near, anywhere[0])[steps.people.household]
    for move in range(1, HOMES):
        homes[move] = np.where(happens(draw, persons.moves_far, n), anywhere[move], homes[move - 1])
    homes[:, happens(draw, p.residence_unknown, n)[steps.people.household]] = -1
    since = np.cumsum(draw.exponential(1 / persons.moves_a_year, (HOMES - 1, n)), axis=0)  # years from the first day of the world
    years = (day - steps.days[0]).astype(np.float64) / YEAR
    moves = sum((since[move][person] < years).astype(np.int64) for move in range(HOMES - 1))
    return {field: column.at(moves * n + person) for field, column in _settled(steps, draw, Coded(region.words, homes.reshape(-1))).items()}


def _settled(steps: Steps, draw: np.random.Generator, home: Coded) -> dict[str, Coded]:
    """The region and municipality of homes; the region is unknown where nobody can live in it."""
    nowhere = (home.codes < 0) | home.is_in(steps.parameters.suspects.not_a_residence)
    region = Coded(home.words, np.where(nowhere, home.words.index(NOWHERE), home.codes))
    return {"residence": region, "home_municipality": mix_by(draw, region, steps.parameters.crime.municipalities)}

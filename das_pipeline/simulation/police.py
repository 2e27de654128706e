"""Registered crime, and the registrations of suspects in episodes of one person."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from das_pipeline.simulation.draws import NEVER, Coded, Days, Ints, happens, joined, mix, padded, position_within, roots, take, text_of
from das_pipeline.simulation.persons import draw_people
from das_pipeline.simulation.tables import ENTITY, NATURAL, ONE, YEAR, Steps, Table, age, extremes, repeated

NOWHERE = "unknown"  # the region of who lives nowhere in particular
NOT_YET = np.datetime64("2262-01-01")


def crimes(steps: Steps) -> Table:
    """Registered crimes by class, season and region; some share an incident with the one before."""
    p, draw = steps.parameters.crime, steps.stream("crimes")
    reported, police_class = _reported(steps, draw)
    n = len(reported)
    follows = happens(draw, p.same_incident, n)
    follows[:1] = False
    first = np.maximum.accumulate(np.where(follows, 0, np.arange(n)))
    reported = reported[first]
    region = mix(draw, p.regions, n).at(first)
    registered = reported + p.report_to_registration.draw(draw, n)
    cleared = happens(draw, police_class.numbers({c: v.cleared for c, v in p.classes.items()}), n)
    cleared_on = np.where(cleared, registered + p.registration_to_clearance.draw(draw, n), NEVER)
    has_damage = police_class.translated(steps.groups).is_in(p.damage.groups) & happens(draw, p.damage.share, n)
    opening = np.flatnonzero(~follows)
    unit = text_of(region.translated(steps.parameters.prosecution.unit_codes)).take(pa.array(opening))
    numbers = steps.number("incident", reported[opening], unit=unit)
    return Table(
        columns={
            "incident_no": numbers.take(pa.array(np.cumsum(~follows) - 1)),
            "crime_no": np.arange(n) - first + 1,
            "police_class": police_class,
            "region": region,
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


def _reported(steps: Steps, draw: np.random.Generator) -> tuple[Days, Coded]:
    """As many crimes of each class as are registered in each year, on days by season; in the order of those days."""
    p, words = steps.parameters.crime, tuple(steps.parameters.crime.classes)
    year_of = steps.days.astype("datetime64[Y]").astype(np.int64) + 1970
    weight = np.array(p.season)[steps.days.astype("datetime64[M]").astype(np.int64) % 12]
    days, classes = [], []
    for year in np.unique(year_of):
        of_year = np.flatnonzero(year_of == year)
        numbers = steps.part(p.registered_in(int(year)) * steps.scale * len(of_year) / YEAR)
        chances = weight[of_year] / weight[of_year].sum()
        days.append(steps.days[draw.choice(of_year, size=numbers.sum(), p=chances)])
        classes.append(draw.permutation(np.repeat(np.arange(len(words)), numbers)))
    every = np.concatenate(days)
    order = np.argsort(every, kind="stable")
    return every[order], Coded(words, np.concatenate(classes)[order])


def episodes(steps: Steps) -> Table:
    """Runs of registrations of one person that the police hand over together: each is one true case. The people come with them.

    The registrations themselves are in the links: `crimes` and `registrations` have one row per registration, not per episode.
    """
    p, draw, crimes = steps.parameters.suspects, steps.stream("suspicions"), steps.tables["crimes"]
    solved = np.flatnonzero(~np.isnat(crimes.days("cleared_on")))
    number = mix(draw, p.a_cleared_crime, len(solved))
    crime = np.repeat(solved, np.array([int(w) for w in number.words])[number.codes])
    registered = crimes.days("cleared_on")[crime]
    group = crimes.coded("police_class").translated(steps.groups)
    order = np.lexsort((crime, registered, group.codes[crime]))
    crime, registered = crime[order], registered[order]
    leads, episode = np.unique(_leads(steps, draw, crime, group.codes[crime], registered), return_inverse=True)
    first_on, last_on = extremes(episode, registered)
    person = _persons(steps, draw, first_on, episode, crime)
    _draw_people(steps, draw, person, episode, crimes.days("offence_on")[crime], group.at(crime[leads]))
    minor = age(steps.people.born_on[person], crimes.days("offence_on")[crime[leads]]) < 18
    light = group.at(crime[leads]).is_in(p.halt.groups) & (np.bincount(episode, minlength=len(leads)) == 1)
    to_halt = minor & light & happens(draw, p.halt.share, len(leads))
    follow_up = mix(draw, p.follow_up, len(leads))
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


def _leads(steps: Steps, draw: np.random.Generator, crime: Ints, group: Ints, registered: Days) -> Ints:
    """For each registration the one that its episode starts with: itself, or a recent one of the same main group."""
    rows = np.arange(len(crime))
    back = np.maximum(rows - draw.integers(1, 7, len(rows)), 0)
    joins = happens(draw, steps.parameters.suspects.joins_episode, len(rows)) & (group[back] == group)
    joins &= (crime[back] != crime) & (registered - registered[back] <= 45 * ONE)
    lead = roots(np.where(joins, back, rows))
    return np.where(repeated(lead, crime), rows, lead) if len(rows) else rows  # nobody is suspected of one crime twice


def _persons(steps: Steps, draw: np.random.Generator, first_on: Days, episode: Ints, crime: Ints) -> Ints:
    """The person of each episode: a new one, or one of an earlier episode (so that a few come back often)."""
    n = len(first_on)
    in_time = np.argsort(first_on, kind="stable")
    rank = np.argsort(in_time)
    earlier = np.floor(draw.random(n) * np.arange(n)).astype(np.int64)
    pointer = np.where(happens(draw, steps.parameters.suspects.known_again, n), earlier, np.arange(n))
    while True:
        person = in_time[roots(pointer)][rank]
        twice = repeated(person[episode], crime)  # one person twice in one crime: those episodes are of different persons after all
        if not twice.any():
            return np.unique(person, return_inverse=True)[1]
        apart = rank[episode[twice]]
        pointer[apart] = apart


def _draw_people(steps: Steps, draw: np.random.Generator, person: Ints, episode: Ints, offence_on: Days, group: Coded) -> None:
    """The people behind the episodes, old enough for their first offence; some first offences make a legal entity likely."""
    n = person.max(initial=-1) + 1
    first_offence = np.full(n, NOT_YET, dtype="datetime64[D]")
    np.minimum.at(first_offence, person[episode], offence_on)
    first_group = np.zeros(n, dtype=np.int64)
    first_group[person[::-1]] = group.codes[::-1]
    chance = np.array([steps.parameters.suspects.legal_entity.get(w, 0.0) for w in group.words])[first_group]
    steps.known_people = draw_people(steps.parameters, steps.seed, first_offence, happens(draw, chance, n), steps.block, steps.blocks)


def suspicions(steps: Steps) -> Table:
    """Registrations: one row per suspect and crime."""
    p, draw, crimes = steps.parameters.suspects, steps.stream("registrations"), steps.tables["crimes"]
    episodes = steps.tables["episodes"]
    crime, episode = episodes.links["crimes"], episodes.links["registrations"]
    person, lead = episodes.person[episode], episodes.links["suspicions"][episode]
    suspect_no = position_within(crime)
    one_report = happens(draw, p.one_report, len(crimes))
    suffix = np.where(one_report[crime], 1, suspect_no)  # of the police report: of the crime, or of the suspect
    follow_up = episodes.coded("follow_up").at(episode)
    registered = crimes.days("cleared_on")[crime]
    return Table(
        columns={
            **crimes.at(crime, "incident_no", "crime_no", "police_class", "region", "offence_on"),
            "suspect_no": suspect_no,
            "report_no": joined([take(crimes.columns["incident_no"], crime[lead]), "-", padded(suffix[lead], 1)]),
            "suspect_kind": Coded((NATURAL, ENTITY), steps.people.is_entity[person].astype(np.int64)),
            "residence": _homes(steps, draw, person, crimes.coded("region").at(crime)).at(person),
            "registered_on": registered,
            "follow_up": follow_up,
            "followed_up_on": np.where(follow_up.is_in([p.still_open]), NEVER, episodes.days("handed_on")[episode]),
        },
        entry=registered,
        person=person,
        case=episode,
        links={"crimes": crime},
        belongs_to="crimes",
        known_with={"follow_up": ("followed_up_on", p.still_open)},
    )


def _homes(steps: Steps, draw: np.random.Generator, person: Ints, region: Coded) -> Coded:
    """Where each person lives: mostly in the region of a crime of theirs, for some nowhere in particular."""
    p, n = steps.parameters.suspects, len(steps.people.born_on)
    elsewhere = mix(draw, steps.parameters.crime.regions, n)
    near = np.zeros(n, dtype=np.int64)
    near[person] = region.codes
    home = Coded(region.words, np.where(happens(draw, p.lives_in_region_of_crime, n), near, elsewhere.codes))
    nowhere = happens(draw, p.residence_unknown, n) | home.is_in(p.not_a_residence)
    return Coded(home.words, np.where(nowhere, home.words.index(NOWHERE), home.codes))

"""A month of the real daemon in a few minutes: its processes, sensors and schedules, on a clock that the test sets, while things go wrong.

Day 0 is 31 January, day 29 is 29 February, and the chain of a day runs on the morning after. What happens:

| day | watch | bench | and |
|---:|---|---|---|
| 0 | delivers | delivers | the first release |
| 4 | delivers | is late: what is due comes on day 9 | |
| 9 | delivers | delivers | |
| 12 | delivers what lost its last bytes | | refused |
| 14 | delivers it again, whole | | the first attempt fails: the disk with the originals is away for a moment |
| 18 | delivers | | the power fails while the chain runs, and is back on day 22 |
| 20 | delivers | delivers | the machine is off |
| 29 | delivers | delivers | the second release, at the end of the month |
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import dagster as dg
import pytest

from das_pipeline.settings import PROJECT
from tests.end_to_end.machine import Machine
from tests.installation import Installation, installation, published, store_of
from tests.toy_deliveries import CASES, DAYS, RULINGS, WATCH, bench_cases, bench_rulings, watch_csv, write_delivery

MONTH = "DAS_MONTH"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MONTH not in os.environ, reason=f"takes minutes, and half an hour on a busy machine: set {MONTH}=1"),
]

LATER = WATCH[DAYS[1]]
WATCH_DELIVERS = {0: WATCH[DAYS[0]], 4: LATER[:2], 9: LATER[2:4], 14: LATER[4:5], 18: LATER[5:6], 20: LATER[6:7], 29: LATER[7:]}
BENCH_DELIVERS = {0: DAYS[0], 9: DAYS[0], 20: DAYS[1], 29: DAYS[1]}  # the state of the toy that it is
REFUSED, CORRECTED = 12, 14
DARK, LIGHT = 18, 22  # the machine is off after the one, and on again on the other


def day(number: int) -> date:
    return DAYS[0] + timedelta(days=number)


def watch_delivers(made: Installation, on: int) -> Path:
    """The changes of a day; what is refused on one day is delivered again, as it should have been, on another."""
    sequence = 1 + sorted(WATCH_DELIVERS).index(CORRECTED if on == REFUSED else on)
    files = {"reports": ("reports.csv", watch_csv(WATCH_DELIVERS[CORRECTED if on == REFUSED else on]))}
    about, number = (REFUSED, 2) if on == CORRECTED else (on, 1)
    return write_delivery(made.inbox, "watch", day(about), sequence, files, number=number, delivered_on=day(on).isoformat())


def bench_delivers(made: Installation, on: int) -> None:
    state, about = BENCH_DELIVERS[on], 4 if on == 9 else on
    files = {"cases": ("cases.jsonl", bench_cases(CASES[state])), "rulings": ("rulings.txt", bench_rulings(RULINGS[state]))}
    write_delivery(made.inbox, "bench", day(about), 1 + sorted(BENCH_DELIVERS).index(on), files, delivered_on=day(on).isoformat())


def deliver(made: Installation, on: int) -> None:
    if on in WATCH_DELIVERS:
        watch_delivers(made, on)
    if on in BENCH_DELIVERS:
        bench_delivers(made, on)


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`das run` over the month in which nothing goes wrong."""
    made = installation(tmp_path / "quiet")
    for on in WATCH_DELIVERS:
        deliver(made, on)
    command = [sys.executable, "-m", "cli.main", "run"]
    with subprocess.Popen(command, env=made.environment, cwd=PROJECT, stdout=subprocess.DEVNULL) as process:
        yield process
        process.kill()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = installation(tmp_path / "made")
    made.python("-c", "from orchestration.runs import *; instance(Settings.from_environment()).dispose()")
    with store_of(made) as store:
        machine = Machine(made, store)
        machine.start()
        yield machine
        machine.cut_power()


def taken(made: Installation, partner: str) -> list[str]:
    live = made.lake.current(f"deliveries/{partner}")
    return [] if live is None else [d["known_on"] for d in live.facts["deliveries"]]


def decided(made: Installation) -> str:
    """The last day whose chain came to its end."""
    live = made.lake.current("release/decision")
    return "" if live is None else live.as_of


def candidates(made: Installation) -> dict[str, str]:
    """What was put forward on each day."""
    versions = [
        made.lake.version("release/decision", path.parent.name) for path in made.lake.root("release/decision").glob("*/manifest.json")
    ]
    return {version.as_of: version.facts["candidate"] for version in versions}


def runs_of(store: dg.DagsterInstance, *statuses: dg.DagsterRunStatus) -> list[tuple[str, str]]:
    """The runs with these statuses, any without, as job and partition; those that clean have none."""
    runs = store.get_runs(dg.RunsFilter(statuses=statuses or None))
    return sorted((run.job_name, run.tags["dagster/partition"]) for run in runs if run.job_name != "clean")


def failed(store: dg.DagsterInstance) -> list[tuple[str, str]]:
    return runs_of(store, dg.DagsterRunStatus.FAILURE)


def noon(machine: Machine, today: int) -> None:
    """Deliver what comes on a day, and wait until it is taken in."""
    made, store = machine.made, machine.store
    machine.set_clock(today, 12)
    before = len(failed(store))
    if today == REFUSED:
        path = watch_delivers(made, today) / "reports.csv"
        path.write_bytes(path.read_bytes()[:-25])
        machine.wait(lambda: len(failed(store)) > before, "the torn delivery is refused")
    elif today == CORRECTED:
        originals, aside = made.home / "landing" / "objects", made.home / "landing" / "aside"
        originals.rename(aside)
        originals.write_text("no disk is mounted here", encoding="utf-8")
        deliver(made, today)
        machine.wait(lambda: len(failed(store)) > before, "the first attempt fails")
        originals.unlink()
        aside.rename(originals)
    else:
        deliver(made, today)
    for partner, delivers in (("watch", WATCH_DELIVERS), ("bench", BENCH_DELIVERS)):
        if today in delivers:
            machine.wait(
                lambda p=partner: taken(made, p)[-1:] == [day(today).isoformat()], f"what {partner} delivers on day {today} is taken in"
            )


def night(machine: Machine, today: int) -> None:
    """Let the next morning come, and wait until the chain has run."""
    machine.set_clock(today + 1, 5)
    if today == DARK:
        machine.wait(lambda: half_made(machine.made) == day(today).isoformat(), "the chain runs", step=0.02)
        machine.cut_power()
        assert [run.status for run in machine.unfinished() if run.job_name == "chain"] == [dg.DagsterRunStatus.STARTED]
        return
    last = day(max(on for on in WATCH_DELIVERS if on <= today)).isoformat()
    machine.wait(lambda: mornings(machine) > today and decided(machine.made) == last and not machine.unfinished(), f"day {today} is over")


def half_made(made: Installation) -> str:
    live = made.lake.current("linkage/links")
    return "" if live is None else live.as_of


def mornings(machine: Machine) -> int:
    """The day of the last morning on which the schedule of the chain ticked."""
    return max(machine.ticks("daily"), default=0)


def test_a_month_in_which_things_go_wrong_ends_as_a_quiet_one(machine: Machine, quiet: subprocess.Popen[bytes], tmp_path: Path) -> None:
    made, undisturbed = machine.made, Installation(tmp_path / "quiet", machine.made.jurisdiction)
    for today in range(30):
        if DARK < today < LIGHT:
            deliver(made, today)
        elif today == LIGHT:
            machine.set_clock(today, 9)
            machine.start()
            machine.wait(lambda: mornings(machine) == LIGHT, "the schedule ticks for the morning that has passed")
            night(machine, today)
        else:
            noon(machine, today)
            night(machine, today)
    assert quiet.wait() == 0
    assert [published(r) for r in made.releases()] == [published(r) for r in undisturbed.releases()]
    assert [r.name for r in made.releases()] == ["2024-01-31.1", "2024-02-29.1"]
    assert made.current().name == "2024-02-29.1"
    put_forward, expected = candidates(made), candidates(undisturbed)
    assert put_forward.keys() == expected.keys()
    # The name of a candidate has the versions of its inputs, and after the dark days later deliveries are in before the chain catches up.
    for as_of in (d for d in expected if d < day(DARK).isoformat()):
        assert put_forward[as_of] == expected[as_of], as_of
    for table in ("linkage/links", "chain/flows", "statistics/cubes"):
        assert made.contents(table) == undisturbed.contents(table), table
    refused, away, dark = ("intake_watch", "2024-02-12.1"), ("intake_watch", "2024-02-12.2"), ("chain", "2024-02-18")
    assert {dark, refused, away} <= set(failed(machine.store))
    succeeded = Counter(runs_of(machine.store, dg.DagsterRunStatus.SUCCESS))
    assert max(succeeded.values()) == 1, "no delivery and no day is run again without need"
    assert machine.unfinished() == []
    assert sorted(set(machine.ticks("daily"))) == [*range(20), *range(22, 31)]

"""Retention: what goes after its term, what never goes, and that a home goes on afterwards as if nothing had gone.

The terms of the toy: 1 day for versions and rejected candidates, 30 days for originals and for what came of refused deliveries.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from das_pipeline import deliveries, disk, retention
from das_pipeline.deliveries import landing
from das_pipeline.errors import DeliveryRefused, LakeError
from das_pipeline.gate import GateFailed, Verdict
from das_pipeline.lake import MANIFEST, Draft, Lake, Version, verify
from das_pipeline.release import DECISION
from das_pipeline.retention import Expired
from das_pipeline.run import Run, produce
from das_pipeline.settings import PROJECT, Settings
from tests.conftest import toy_settings
from tests.installation import Installation, copy_of, installation, published
from tests.toy_deliveries import DAYS, WATCH, take_in_all, watch_csv, write_delivery, write_toy_deliveries

FIRST = date(2024, 3, 1)
Start = Callable[[date], Run]


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


def write(name: str, *, adopts: bool = False, fails: bool = False):
    """A build that writes the file `name`, four bytes, beside those of the live version when it adopts."""

    def build(_: Run, draft: Draft) -> list[Verdict]:
        if adopts and draft.live is not None:
            draft.adopt(draft.live)
        draft.path(name, rows=1).write_text("four", encoding="ascii")
        return [Verdict("F01", not fails, "As planted.")]

    return build


def sizes(found: list[Expired]) -> list[tuple[str, int, int]]:
    return [(e.kind, len(e.files), e.bytes) for e in found]


def test_a_replaced_version_goes_after_its_term_and_its_manifest_says_so(start: Start) -> None:
    old = produce(start(day(0)), "chain/a", write("a.txt")).version
    produce(start(day(0)), "chain/b", write("b.txt"), inputs=["chain/a"])
    produce(start(day(0)), "chain/a", write("a.txt"), salt="changed")
    produce(start(day(0)), "chain/b", write("b.txt"), inputs=["chain/a"])
    assert retention.clean(start(day(0))) == []
    planned = retention.expired(start(day(1)))
    assert sizes(planned) == [("versions", 1, 4), ("versions", 1, 4)]
    assert retention.clean(start(day(1))) == planned
    lake = start(day(1)).lake
    removed = lake.version("chain/a", old.id)
    assert (removed.inputs, removed.verdicts, removed.as_of) == (old.inputs, old.verdicts, old.as_of)
    assert [p.name for p in old.folder.rglob("*")] == [MANIFEST]
    for read in (lambda: removed.path("a.txt"), lambda: verify(removed)):
        with pytest.raises(LakeError, match=r"was removed on 2024-03-02, after its term of 1 days \(policy\.yaml, retention\.versions\)"):
            read()
    assert retention.clean(start(day(99))) == []


def test_what_a_live_version_was_made_from_stays(start: Start) -> None:
    used = produce(start(day(0)), "chain/a", write("a.txt")).version
    produce(start(day(0)), "chain/b", write("b.txt"), inputs=["chain/a"])
    produce(start(day(1)), "chain/a", write("a.txt"))
    assert retention.clean(start(day(99))) == []
    verify(used)


def test_a_file_that_a_later_version_names_stays(start: Start) -> None:
    for number in range(3):
        produce(start(day(number)), "disclosure/ledger", write(f"{number}.txt", adopts=True), chained=True)
    produce(start(day(2)), DECISION, write("decision.json"))
    assert retention.clean(start(day(99))) == []
    assert len(start(day(2)).lake.open("disclosure/ledger").files) == 3


def test_versions_since_the_last_decision_stay_for_an_interrupted_day(start: Start) -> None:
    produce(start(day(1)), DECISION, write("decision.json"))
    versions = [produce(start(day(number)), "linkage/links", write("links.txt"), chained=True).version for number in range(4)]
    retention.clean(start(day(99)))
    lake = start(day(3)).lake
    assert [bool(lake.version("linkage/links", v.id).removed) for v in versions] == [True, False, False, False]


def test_a_rejected_candidate_and_a_draft_of_a_dead_process_go(start: Start) -> None:
    with pytest.raises(GateFailed):
        produce(start(day(0)), "chain/a", write("a.txt", fails=True))
    draft = start(day(0)).lake.root("chain/a") / ".draft-dead" / "folder"
    draft.mkdir(parents=True)
    (draft / "half.txt").write_text("half", encoding="ascii")
    assert sizes(retention.clean(start(day(0)))) == [("unfinished", 1, 4)]
    assert not draft.parent.exists()
    assert sizes(retention.clean(start(day(1)))) == [("rejected", 1, 4)]


SPILLS = "CREATE TEMP TABLE t AS SELECT range AS n, md5(range::VARCHAR) AS m FROM range(1_000_000)"  # 50 MB, in 25 MB of memory
LEAVES = """
import sys, tempfile, time
from datetime import date
from pathlib import Path
from das_pipeline.disk import REBUILT, using
from das_pipeline.run import Run
from das_pipeline.settings import Settings

home, keys, jurisdiction = map(Path, sys.argv[1:4])
run = Run.start(Settings(home, home, keys, jurisdiction, memory_limit="25MB", threads=1), date(2024, 3, 1))
with (
    run.begin("chain/a") as draft, run.lake.lock("deliveries/watch"), run.connect() as connection,
    tempfile.TemporaryDirectory(dir=home, prefix=".replay-watch-") as aside,
    tempfile.TemporaryDirectory(dir=home, prefix=REBUILT) as rebuilt, using(Path(rebuilt)),
):
    Path(rebuilt, "half.txt").write_text("half", encoding="ascii")
    Path(rebuilt, "chain").symlink_to(home / "chain")
    draft.path("half.txt").write_text("half", encoding="ascii")
    Path(aside, "half.txt").write_text("half", encoding="ascii")
    Path(aside, "originals").symlink_to(home)
    connection.execute(sys.argv[4])
    print("ready", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow  # a process that starts anew
def test_what_a_killed_process_left_goes_and_what_a_living_one_has_stays(start: Start, settings: Settings) -> None:
    home, run = settings.home, start(day(0))
    command = [sys.executable, "-c", LEAVES, str(home), str(settings.keys), str(settings.jurisdiction), SPILLS]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        assert retention.leftovers(home) == []
        process.kill()
    left = retention.leftovers(home)
    places = [e.folder.relative_to(home).as_posix() for e in left if e.folder]
    assert [place.rpartition("-")[0] or place[:7] for place in places] == [".rebuilt", ".replay-watch", ".spill/", "chain/a/.draft"]
    assert [e.bytes > 0 for e in left] == [True] * 4
    with replace(run, settings=replace(settings, memory_limit="25MB", threads=1)).connect() as connection:
        connection.execute(SPILLS)
        (mine,) = {path.parent for path in home.glob(".spill/*/*")} - {e.folder for e in left}
        assert retention.clean(run) == left
        assert connection.execute("SELECT COUNT(DISTINCT m) FROM t").fetchall() == [(1_000_000,)], "what this process spilled is there"
    assert list(home.glob(".spill/*")) == [mine]
    assert list(home.glob(".re*-*")) + list(home.glob("*/*/.draft-*")) == []
    assert run.lake.root("chain/a").is_dir(), "the links to the home were not followed"


def test_a_version_that_was_removed_can_be_made_again(start: Start) -> None:
    first = produce(start(day(0)), "chain/a", write("a.txt")).version
    produce(start(day(0)), "chain/a", write("a.txt"), salt="other")
    retention.clean(start(day(9)))
    assert produce(start(day(0)), "chain/a", write("a.txt")).version.id == first.id
    verify(start(day(0)).lake.open("chain/a"))


def test_nothing_goes_while_a_table_is_being_written(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disk, "WAIT", 0.1)
    run = start(day(9))
    with run.lake.lock("chain/a"), pytest.raises(LakeError, match=r"A run was using .* Nothing was changed: try again when it has ended"):
        retention.clean(run)


@pytest.mark.slow
def test_originals_go_after_their_term_and_what_waits_stays(settings: Settings) -> None:
    write_toy_deliveries(settings.inbox)
    take_in_all(settings)
    run = Run.start(settings, date(2024, 3, 31))
    objects = {d: set(landing.landed(run, "watch", f"{d}.1").objects.values()) for d in DAYS}  # pyright: ignore[reportOptionalMemberAccess]
    removed = retention.clean(run)
    assert sum(len(e.files) for e in removed if e.kind == "originals") == 6  # of January and February: one of watch, two of bench each
    assert [all(landing.landing_object(run, sha).exists() for sha in objects[d]) for d in DAYS] == [False, False, True]
    assert [bool(known.removed) for known in landing.all_landed(run, "bench")] == [True, True, False]
    assert deliveries.pending(run) == []
    assert retention.judged_on(run) == date(2024, 3, 31)


def test_a_refused_delivery_whose_files_went_must_come_again(settings: Settings) -> None:
    january = {"reports": ("reports.csv", watch_csv(WATCH[DAYS[0]]))}
    folder = write_delivery(settings.inbox, "watch", DAYS[0], 1, january)
    with (folder / "reports.csv").open("ab") as file:
        file.write(b"cut")
    run = Run.start(settings, date.max)
    (waiting,) = deliveries.pending(run)
    with pytest.raises(GateFailed):
        deliveries.take_in(run, waiting)
    assert retention.expired(run.known_on(DAYS[0])) == []
    assert {e.kind for e in retention.clean(run.known_on(DAYS[1] + timedelta(days=1)))} == {"refused"}
    landing.refusal_path(run, "watch", f"{DAYS[0]}.1").unlink()
    with pytest.raises(DeliveryRefused, match=r"was removed on 2024-03-01.*Ask the partner to deliver it again"):
        deliveries.take_in(run, waiting)
    write_delivery(settings.inbox, "watch", DAYS[0], 1, january)
    assert deliveries.take_in(run, waiting).is_new
    assert not landing.all_landed(run, "watch")[0].removed


# -- a property over random histories

TABLES = ("chain/a", "chain/b", "disclosure/ledger", "deliveries/watch", DECISION)
STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "table": st.sampled_from(TABLES),
            "days": st.integers(0, 2),
            "inputs": st.sets(st.sampled_from(TABLES)),
            "adopts": st.booleans(),
            "fails": st.booleans(),
        }
    ),
    max_size=14,
)


def is_whole(version: Version) -> bool:
    try:
        verify(replace(version, verdicts=()))
    except LakeError:
        return False
    return True


def everything(lake: Lake) -> dict[tuple[str, str], Version]:
    return {(t, p.parent.name): lake.version(t, p.parent.name) for t in TABLES for p in lake.root(t).glob(f"*/{MANIFEST}")}


@pytest.mark.slow
@settings_of_hypothesis(max_examples=25)  # each waits for the disk some hundred times
@given(steps=STEPS, later=st.integers(0, 40))
def test_nothing_goes_that_a_live_version_reaches_or_whose_term_is_not_over(toy_run: Run, steps, later: int) -> None:
    with TemporaryDirectory() as folder:
        settings = replace(toy_run.settings, home=Path(folder))
        on = FIRST
        for number, step in enumerate(steps):
            on += timedelta(days=step["days"])
            run = replace(toy_run, settings=settings, lake=Lake(Path(folder)), as_of=on)
            inputs = [t for t in sorted(step["inputs"]) if t != step["table"] and run.lake.current(t) is not None]
            chained = step["table"].startswith(("disclosure", "deliveries"))
            try:
                build = write(f"{number}.txt", adopts=step["adopts"], fails=step["fails"])
                produce(run, step["table"], build, inputs=inputs, salt=str(number), chained=chained)
            except GateFailed:
                pass
        run = replace(toy_run, settings=settings, lake=Lake(Path(folder)), as_of=on + timedelta(days=later))
        run.lake.home.mkdir(exist_ok=True)
        before = everything(run.lake)
        live = [v for t in TABLES if (v := run.lake.current(t)) is not None]
        decided = run.lake.current(DECISION)
        retention.clean(run)
        after = everything(run.lake)
        assert after.keys() == before.keys()
        assert all((after[k].inputs, after[k].previous) == (before[k].inputs, before[k].previous) for k in before)
        for version in live:
            assert is_whole(run.lake.open(version.table))
            assert all(is_whole(after[used]) for used in version.inputs.items())
            if version.previous is not None:  # whatever day since the decision is done again finds the version that it goes on from
                chain = [version]
                while (earlier := chain[-1].previous) is not None:
                    chain.append(before[version.table, earlier])
                first = decided.as_of if decided is not None else ""
                assert all(is_whole(after[v.table, v.id]) for v in chain if v.as_of > first)
                assert all(is_whole(after[v.table, v.id]) for v in [v for v in chain if v.as_of <= first][:1])
        for key, version in after.items():
            term = 30 if version.id.startswith("rejected-") and version.table.startswith("deliveries") else 1
            over = date.fromisoformat(version.as_of) + timedelta(days=term) <= run.as_of
            assert is_whole(version) or (over and bool(version.removed)), key
        assert retention.expired(run) == []


@pytest.fixture(scope="module")
def toy_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return Run.start(toy_settings(tmp_path_factory.mktemp("property")), FIRST)


# -- a whole home


@pytest.mark.slow
def test_a_home_that_is_cleaned_after_every_day_releases_the_same_bytes(day_by_day: Installation, tmp_path: Path) -> None:
    cleaned = installation(tmp_path / "cleaned")
    write_toy_deliveries(cleaned.inbox)
    for until in DAYS:
        cleaned.das("run", "--as-of", until.isoformat())
        assert ("versions" in cleaned.das("clean")) == (until != DAYS[0])
    assert "Nothing has outlived its term on 2024-03-31" in cleaned.das("clean", "--dry-run")
    assert [published(r) for r in cleaned.releases()] == [published(r) for r in day_by_day.releases()]
    for pointer in cleaned.home.glob("*/*/current.json"):
        cleaned.live(pointer.parent.relative_to(cleaned.home).as_posix())
    assert "2024-03-31.1" in cleaned.das("explain", "reports", "period=2024")
    cleaned.das("doctor")


KILL_AT = """
import os, signal, sys
from pathlib import Path
from cli.main import main

left, unlink = int(sys.argv.pop(1)), Path.unlink

def killed(self, missing_ok=False):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    unlink(self, missing_ok)

Path.unlink = killed
sys.argv = ["das", "clean"]
main()
"""


CLEAN_IN_DAGSTER = """
from das_pipeline.settings import Settings
from orchestration.definitions import defs
from orchestration.runs import instance

with instance(Settings.from_environment()) as store:
    print(defs.resolve_job_def("clean").execute_in_process(instance=store).success)
"""


@pytest.mark.slow
def test_a_cleaning_that_is_killed_leaves_a_home_that_reads_as_before(day_by_day: Installation, tmp_path: Path) -> None:
    whole, broken = copy_of(day_by_day, tmp_path / "whole"), copy_of(day_by_day, tmp_path / "broken")
    assert json.loads(whole.das("status", "--json"))["expired_items"] > 0
    ended = whole.python("-W", "ignore", "-c", CLEAN_IN_DAGSTER)
    assert ended.split()[-1] == "True"
    state = json.loads(whole.das("status", "--json"))
    assert (state["expired_items"], state["expired_bytes"]) == (0, 0)
    for point in (1, 10, 60):
        command = [sys.executable, "-c", KILL_AT, str(point)]
        killed = subprocess.run(command, env=broken.environment, cwd=PROJECT, capture_output=True, timeout=120, check=False)
        assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
        broken.das("status")
        broken.das("doctor")
    broken.das("run")
    broken.das("clean")
    assert [published(r) for r in broken.releases()] == [published(r) for r in day_by_day.releases()]
    of = {"dagster", ".spill"}
    names = [{p.relative_to(i.home) for p in i.home.rglob("*") if not of & set(p.relative_to(i.home).parts)} for i in (whole, broken)]
    assert names[0] == names[1]
    manifests = [json.loads(p.read_bytes()) for p in broken.home.glob(f"chain/events/*/{MANIFEST}")]
    assert sorted("removed" in m for m in manifests) == [False, True, True]

"""Approval by two persons: who may sign what and when, what voids a signature, and what becomes of a returned or withdrawn one."""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from das_pipeline import deliveries, publication, release
from das_pipeline.deliveries import arrived, take_in
from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.gate import Verdict
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.lake import Draft, canonical
from das_pipeline.policy import load_policy
from das_pipeline.privacy import USES
from das_pipeline.release.approvals import sign_candidate
from das_pipeline.release.ledger import judge_ledger
from das_pipeline.release.verification import sums
from das_pipeline.run import Run, produce
from das_pipeline.settings import Settings
from tests.conftest import TOY
from tests.release.conftest import PERSONS, write_policy
from tests.toy_deliveries import DAYS, WATCH, watch_csv, write_delivery

pytestmark = [pytest.mark.slow]

MARCH = date(2024, 3, 31)
ATOM = "{http://www.w3.org/2005/Atom}"
Approved = Callable[..., Run]
KeyOf = Callable[[str], Path]


def with_own_keys(settings: Settings) -> Settings:
    """The installation with generated keys, none of the demo's."""
    own = replace(settings, keys=settings.keys.with_name("own"))
    own.keys.mkdir(mode=0o700)
    for use in USES:
        (own.keys / use).write_text(secrets.token_hex(32), encoding="ascii")
    return own


def decided(run: Run) -> tuple[str, bool]:
    facts = run.lake.live(release.DECISION).facts
    return facts["rule"], facts["live"]


def test_a_candidate_goes_live_by_a_review_and_another_persons_approval(approved: Approved, key_of: KeyOf) -> None:
    run = approved(MARCH)
    assert (release.standing(run).state, decided(run), publication.current_release(run)) == ("audited", ("signatures", False), None)
    assert "das release review NAME" in run.lake.live(release.DECISION).facts["decision"]
    release.sign_release(run, "review", "anna", key_of("anna"))
    assert (release.standing(run).state, decided(run)) == ("reviewed", ("signatures", False))
    release.sign_release(run, "approve", "bert", key_of("bert"))
    live = publication.current_release(run)
    assert (release.standing(run).state, live.id) == ("released", "2024-03-31.1")
    signed = [record["statement"] for record in live.manifest["approval"]["signatures"]]
    assert [(s["action"], s["person"], s["release"]) for s in signed] == [("review", "anna", live.id), ("approve", "bert", live.id)]
    assert release.verify_release(live.folder) == []
    assert judge_ledger(run).passed


@pytest.mark.parametrize(
    ("reviewed_by", "action", "person", "key", "why"),
    [
        (None, "approve", "bert", "bert", "approve needs a candidate that is reviewed"),
        ("carl", "approve", "carl", "carl", "needs a valid review by another person"),
        ("anna", "review", "carl", "carl", "review needs a candidate that is audited"),
        (None, "review", "dora", "dora", "does not name dora; it names anna, bert, carl"),
        (None, "review", "anna", "carl", "the key is not the one that policy.yaml names for anna"),
        (None, "review", "bert", "bert", "bert may approve, not review"),
        ("anna", "approve", "anna", "anna", "anna may review, not approve"),
    ],
)
def test_a_signature_that_is_not_theirs_to_give_is_refused(
    approved: Approved, key_of: KeyOf, reviewed_by: str | None, action: str, person: str, key: str, why: str
) -> None:
    run = approved(MARCH)
    if reviewed_by:
        release.sign_release(run, "review", reviewed_by, key_of(reviewed_by))
    before = release.standing(run).state
    with pytest.raises(DasError, match=why):
        release.sign_release(run, action, person, key_of(key))
    assert (release.standing(run).state, publication.current_release(run)) == (before, None)


def test_the_installation_cannot_sign_for_what_it_made(approved: Approved, key_of: KeyOf, settings: Settings) -> None:
    run = approved(MARCH)
    policy = run.jurisdiction.folder / "policy.yaml"
    content = yaml.safe_load(policy.read_text(encoding="utf-8"))
    content["release"]["persons"]["anna"]["public_key"] = release.installation_key(run.keys)
    write_policy(policy.parent, content)
    with pytest.raises(DasError, match="its author cannot sign for it"):
        release.sign_release(run, "review", "anna", settings.keys / "signing")


def test_a_changed_byte_voids_what_was_signed(approved: Approved, key_of: KeyOf) -> None:
    run = approved(MARCH)
    release.sign_release(run, "review", "anna", key_of("anna"))
    table = run.lake.live("website/site").path("tables/reports.csv")
    table.write_bytes(table.read_bytes().replace(b"700", b"705"))
    standing = release.standing(run)
    assert standing.state == "audited"
    assert "Void: review by anna" in standing.sentence
    assert "bytes, code or policy have changed since" in standing.sentence
    with pytest.raises(DasError, match="approve needs a candidate that is reviewed"):
        release.sign_release(run, "approve", "bert", key_of("bert"))
    with pytest.raises(DasError, match=r"file tables/reports\.csv is not what its manifest says"):
        release.sign_release(run, "review", "carl", key_of("carl"))


def test_a_moved_ledger_voids_what_was_signed(approved: Approved, key_of: KeyOf) -> None:
    run = approved(MARCH)
    release.sign_release(run, "review", "anna", key_of("anna"))

    def append(_: Run, draft: Draft) -> list[Verdict]:
        draft.facts["releases"] = []
        return []

    produce(run, "disclosure/ledger", append)
    assert release.standing(run).state == "audited"
    assert "the ledger has moved since" in release.standing(run).sentence
    with pytest.raises(DasError, match="approve needs a candidate that is reviewed"):
        release.sign_release(run, "approve", "bert", key_of("bert"))


def test_a_changed_record_is_void(approved: Approved, key_of: KeyOf) -> None:
    run = approved(MARCH)
    release.sign_release(run, "review", "anna", key_of("anna"))
    (record,) = (run.lake.home / "release" / "approvals" / "2024-03-31.1").iterdir()
    assert record.name == "0001-review-anna.json"
    record.write_text(record.read_text(encoding="utf-8").replace('"reason": ""', '"reason": "more"'), encoding="utf-8")
    assert "the record was changed after it was signed" in release.standing(run).sentence


def test_an_approved_candidate_goes_live_in_the_next_run_when_the_machine_stops_first(approved: Approved, key_of: KeyOf) -> None:
    run = approved(MARCH)
    release.sign_release(run, "review", "anna", key_of("anna"))
    sign_candidate(release.standing(run).candidate, "approve", "bert", key_of("bert"))
    assert (release.standing(run).state, publication.current_release(run)) == ("approved", None)
    release.go_live(run)
    assert publication.current_release(run).id == "2024-03-31.1"


def test_persons_sign_the_candidate_that_was_put_forward_while_later_ones_are_made(approved: Approved, key_of: KeyOf) -> None:
    run = approved(MARCH)
    release.sign_release(run, "review", "anna", key_of("anna"))
    later = approved(date(2024, 4, 2))
    assert (later.lake.live(release.DECISION).facts["release"], release.standing(later).state) == ("2024-03-31.1", "reviewed")
    release.sign_release(later, "approve", "bert", key_of("bert"))
    live = publication.current_release(later)
    assert (live.id, live.manifest["as_of"]) == ("2024-03-31.1", "2024-03-31")
    assert later.lake.live("disclosure/ledger").facts["releases"] == ["2024-03-31.1"]
    assert "2024-04" not in (live.folder / "tables" / "reports.csv").read_text(encoding="utf-8")


def test_a_candidate_made_before_the_ledger_moved_is_made_again_before_it_is_put_forward(approved: Approved, key_of: KeyOf) -> None:
    run = approved(date(2024, 2, 29))
    later = approved(MARCH)
    release.sign_release(run, "review", "anna", key_of("anna"))
    assert release.is_done(later)
    release.sign_release(run, "approve", "bert", key_of("bert"))
    assert publication.current_release(later).id == "2024-02-29.1"
    assert (decided(later), release.is_done(later)) == (("ledger_moved", False), False)
    again = approved(MARCH)
    assert (decided(again), release.standing(again).candidate.release) == (("signatures", False), "2024-03-31.1")


def test_a_real_delivery_is_not_taken_in_under_a_policy_that_approves_by_itself(settings: Settings) -> None:
    own = with_own_keys(settings)
    folder = write_delivery(own.inbox, "watch", DAYS[0], 1, {"reports": ("reports.csv", watch_csv(WATCH[DAYS[0]]))}, is_simulated=False)
    run = Run.start(own, MARCH)
    with pytest.raises(ConfigurationError, match="by the signatures of two persons"):
        take_in(run, arrived(run, "watch", "2024-01-31.1"))
    assert (folder / "reports.csv").exists()
    assert not (own.home / "landing" / "objects").exists()


def test_one_real_delivery_among_simulated_ones_demands_two_persons(
    settings: Settings, approved: Approved, tmp_path: Path, toy: Jurisdiction
) -> None:
    run = Run.start(replace(with_own_keys(settings), jurisdiction=tmp_path / "toy"), MARCH)
    for place, is_simulated in enumerate((True, False)):
        files = {"reports": ("reports.csv", watch_csv(WATCH[DAYS[place]]))}
        write_delivery(run.settings.inbox, "watch", DAYS[place], place + 1, files, is_simulated=is_simulated)
        take_in(run, arrived(run, "watch", f"{DAYS[place]}.1"))
    assert (deliveries.is_simulated(run), deliveries.is_real(run)) == (True, True)
    assert deliveries.is_real(run.known_on(DAYS[0])) is False
    with pytest.raises(ConfigurationError, match="by the signatures of two persons"):
        load_policy(toy).release.require_for(is_simulated=not deliveries.is_real(run))
    with pytest.raises(ConfigurationError, match="1 days, but the shortest period that is published has 28"):
        load_policy(toy).release.require_window_for(is_simulated=not deliveries.is_real(run), shortest_period=28)


def test_a_returned_candidate_does_not_go_live_and_the_next_is_put_forward(approved: Approved, key_of: KeyOf) -> None:
    run = approved(MARCH)
    release.sign_release(run, "review", "anna", key_of("anna"))
    release.sign_release(run, "return", "bert", key_of("bert"), "violence is too low")
    assert (release.standing(run).state, decided(run)) == ("returned", ("returned", False))
    assert "violence is too low" in run.lake.live(release.DECISION).facts["decision"]
    with pytest.raises(DasError, match="is returned"):
        release.sign_release(run, "approve", "bert", key_of("bert"))
    corrected = approved(MARCH, scale=40)
    assert (release.standing(corrected).state, decided(corrected)) == ("audited", ("signatures", False))


def test_a_withdrawn_release_says_so_and_the_one_before_is_live(approved: Approved, key_of: KeyOf) -> None:
    for month_end in (date(2024, 2, 29), MARCH):
        run = approved(month_end)
        release.sign_release(run, "review", "anna", key_of("anna"))
        release.sign_release(run, "approve", "bert", key_of("bert"))
    ledger = run.lake.live("disclosure/ledger").facts["releases"]
    with pytest.raises(DasError, match="give --reason"):
        release.withdraw(run, "2024-03-31.1", "carl", key_of("carl"), "")
    release.withdraw(run, "2024-03-31.1", "carl", key_of("carl"), "two wards were swapped")
    assert publication.current_release(run).id == "2024-02-29.1"
    notice = run.lake.home / "releases" / "2024-03-31.1"
    manifest = json.loads((notice / "manifest.json").read_bytes())
    assert manifest["withdrawn"]["statement"]["reason"] == "two wards were swapped"
    assert not (notice / "tables").exists()
    assert release.verify_release(notice) == []
    assert run.lake.live("disclosure/ledger").facts["releases"] == ledger == ["2024-02-29.1", "2024-03-31.1"]
    assert judge_ledger(run).passed
    assert decided(run) == ("withdrawn", False)
    feed = ElementTree.parse(run.lake.home / "releases" / "feed.en.atom").getroot()
    told = [(e.findtext(f"{ATOM}id", ""), e.findtext(f"{ATOM}summary", "")) for e in feed.iter(f"{ATOM}entry")]
    assert [place for place, _ in told] == [f"https://data.toys.example/releases/{name}/" for name in ("2024-03-31.1", "2024-02-29.1")]
    assert "two wards were swapped" in told[0][1]
    assert told[1][1] == "The first edition."
    cited = json.loads((run.lake.home / "releases" / "citations.json").read_bytes())
    assert [(c["id"], c["version"], c["issued"]) for c in cited] == [("das-toy-2024-02-29.1", "1.0.0", {"date-parts": [[2024, 2, 29]]})]
    kept = [f for f in publication.release_folders(run) if f.name == "2024-03-31.1"]
    assert [release.verify_release(f) for f in kept] == [[]]
    corrected = approved(MARCH, scale=40)
    assert release.standing(corrected).candidate.release == "2024-03-31.2"


def test_a_withdrawal_that_was_cut_off_is_completed_by_the_next_run(approved: Approved, key_of: KeyOf) -> None:
    run = approved(MARCH)
    release.sign_release(run, "review", "anna", key_of("anna"))
    release.sign_release(run, "approve", "bert", key_of("bert"))
    shutil.copytree(run.lake.home, run.lake.home.with_name("whole"), symlinks=True)
    release.withdraw(run, "2024-03-31.1", "carl", key_of("carl"), "two wards were swapped")
    records = run.lake.home / "release" / "approvals"
    kept = shutil.copytree(records, records.parent.parent.with_name("records"))
    shutil.rmtree(run.lake.home)
    run.lake.home.with_name("whole").rename(run.lake.home)
    shutil.copytree(kept, records, dirs_exist_ok=True)
    release.go_live(run)
    assert publication.current_release(run) is None
    assert "withdrawn" in json.loads((run.lake.home / "releases" / "2024-03-31.1" / "manifest.json").read_bytes())


def test_a_forged_approval_is_seen_by_anyone(approved: Approved, key_of: KeyOf) -> None:
    run = approved(MARCH)
    release.sign_release(run, "review", "anna", key_of("anna"))
    release.sign_release(run, "approve", "bert", key_of("bert"))
    folder = publication.current_release(run).folder
    manifest = json.loads((folder / "manifest.json").read_bytes())
    manifest["approval"]["signatures"] = manifest["approval"]["signatures"][:1] * 2
    content = canonical(manifest, indent=1)
    release.sign_manifest(run.keys, folder, content)
    (folder / "manifest.json").write_bytes(content)
    (folder / "SHA256SUMS").write_text(sums(folder, manifest["files"]), encoding="utf-8")
    assert release.verify_release(folder) == ["approval: no review and approval by two persons."]


@pytest.mark.parametrize(
    ("persons", "why"),
    [
        ({}, "needs a person who may review and another who may approve"),
        ({"anna": {"public_key": "0" * 64, "roles": ["review", "approve"]}}, "another who may approve"),
        ({name: {"public_key": "0" * 64, "roles": roles} for name, roles in PERSONS.items()}, "the same public key"),
    ],
)
def test_a_policy_by_which_no_two_persons_could_sign_is_refused_on_loading(tmp_path: Path, persons: dict, why: str) -> None:
    toy = shutil.copytree(TOY, tmp_path / "toy")
    content = yaml.safe_load((toy / "policy.yaml").read_text(encoding="utf-8"))
    content["release"] |= {"approval": {"by": "two_persons", "reason": "real"}, "persons": persons}
    write_policy(toy, content)
    with pytest.raises(ConfigurationError, match=why):
        load_policy(Jurisdiction(toy))


def test_a_policy_that_releases_real_figures_as_they_are_is_refused_on_loading(tmp_path: Path) -> None:
    toy = shutil.copytree(TOY, tmp_path / "toy")
    content = yaml.safe_load((toy / "policy.yaml").read_text(encoding="utf-8"))
    content["disclosure"]["base"] |= {"default": 1, "sensitive": 1}
    write_policy(toy, content)
    assert load_policy(Jurisdiction(toy)).disclosure.base.default == 1, "of simulated figures, to compare them with the truth"
    persons = {name: {"public_key": name[0] * 64, "roles": ["review", "approve"]} for name in ("anna", "bert")}
    content["release"] |= {"approval": {"by": "two_persons", "reason": "real"}, "persons": persons}
    write_policy(toy, content)
    with pytest.raises(ConfigurationError, match="of a base of 1 every count is published as it is"):
        load_policy(Jurisdiction(toy))


def test_a_policy_that_approves_by_itself_is_refused_for_real_figures(toy: Jurisdiction) -> None:
    limits = load_policy(toy).release
    limits.require_for(is_simulated=True)
    with pytest.raises(ConfigurationError, match="by the signatures of two persons"):
        limits.require_for(is_simulated=False)


def test_a_persons_key_is_theirs_alone(settings: Settings, tmp_path: Path) -> None:
    public = release.new_person_key(settings, tmp_path / "anna.key")
    assert ((tmp_path / "anna.key").stat().st_mode & 0o777, len(bytes.fromhex(public))) == (0o600, 32)
    with pytest.raises(DasError, match="exists already"):
        release.new_person_key(settings, tmp_path / "anna.key")
    settings.home.mkdir(exist_ok=True)
    with pytest.raises(DasError, match="inside the home"):
        release.new_person_key(settings, settings.home / "anna.key")

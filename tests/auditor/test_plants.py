"""Disclosures planted in a finished release: the allow-list finds them in the folder alone, whoever made hashes and signature again."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from nacl.signing import SigningKey

from das_pipeline import release
from das_pipeline.auditor import Declared, Limits, audit
from das_pipeline.disk import sha256_of
from das_pipeline.gate import Verdict
from das_pipeline.lake import canonical
from das_pipeline.periods import last_day
from das_pipeline.policy import load_policy
from das_pipeline.privacy import Keys
from das_pipeline.publication import build_candidate, readers, release_folders
from das_pipeline.release.auditing import judge_beside, judge_signatures
from das_pipeline.release.verification import sums
from das_pipeline.run import Run, is_made_here, produce
from das_pipeline.settings import Settings
from das_pipeline.website import build_site
from das_pipeline.website.growth import LEFT, WIDTH
from tests.auditor.plants import PLANTS, SIGNED, Plant, an_expected_sum, hashes, page, paragraph
from tests.conftest import TOY, toy_settings
from tests.publication.conftest import leaves, months_until, protect

pytestmark = [pytest.mark.slow]
UNLISTED = ("manifest.json", "SHA256SUMS")
FEBRUARY, MARCH = date(2024, 2, 29), date(2024, 3, 31)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """A home with two releases, in which 2022 and 2023 are closed."""
    root = tmp_path_factory.mktemp("audited")
    toy = shutil.copytree(TOY, root / "toy")
    policy = yaml.safe_load((toy / "policy.yaml").read_text(encoding="utf-8"))
    policy["disclosure"]["closing"] = {"months": 0, "reason": "the toy's years close when they end"}
    (toy / "policy.yaml").write_text(yaml.safe_dump(policy, allow_unicode=True), encoding="utf-8")
    settings = toy_settings(root, toy)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "as_expected", lambda folder, page: [])
        publish(Run.start(settings, FEBRUARY))
        publish(Run.start(settings, MARCH), m2024_01=10)
        yield Run.start(settings, MARCH)


def publish(run: Run, **moved: int) -> None:
    """Make and release the candidate of the run's date; `moved`: month → by how much its reports of violence differ."""
    cubes = leaves(20, months_until(run.as_of))
    for row in cubes["reports_month"]:
        row["value"] += moved.get(f"m{row['period'].replace('-', '_')}", 0) * (row["offence"] == "violence")
    for row in cubes["reports_year"]:
        more = sum(n for month, n in moved.items() if month[1:5] == row["period"])
        row["value"] += more * ((row["offence"], row["sex"], row["age"]) == ("violence", "male", "adult"))
    protect(run, cubes)
    produce(run, "publication/candidate", build_candidate, inputs=["disclosure/leaves", "terminology/concepts"])
    produce(run, "website/site", build_site, inputs=["publication/candidate", "terminology/concepts"])
    release.go_live(run)


@pytest.fixture(scope="module")
def judged(home: Run) -> Callable[[Path], list[Verdict]]:
    """The auditor on a folder, beside the release of February."""
    limits: Limits = release.limits_of(load_policy(home.jurisdiction).disclosure)
    concepts = home.lake.live("terminology/concepts").files
    declared: Declared = release.declared(home.jurisdiction, {n: concepts[n].sha256 for n in ("concepts.ttl", "concepts.jsonld")})
    earlier = [folder for folder in release_folders(home) if folder.name.startswith(str(FEBRUARY))]
    return lambda folder: [v for v in audit(folder, earlier, limits, readers(), declared) if not v.passed]


@pytest.fixture
def folder(home: Run, tmp_path: Path) -> Path:
    """A copy of the release of March to plant something in."""
    return Path(shutil.copytree(release_folders(home)[-1], tmp_path / "2024-03-31.1"))


def sign(folder: Path, key: SigningKey) -> None:
    """Make manifest and signature again."""
    path = folder / "manifest.json"
    manifest = json.loads(path.read_bytes())
    present = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if p.is_file() and not p.name.startswith(UNLISTED)}
    derived = {name: {"derived": True} if name == "das.duckdb" else {} for name in present}
    manifest["files"] = {n: {"bytes": p.stat().st_size, "sha256": sha256_of(p)} | derived[n] for n, p in sorted(present.items())}
    path.write_bytes(canonical(manifest, indent=1))
    (folder / "manifest.json.sig").write_text(key.sign(path.read_bytes()).signature.hex())
    (folder / "manifest.json.pub").write_text(bytes(key.verify_key).hex())
    (folder / "SHA256SUMS").write_text(sums(folder, manifest["files"]), encoding="utf-8")


def signing(home: Run) -> SigningKey:
    return SigningKey(Keys.load(home.settings).signing)


def public(home: Run) -> bytes:
    return bytes(signing(home).verify_key)


def test_honest_releases_pass(home: Run, judged: Callable[[Path], list[Verdict]]) -> None:
    folders = release_folders(home)
    assert judged(folders[-1]) == []
    for place, each in enumerate(folders):
        assert [v for v in release.audit_release(home, each, folders[:place], public(home)) if not v.passed] == []


def test_the_page_of_changes_has_each_revised_count_old_and_new(home: Run) -> None:
    folder = release_folders(home)[-1]
    changes = json.loads((folder / "changes.json").read_bytes())
    page = (folder / "site" / "en" / "changes.html").read_text(encoding="utf-8")
    listed = re.findall(r'<td class="n">([\d,]+)</td><td class="n" data-table="reports" data-cell="([^"]+)" data-value="(\d+)">', page)
    revised = changes["tables"]["reports"]["cells"]
    assert revised
    assert {(place, int(old.replace(",", "")), int(new)) for old, place, new in listed} == {
        (f"{c['offence']}|{c['period_kind']}|{c['period']}", c["old"], c["new"]) for c in revised
    }
    assert changes["tables"]["reports"]["why"] == "deliveries"
    assert "Partners delivered cases late or corrected them." in page
    assert f"Version {changes['version']}." in page
    first = (release_folders(home)[0] / "site" / "en" / "changes.html").read_text(encoding="utf-8")
    assert "The first edition." in first
    assert "<table>" not in first


def test_a_page_shows_how_a_figure_grew_as_text_picture_and_table(home: Run) -> None:
    folder = release_folders(home)[-1]
    page = (folder / "site" / "en" / "reports.html").read_text(encoding="utf-8")
    (grown,) = re.findall(r'<details class="growth">.*?</details>', page, re.DOTALL)
    text = re.sub("<[^>]+>", "", grown)
    assert "The figure of January 2024 was 700 when it was first published, as known on 29 February 2024. Now it is 710." in text
    assert re.findall(r'<th scope="row">January 2024</th><td class="n">700</td><td class="n"[^>]*>710</td>', grown)
    assert re.findall(rf'<circle cx="{LEFT:.1f}" cy="13" r="3.5"/><circle class="now" cx="{LEFT + WIDTH:.1f}" cy="13" r="5"/>', grown)
    first = (release_folders(home)[0] / "site" / "en" / "reports.html").read_text(encoding="utf-8")
    assert '<details class="growth">' not in first


def test_a_series_of_honest_releases_with_revisions_has_no_false_alarm(home: Run, tmp_path: Path) -> None:
    """Six month ends: in each, some months of the open year are revised, the year before is closed, and earlier releases stay."""
    settings = Settings(home=tmp_path / "home", inbox=tmp_path / "in", keys=home.settings.keys, jurisdiction=home.settings.jurisdiction)
    moved: dict[str, int] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(release, "as_expected", lambda folder, page: [])
        for month in range(1, 7):
            publish(Run.start(settings, last_day(f"2024-{month:02}")), **moved)
            moved[f"m2024_{month:02}"] = 5 * month
            moved["m2024_01"] += 5
    run = Run.start(settings, last_day("2024-06"))
    folders = release_folders(run)
    assert len(folders) == 6
    for place, each in enumerate(folders):
        assert [v for v in release.audit_release(run, each, folders[:place], public(home)) if not v.passed] == []


@pytest.mark.breaks("D10")
def test_a_sum_that_is_not_that_of_its_file(folder: Path, judged: Callable[[Path], list[Verdict]]) -> None:
    path = folder / "SHA256SUMS"
    path.write_text(path.read_text(encoding="utf-8").replace("a", "b", 1), encoding="utf-8")
    assert {v.rule for v in judged(folder)} == {"D10"}


@pytest.mark.breaks("D18")
def test_a_plant_in_words(home: Run, folder: Path, judged: Callable[[Path], list[Verdict]]) -> None:
    paragraph(folder, "<p>13</p>")
    sign(folder, signing(home))
    assert {v.rule for v in judged(folder)} == {"D18"}


@pytest.mark.parametrize("name", PLANTS)
def test_an_insiders_plant_is_found_in_the_folder_alone(
    name: str, home: Run, folder: Path, judged: Callable[[Path], list[Verdict]]
) -> None:
    plant: Plant = PLANTS[name]
    plant(folder)
    hashes(folder)
    sign(folder, signing(home))
    assert judged(folder)


@pytest.mark.parametrize("name", SIGNED)
def test_a_plant_in_what_signing_writes_is_found_in_the_folder_alone(
    name: str, home: Run, folder: Path, judged: Callable[[Path], list[Verdict]]
) -> None:
    sign(folder, signing(home))
    assert judged(folder) == []
    SIGNED[name](folder)
    assert judged(folder)


@pytest.mark.breaks("D19")
def test_a_careless_plant_breaks_the_signature(home: Run, folder: Path) -> None:
    paragraph(folder, "<p>13</p>")
    assert not judge_signatures([folder], public(home)).passed


@pytest.mark.breaks("D19")
def test_a_folder_signed_by_another_key(home: Run, folder: Path) -> None:
    sign(folder, SigningKey.generate())
    assert not judge_signatures([folder], public(home)).passed
    assert not judge_signatures([folder], None).passed


@pytest.mark.breaks("D19")
def test_an_earlier_release_changed_by_a_base(home: Run, folder: Path, tmp_path: Path) -> None:
    earlier = Path(shutil.copytree(release_folders(home)[0], tmp_path / "earlier" / "2024-02-29.1"))
    path = earlier / "tables" / "reports.parquet"
    rows = pq.read_table(path).to_pylist()
    rows[0]["n"] += 5
    pq.write_table(pq.read_table(path).from_pylist(rows, schema=pq.read_schema(path)), path)
    assert not judge_signatures([earlier, folder], public(home)).passed


@pytest.fixture(scope="module")
def remade(home: Run, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The release of March as it would be with other leaves, made by the right code and signed with the right key."""

    def make(**moved: int) -> Path:
        root = tmp_path_factory.mktemp("remade")
        settings = Settings(home=root / "home", inbox=root / "inbox", keys=home.settings.keys, jurisdiction=home.settings.jurisdiction)
        publish(Run.start(settings, FEBRUARY))
        march = Run.start(settings, MARCH)
        with pytest.MonkeyPatch.context() as patch:  # the gate would stop it
            patch.setattr(release, "audit", lambda *arguments: [])
            publish(march, **moved)
        return release_folders(march)[-1]

    return make


@pytest.mark.breaks("D19")
def test_a_frozen_leaf_moved(remade: Callable[..., Path], judged: Callable[[Path], list[Verdict]]) -> None:
    assert {v.rule for v in judged(remade(m2022_05=5))} == {"D19"}


@pytest.mark.breaks("D19")
def test_a_leaf_drawn_again(home: Run, remade: Callable[..., Path], judged: Callable[[Path], list[Verdict]]) -> None:
    folder = remade(m2024_02=5)
    assert judged(folder) == []  # nothing that is published tells it from an honest one: the home's own candidate does
    folders = release_folders(home)[:1]
    failed = [v for v in release.audit_release(home, folder, folders, public(home)) if not v.passed]
    assert {v.rule for v in failed} == {"D19"}


@pytest.mark.breaks("D18")
def test_a_limit_of_the_expectations_is_that_of_the_release_before(
    home: Run, folder: Path, judged: Callable[[Path], list[Verdict]]
) -> None:
    an_expected_sum(folder)
    sign(folder, signing(home))
    assert {v.rule for v in judged(folder)} == {"D18"}


@pytest.mark.breaks("D19")
def test_a_manifest_that_says_of_another_version_what_it_was_made_from(home: Run, folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_bytes())
    (folder / "manifest.json").write_bytes(canonical(manifest | {"build": "0000123456782000"}, indent=1))
    sign(folder, signing(home))
    failed = [v for v in release.audit_release(home, folder, release_folders(home)[:1], public(home)) if not v.passed]
    assert {v.rule for v in failed} == {"D19"}


@pytest.mark.breaks("D19")
def test_something_beside_the_releases(home: Run) -> None:
    assert judge_beside(home).passed
    feed, root = release_folders(home)[-1].parent / "feed.en.atom", release_folders(home)[-1].parent
    content = feed.read_bytes()
    feed.write_bytes(content.replace(b"<entry>", b"<entry><!-- 13 -->", 1))
    assert not judge_beside(home).passed
    feed.write_bytes(content)
    (root / "note.html").write_text("13")
    assert not judge_beside(home).passed
    (root / "note.html").unlink()


def test_the_gate_makes_pages_again(home: Run) -> None:
    """A release of other code cannot be made again: then nobody would notice that none is."""
    assert is_made_here(home, home.lake.live("website/site"))


def test_a_release_of_other_code_is_explained_as_it_is(home: Run, folder: Path, judged: Callable[[Path], list[Verdict]]) -> None:
    page(folder, "<h1>", "<h1 hidden>")
    sign(folder, signing(home))
    assert {v.rule for v in judged(folder)} == {"D18"}
    limits = release.limits_of(load_policy(home.jurisdiction).disclosure)
    concepts = home.lake.live("terminology/concepts").files
    made = {name: concepts[name].sha256 for name in ("concepts.ttl", "concepts.jsonld")}
    of_other_code = release.declared(home.jurisdiction, made, by_this_code=False)
    assert all(v.passed for v in audit(folder, release_folders(home)[:1], limits, readers(), of_other_code))

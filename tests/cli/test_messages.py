"""Every mistake that a person can make at the command line ends in a sentence and a documented exit code, never in a traceback."""

from __future__ import annotations

import re
import shutil
import socket
from pathlib import Path

import pytest

from cli.examinations import _address
from cli.exits import Exit
from cli.main import app
from das_pipeline.errors import unknown_name
from das_pipeline.settings import PROJECT
from tests.installation import TOY, Installation, installation, real_installation

pytestmark = [pytest.mark.slow]

PAGE = (PROJECT / "docs" / "command-line.md").read_text(encoding="utf-8")


def message(made: Installation, *arguments: str, code: int = Exit.FAILED) -> str:
    """The one sentence that `das ARGUMENTS` prints, and nothing else."""
    printed = made.das(*arguments, code=code)
    assert "Traceback" not in printed
    return " ".join(printed.split())


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation of which nothing exists yet: no home, no inbox, no keys."""
    return Installation(tmp_path_factory.mktemp("bare"), str(TOY))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    """An installation with keys and an empty inbox."""
    return installation(tmp_path_factory.mktemp("fresh"))


@pytest.mark.parametrize("verb", ["ui", "run", "status", "explain reports"])
def test_without_keys_every_verb_says_how_to_get_them(bare: Installation, verb: str) -> None:
    printed = message(bare, *verb.split())
    assert "das: The pseudonym key is missing" in printed
    assert printed.endswith("run das demo: it makes demo keys.")
    assert not bare.home.exists() or not any(bare.home.glob("deliveries"))


@pytest.mark.parametrize(
    ("verb", "sentence"),
    [
        ("quarantine wach", "There is no partner wach. Did you mean watch? There are: bench, watch."),
        ("explain reports foo", "'foo' names no cell: write dimension=code, such as period=2024."),
        ("explain reports", "There is no release yet"),
        ("audit", "There is no release yet"),
        ("audit 2024-01-31.1", "There is no release yet"),
        ("release diff a b", "There is no release a. There are none yet."),
        ("serve", "There is no release yet"),
        ("simulate --next-day", "there is no simulation to continue"),
    ],
)
def test_a_wrong_word_gets_the_right_one(fresh: Installation, verb: str, sentence: str) -> None:
    assert sentence in message(fresh, *verb.split())


def test_an_unknown_verb_and_a_missing_argument_are_misuse(fresh: Installation) -> None:
    assert "No such command" in message(fresh, "statsu", code=Exit.MISUSED)
    assert "Missing argument" in message(fresh, "explain", code=Exit.MISUSED)


@pytest.mark.parametrize("verb", ["ui", "serve"])
def test_a_port_in_use_is_a_sentence(fresh: Installation, verb: str) -> None:
    site = fresh.home / "releases" / "current"
    site.mkdir(parents=True, exist_ok=True)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        assert f"Another program uses port {port}. Choose another one: das {verb} --port" in message(fresh, verb, "--port", str(port))
    shutil.rmtree(fresh.home / "releases")


def test_a_policy_without_its_approver_names_file_and_place(tmp_path: Path) -> None:
    jurisdiction = tmp_path / "toy"
    shutil.copytree(TOY, jurisdiction)
    policy = jurisdiction / "policy.yaml"
    policy.write_text(policy.read_text(encoding="utf-8").replace("by: policy, ", ""), encoding="utf-8")
    made = installation(tmp_path / "made", jurisdiction)
    printed = re.sub(r"[\s│]", "", made.das("doctor", code=Exit.FAILED))  # the table breaks a long path anywhere
    assert "policy.yaml:38:release.approval.by:thiskeyismissing:addit." in printed


def test_a_setting_that_cannot_be_is_a_sentence(fresh: Installation) -> None:
    assert "There is no jurisdiction nll. Did you mean nl?" in message(Installation(fresh.root, "nll"), "status")
    made = Installation(fresh.root, fresh.jurisdiction, threads=0)
    assert "DAS_THREADS is '0': give a number of threads, such as 2." in message(made, "status")

    class Greedy(Installation):
        @property
        def environment(self) -> dict[str, str]:
            return super().environment | {"DAS_MEMORY_LIMIT": "much"}

    assert "DAS_MEMORY_LIMIT is 'much': give a size with its unit" in message(Greedy(fresh.root, fresh.jurisdiction), "status")


def test_the_doctor_sees_a_setting_that_is_misspelt(fresh: Installation) -> None:
    class Misspelt(Installation):
        @property
        def environment(self) -> dict[str, str]:
            return super().environment | {"DAS_TREADS": "4", "DAS_PERSON_KEY": "on"}

    printed = re.sub(r"[\s│]", "", Misspelt(fresh.root, fresh.jurisdiction).das("doctor", code=Exit.FAILED))
    assert "NosettingiscalledDAS_TREADS" in printed
    assert "DAS_PERSON_KEY" not in printed


def test_names_are_suggested_and_long_lists_are_cut() -> None:
    assert "Did you mean" not in str(unknown_name("partner", "zzz", ["bench"]))
    assert str(unknown_name("period", "x", map(str, range(25)))).endswith("and 5 more.")


def test_the_page_has_every_exit_code_and_every_verb() -> None:
    for code in Exit:
        assert f"| {code.value} | {code.meaning} |" in PAGE
    named = ((f"{group.name} " if isinstance(group.name, str) else "", group.typer_instance) for group in app.registered_groups)
    for prefix, group in (("", app), *named):
        for command in group.registered_commands if group else []:
            assert command.callback is not None
            name = (command.name or command.callback.__name__).replace("_", "-")
            assert f"das {prefix}{name}" in PAGE


def test_the_doctor_sees_that_real_figures_would_be_at_the_address_of_an_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = real_installation(tmp_path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    (finding,) = _address()
    assert (finding.seen, finding.fix) == ("https://data.toys.test/, figures@toys.test", "")
    texts = Path(made.jurisdiction) / "texts" / "tables.yaml"
    texts.write_text(texts.read_text(encoding="utf-8").replace("toys.test", "toys.example"), encoding="utf-8")
    (finding,) = _address()
    assert "texts/tables.yaml, catalogue.address: data.toys.example is the name of an example, and these figures are real" in finding.fix

"""Every gate rule can fail: a test plants a fault of each, and the hook in `conftest` sees to it that the rule's own verdict fails.

That a verdict's rule is in the catalogue is checked where verdicts are made (`gate.Verdict`).
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.gate import Verdict
from das_pipeline.rules import catalogue, rules_of

TESTS = Path(__file__).parent


def broken_rules(source: str) -> Iterator[str]:
    """The rules that the markers `pytest.mark.breaks(…)` of a test file name."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.breaks":
            yield from (ast.literal_eval(argument) for argument in node.args)


@pytest.mark.slow
def test_every_rule_is_broken_by_a_test_and_no_test_breaks_an_unknown_one() -> None:
    broken = {rule for path in TESTS.rglob("test_*.py") for rule in broken_rules(path.read_text(encoding="utf-8"))}
    assert broken == set(catalogue())


def test_markers_are_found_on_functions_and_on_parameters() -> None:
    source = """
@pytest.mark.breaks("F01", "F02")
@pytest.mark.parametrize("fault", [pytest.param("a row lost", marks=pytest.mark.breaks("L01"))])
def test(fault): ...
"""
    assert sorted(broken_rules(source)) == ["F01", "F02", "L01"]


def test_a_verdict_of_a_rule_outside_the_catalogue_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"Rule X99 is not in das_pipeline/rules.yaml"):
        Verdict("X99", passed=True, sentence="")


def test_a_verdict_is_at_most_as_severe_as_its_rule() -> None:
    assert Verdict("C04", passed=False, sentence="").severity == "block"
    assert Verdict("C04", passed=False, sentence="", severity="warn").severity == "warn"
    with pytest.raises(DasError, match="Rule C06 warns"):
        Verdict("C06", passed=False, sentence="", severity="block")


def test_a_table_is_gated_by_the_rules_that_name_it() -> None:
    assert rules_of("chain/flows") == ("F01", "F02")


@pytest.mark.slow
def test_a_marked_test_fails_when_the_rule_passes(pytester: pytest.Pytester) -> None:
    """The hook itself, in a run of its own: the first test plants nothing."""
    pytester.makeconftest("from tests.conftest import pytest_pyfunc_call\n")
    pytester.makeini("[pytest]\nmarkers = breaks(*rules): …\n")
    pytester.makepyfile(
        """
        import pytest
        from das_pipeline.gate import Verdict

        @pytest.mark.breaks("F01")
        def test_without_fault():
            Verdict("F01", passed=True, sentence="")

        @pytest.mark.breaks("F01")
        def test_with_fault():
            Verdict("F01", passed=False, sentence="")
        """
    )
    result = pytester.runpytest("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*no verdict of F01 failed*"])

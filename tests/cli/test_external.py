"""`das external fetch`, as the steward types it, against a service on this machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from typer.testing import CliRunner

from cli.main import app
from das_pipeline.errors import DasError
from das_pipeline.run import Run
from tests.deliveries.test_statline import TOTALS, Service, declared, service

__all__ = ["declared", "service"]


def fetch(run: Run, source: str) -> str:
    result = CliRunner().invoke(app, ["external", "fetch", source], env={"DAS_JURISDICTION": f"{run.jurisdiction.folder}/"})
    if result.exception:
        raise result.exception
    return " ".join(result.output.split())


def test_figures_that_are_as_declared_need_nothing_more(declared: Callable[..., Run]) -> None:
    assert "6 figures of 2024-08-15 are in" in (said := fetch(declared(3), "police"))
    assert "They are of the vintage, and add up to the totals, that source.yaml declares." in said


def test_other_figures_are_said_with_what_to_write(declared: Callable[..., Run]) -> None:
    said = fetch(declared(4, totals=TOTALS | {2013: 1}), "police")
    assert "vintage: 2024-08-15 totals: {2012: 99583, 2013: 94461, 2014: 76575}" in said


def test_an_unknown_source_is_named_with_those_that_there_are(declared: Callable[..., Run], service: Service) -> None:
    with pytest.raises(DasError, match=r"no external source polis\. Did you mean police"):
        fetch(declared(3), "polis")
    assert service.asked == []

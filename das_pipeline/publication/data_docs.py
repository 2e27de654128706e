"""The suites of a candidate judged by great-expectations, and its Data Docs as one page that loads nothing from anywhere.

Results are BOOLEAN_ONLY: no value of any cell gets into a result or onto the page. What a suite expects comes from published figures.
"""

from __future__ import annotations

import json
import logging
import re
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from das_pipeline.publication.expectations import FILE, selected

PAGE = "expectations.html"


def unmet(folder: Path, page: Path) -> dict[str, list[str]]:
    """Judge the candidate in `folder` by its suites, write the page, and return what was not met: rule -> "table: expectation"."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # great-expectations 1.24 uses modules and calls that Python and pandas deprecate
        return _judge(folder, json.loads((folder / FILE).read_bytes()), page)


def _judge(folder: Path, suites: Sequence[Mapping[str, Any]], page: Path) -> dict[str, list[str]]:
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.render.renderer.page_renderer import ValidationResultsPageRenderer

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    context: Any = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    view = _view()
    # One asset for every frame: with one for each, great-expectations 1.24 writes the whole configuration out twice a suite.
    frames = context.data_sources.add_pandas("release").add_dataframe_asset("table").add_batch_definition_whole_dataframe("whole")
    failed: dict[str, list[str]] = {}
    parts = []
    for suite in suites:
        meta = suite["meta"]
        failed.setdefault(meta["rule"], [])
        rows = selected(folder / "tables" / f"{meta['table']}.parquet", meta["rows"])
        frame = rows.to_pandas(ignore_metadata=True)
        batch = frames.get_batch({"dataframe": frame})
        expected = gx.ExpectationSuite(name=suite["name"], expectations=[dict(e) for e in suite["expectations"]], meta=dict(meta))
        result: Any = batch.validate(expected, result_format="BOOLEAN_ONLY")
        failed[meta["rule"]] += [f"{meta['table']}: {_words(r.expectation_config)}" for r in result.results if not r.success]
        document: Any = ValidationResultsPageRenderer().render(result).to_json_dict()
        blocks = [
            block for section in document["sections"][1:] for block in section["content_blocks"]
        ]  # the first repeats the suite's name
        shown = view.render({"section": {"content_blocks": blocks}, "section_loop": {"index": 1}})
        parts.append({"name": suite["name"], "passed": bool(result.success), "html": re.sub(r' id="section-\d+"', "", shown)})
    page.write_text(_template().render(parts=parts), encoding="utf-8")
    return failed


def _words(expectation: Any) -> str:
    """An expectation in words, "column n sum to be between"."""
    kind = expectation.type.removeprefix("expect_").removeprefix("column_").replace("_", " ")
    column = expectation.kwargs.get("column")
    return f"column {column}: {kind}" if column else kind


@cache
def _view() -> Any:
    """The view of great-expectations, which compiles its templates once."""
    from great_expectations.render.view.view import DefaultJinjaSectionView

    return DefaultJinjaSectionView()


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("das_pipeline.publication", ""), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("data_docs.html")

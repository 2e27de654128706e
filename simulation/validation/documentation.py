"""The tables in docs/simulation.md, generated from the parameters so that they describe what the model does."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from das_pipeline.errors import ConfigurationError
from das_pipeline.jurisdiction import Jurisdiction
from simulation.parameters import Block, Delay, Parameters, Size
from simulation.validation.declared import Backtest
from simulation.validation.figures import figures

MIXES = ("suspects", "prosecution", "court", "appeal", "execution")  # the blocks whose mixes are transitions
CLOSE = 0.011  # how far the sum of a mix may be from 1 or 100, as a share of it
_PLACE = r"(<!-- {name} -->\n).*?(<!-- end -->)"


def write_tables(page: Path, jurisdiction: Jurisdiction) -> str:
    """The text of the page with its tables regenerated; each is between `<!-- name -->` and `<!-- end -->`."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables(jurisdiction).items():
        text, replaced = re.subn(_PLACE.format(name=name), lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, count=1, flags=re.DOTALL)
        if not replaced:
            raise ConfigurationError(f"{page} has no place for the table {name}.")
    return text


def tables(jurisdiction: Jurisdiction) -> dict[str, str]:
    """Markdown tables by name."""
    parameters = Parameters.read(jurisdiction)
    blocks = {name: getattr(parameters, name) for name in type(parameters).model_fields}
    blocks = {name: block for name, block in blocks.items() if isinstance(block, Block)}
    durations = [[f"{name}.{path}", *row] for name, block in blocks.items() for path, row in _durations(block)]
    mixes = [[f"{name}.{path}", _listed(shares)] for name in MIXES if name in blocks for path, shares in _mixes(blocks[name])]
    backtest = Backtest.read(jurisdiction)
    missing = {f.name: f.measure.not_modelled for f in figures(jurisdiction, backtest) if not f.is_modelled}
    return {
        "sources": markdown(["block", "where its figures come from"], [[name, block.source] for name, block in blocks.items()]),
        "durations": markdown(["duration", "on the same day", "median, days", "log standard deviation", "at most"], durations),
        "mixes": markdown(["transition", "shares, percent"], mixes),
        "factors": markdown(
            ["factor", "fitted to"],
            [[f.factor, "; ".join(" · ".join(name) for name in f.figures)] for f in backtest.fit],
        ),
        "not modelled": markdown(["published figure", "why"], [[" · ".join(name), why] for name, why in missing.items()]),
    }


def markdown(heads: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(map(str, row))} |" for row in [heads, ["---"] * len(heads), *rows])


def _walk(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every part of a block with its path."""
    if path:
        yield path, value
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _walk(getattr(value, name), f"{path}.{name}".lstrip("."))
    elif isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _walk(inner, f"{path}.{name}")


def _durations(block: Block) -> Iterator[tuple[str, list[str]]]:
    for path, value in _walk(block):
        if isinstance(value, Delay):
            yield path, [f"{value.same_day:.0%}", f"{value.median_days:g}", f"{value.sigma:g}", ""]
        elif isinstance(value, Size) and path.endswith("_days"):
            yield path, ["", f"{value.median:g}", f"{value.sigma:g}", f"{value.most:g}" if value.most < 1e6 else ""]
        elif isinstance(value, Mapping) and path.endswith("_days"):
            yield from ((f"{path}.{word}", ["", f"{days:g}", "", ""]) for word, days in value.items())


def _mixes(block: Block) -> Iterator[tuple[str, Mapping[str, float]]]:
    for path, value in _walk(block):
        if isinstance(value, Mapping) and len(value) > 1 and all(isinstance(v, (int, float)) for v in value.values()):
            total = sum(value.values())
            if any(abs(total - whole) <= CLOSE * whole for whole in (1, 100)):
                yield path, {word: 100 * share / total for word, share in value.items()}


def _listed(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{word} {share:.3g}" for word, share in shares.items())

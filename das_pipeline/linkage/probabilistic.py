"""Layer 3, probable links: Splink with a stored, frozen model, between entities of which at most one has a verified number.

A run never trains. The frequency tables of the model hold common names only; all other names count as equally rare.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa
from pydantic import BaseModel, model_validator

from das_pipeline.engine import identifier
from das_pipeline.errors import ConfigurationError, DasError
from das_pipeline.jurisdiction import Jurisdiction
from das_pipeline.linkage.compare import born_apart, given_apart, given_equal, sexes_apart

if TYPE_CHECKING:
    from splink import Linker


class Frequencies(BaseModel, extra="forbid"):
    """How often each common value of a column occurs among persons (share of 1), and the share of any value that is not listed."""

    common: dict[str, float]
    rare: float


class StoredModel(BaseModel, extra="forbid"):
    """The result of `train_model`: Splink's settings with every level trained, name frequencies, and the bits needed for a link."""

    version: int = 1  # one more with each model that is trained to replace this one
    trained_on: dict[str, bool | int | str]  # train again before a model of simulated persons links real ones
    threshold: float  # match weight in bits that a new link needs
    kept_from: float  # match weight in bits from which a link that was made stays (hysteresis)
    frequencies: dict[str, Frequencies]
    splink: dict[str, Any]

    @model_validator(mode="after")
    def _joins_above_keeping(self) -> StoredModel:
        if self.kept_from >= self.threshold:
            raise ValueError(f"kept_from {self.kept_from} must be below threshold {self.threshold}, or links come and go from day to day")
        return self


def load_model(jurisdiction: Jurisdiction, name: str) -> StoredModel:
    """Return the stored model `name`; ConfigurationError if a level of it was never trained."""
    model = jurisdiction.load(name, StoredModel)
    untrained = sorted(_untrained_levels(model.splink))
    if untrained:
        raise ConfigurationError(
            f"{jurisdiction.folder / name}: untrained levels {', '.join(untrained)}. A run does not guess them: train on more records."
        )
    return model


def _untrained_levels(settings: dict[str, Any]) -> Iterator[str]:
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level") and not all(
                isinstance(level.get(p), float) and 0 < level[p] <= 1 for p in ("m_probability", "u_probability")
            ):
                yield f"{comparison['output_column_name']}: {level.get('label_for_charts', level['sql_condition'])}"


def add_probable_edges(connection: duckdb.DuckDBPyConnection, model: StoredModel, *, near_only: bool = False) -> None:
    """Add edges of class C between `entities` to `edges`; with `near_only`, those of `every_entity` of which an end `is_near`.

    Their weight is the match weight in bits, rounded to 1e-6 so that it does not depend on the machine.

    Refused, whatever the weight: birth dates beyond tolerance; given names that are nothing alike, which is what twins, brothers and
    father and son differ in; two common given names, even if they differ in one letter; another sex, unless all else agrees; a name that
    is false by the case that follows (`false_names`).
    """
    compared = "SELECT *, anchor IS NOT NULL AS is_anchored FROM {0} WHERE surname IS NOT NULL OR birth_on IS NOT NULL"
    if near_only:
        _compare_near(connection, compared.format("every_entity"), model.splink)
    else:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE compared_entities AS {compared.format('entities')} ORDER BY entity")
    with discreet_splink():
        linker = make_linker(connection, _of_near(model.splink) if near_only else model.splink, "compared_entities", model.frequencies)
        predicted = linker.inference.predict(threshold_match_weight=model.kept_from).physical_name
    common = model.frequencies["given_name"].common
    connection.execute(
        f"""
        INSERT INTO edges
        WITH pairs AS (
            SELECT p.entity_l AS left_entity, p.entity_r AS right_entity, CAST(ROUND(p.match_weight, 6) AS DECIMAL(12, 6)) AS weight,
                {born_apart("l", "r")} OR {given_apart("l", "r")} OR {sexes_apart("l", "r")}
                OR (NOT COALESCE({given_equal("l", "r")}, true) AND list_contains($common, l.given_name)
                    AND list_contains($common, r.given_name))
                OR COALESCE(f.other <> r.entity OR g.other <> l.entity, false) AS is_vetoed
            FROM {predicted} AS p JOIN compared_entities AS l ON l.entity = p.entity_l JOIN compared_entities AS r ON r.entity = p.entity_r
            LEFT JOIN (SELECT entity, MIN(other) AS other FROM false_names GROUP BY entity) AS f ON f.entity = l.entity
            LEFT JOIN (SELECT entity, MIN(other) AS other FROM false_names GROUP BY entity) AS g ON g.entity = r.entity)
        SELECT left_entity, right_entity, 'C' AS link_class, weight FROM pairs WHERE NOT is_vetoed ORDER BY left_entity, right_entity
        """,
        {"common": list(common)},
    )


def _compare_near(connection: duckdb.DuckDBPyConnection, compared: str, settings: dict[str, Any]) -> None:
    """Create `compared_entities`: those of the query `compared` that are near, and those that a blocking rule pairs with one of these."""
    connection.execute(f"CREATE OR REPLACE TEMP VIEW comparable AS {compared}")
    connection.execute("CREATE OR REPLACE TEMP TABLE near_ones AS SELECT * FROM comparable WHERE is_near")
    paired = ["SELECT entity FROM near_ones"]
    for rule in settings["blocking_rules_to_generate_predictions"]:
        paired.append(f"SELECT r.entity FROM near_ones AS l JOIN comparable AS r ON {rule['blocking_rule']}")
        paired.append(f"SELECT l.entity FROM comparable AS l JOIN near_ones AS r ON {rule['blocking_rule']}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE compared_entities AS SELECT c.* FROM comparable AS c"
        f" SEMI JOIN ({' UNION '.join(paired)}) AS p ON p.entity = c.entity ORDER BY c.entity"
    )


def _of_near(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings with blocking rules that pair entities of which at least one `is_near`."""
    rules = settings["blocking_rules_to_generate_predictions"]
    near = [rule | {"blocking_rule": f"({rule['blocking_rule']}) AND (l.is_near OR r.is_near)"} for rule in rules]
    return settings | {"blocking_rules_to_generate_predictions": near}


def make_linker(connection: duckdb.DuckDBPyConnection, settings: dict[str, Any], table: str, frequencies: dict[str, Frequencies]) -> Linker:
    """Return a linker over `table` on `connection` (so that its limits and encryption apply), with the frozen frequencies."""
    from splink import DuckDBAPI, Linker, SettingsCreator

    api = DuckDBAPI(connection=connection)
    linker = Linker(api.register(table), SettingsCreator.from_path_or_dict(settings), log_level=None)
    for column, frequency in frequencies.items():
        name = f"tf_{identifier(column)}"
        common = pa.table({"value": list(frequency.common), "share": list(frequency.common.values())})
        connection.register("common", common)
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT DISTINCT t.{column}, COALESCE(c.share, $rare) AS {name} FROM {table} AS t"
            f" LEFT JOIN common AS c ON c.value = t.{column} WHERE t.{column} IS NOT NULL",
            {"rare": frequency.rare},
        )
        connection.unregister("common")
        linker.table_management.register_term_frequency_lookup(api.register(name), column)
    return linker


@contextmanager
def discreet_splink() -> Iterator[None]:
    """Silence Splink's log and its advice on Python versions, and raise its errors as ours: their text quotes SQL and values."""
    logger = logging.getLogger("splink")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", category=DeprecationWarning)
            yield
    except Exception as error:
        raise DasError(
            f"Splink stopped with {type(error).__name__}; its text may hold values of persons and is not shown."
            " Set DAS_MEMORY_LIMIT higher, or train the stored model again when Splink was upgraded."
        ) from None
    finally:
        logger.setLevel(before)


def dump_model(model: StoredModel) -> str:
    """Return the text of a model's file."""
    return json.dumps(model.model_dump(), indent=1, ensure_ascii=False, sort_keys=True) + "\n"

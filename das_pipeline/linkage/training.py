"""Training the probabilistic model, never inside a run, and what today's records would change in it.

The verified chain numbers are the labels: what agrees between two records with one number gives m, and between two random records u.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb

from das_pipeline import engine
from das_pipeline.deliveries import is_simulated
from das_pipeline.errors import ConfigurationError
from das_pipeline.linkage.compare import alike, given_kin, swapped
from das_pipeline.linkage.definition import load_definition
from das_pipeline.linkage.entities import relation
from das_pipeline.linkage.probabilistic import Frequencies, StoredModel, discreet_splink, load_model, make_linker
from das_pipeline.policy import load_policy
from das_pipeline.run import Run

MAX_PAIRS = 5e6
SEED = 1
THRESHOLD = 8.0  # bits; odds of 256 to 1 for a link, before Splink's over-confidence
KEPT = 6.0  # bits below the threshold at which a link stays


def _level(condition: str, label: str, **more: Any) -> dict[str, Any]:
    return {"sql_condition": condition, "label_for_charts": label} | more


def _missing(column: str) -> dict[str, Any]:
    return _level(f"{column}_l IS NULL OR {column}_r IS NULL", "missing", is_null_level=True)


_NEAR_BIRTH = """(CAST(year(birth_on_l) = year(birth_on_r) AS INTEGER) + CAST(month(birth_on_l) = month(birth_on_r) AS INTEGER)
 + CAST(day(birth_on_l) = day(birth_on_r) AS INTEGER) = 2) OR (year(birth_on_l) = year(birth_on_r)
 AND month(birth_on_l) = day(birth_on_r) AND day(birth_on_l) = month(birth_on_r))"""


def _of_splink(condition: str) -> str:
    """Return a condition on `l` and `r` with Splink's names of the columns."""
    return re.sub(r"\b([lr])\.(\w+)", r"\2_\1", condition)


_SWAPPED = _of_splink(swapped("l", "r"))

SETTINGS: dict[str, Any] = {
    "link_type": "dedupe_only",
    "unique_id_column_name": "entity",
    "linker_uid": "das",
    "retain_matching_columns": False,
    "retain_intermediate_calculation_columns": False,
    "blocking_rules_to_generate_predictions": [
        {"blocking_rule": f"{rule} AND NOT (l.is_anchored AND r.is_anchored)"}
        for rule in (
            "l.birth_on = r.birth_on AND NOT l.is_year_only AND NOT r.is_year_only",
            "l.surname = r.surname AND l.given_name = r.given_name",
            "l.surname = r.surname AND year(l.birth_on) = year(r.birth_on)",
            "l.given_name = r.given_name AND year(l.birth_on) = year(r.birth_on) AND month(l.birth_on) = month(r.birth_on)",
        )
    ],
    "comparisons": [
        {
            "output_column_name": "surname",
            "comparison_levels": [
                _missing("surname"),
                _level("surname_l = surname_r", "equal", tf_adjustment_column="surname"),
                _level("surname_1_l IN (surname_1_r, surname_2_r) OR surname_2_l IN (surname_1_r, surname_2_r)", "a part is equal"),
                _level(alike("surname_l", "surname_r"), "alike"),
                _level(_SWAPPED, "swapped with the given name"),
                _level("ELSE", "different"),
            ],
        },
        {
            "output_column_name": "given_name",
            "comparison_levels": [
                _level(
                    f"given_name_l IS NULL OR given_name_r IS NULL OR {_SWAPPED}",
                    "missing, or counted with the surname",
                    is_null_level=True,
                ),
                _level("given_name_l = given_name_r", "equal", tf_adjustment_column="given_name"),
                _level("given_2_l = given_name_r OR given_name_l = given_2_r", "a call name"),
                _level("initial_l = initial_r AND (length(given_name_l) = 1 OR length(given_name_r) = 1)", "an initial"),
                _level(alike("given_name_l", "given_name_r"), "alike"),
                _level(
                    "LEAST(length(given_name_l), length(given_name_r)) = 3 AND damerau_levenshtein(given_name_l, given_name_r) <= 1",
                    "short and alike",
                ),
                _level(_of_splink(given_kin("l", "r")), "a pet name, or two edits"),
                _level("ELSE", "different"),
            ],
        },
        {
            "output_column_name": "birth_on",
            "comparison_levels": [
                _missing("birth_on"),
                _level("birth_on_l = birth_on_r AND NOT is_year_only_l AND NOT is_year_only_r", "equal"),
                _level(
                    "(is_year_only_l OR is_year_only_r) AND year(birth_on_l) = year(birth_on_r)", "the year is equal, and all that is known"
                ),
                _level(f"NOT is_year_only_l AND NOT is_year_only_r AND ({_NEAR_BIRTH})", "one part differs"),
                _level("ELSE", "different"),
            ],
        },
        {
            "output_column_name": "sex",
            "comparison_levels": [_missing("sex"), _level("sex_l = sex_r", "equal"), _level("ELSE", "different")],
        },
    ],
}


@dataclass(frozen=True)
class Drift:
    """A level of a comparison: how often it occurs in pairs of one person (m) and of two (u), as stored and as trained today."""

    part: str
    finding: str
    m: float
    m_today: float | None  # None: no pair of today's records has it
    u: float
    u_today: float | None

    @property
    def bits(self) -> float:
        """What the level adds to a weight, as stored."""
        return math.log2(self.m / self.u)

    @property
    def bits_today(self) -> float | None:
        """The same of today's records; None if it could not be trained."""
        return None if self.m_today is None or self.u_today is None else math.log2(self.m_today / self.u_today)


def model_drift(run: Run) -> list[Drift]:
    """Return the levels of the stored model beside those of a model trained on the live version of `identifying/entities`.

    Nothing is replaced. No name is in it. ConfigurationError if the stored model has other levels than training would give.
    """
    name = load_definition(run.jurisdiction).model
    if name is None:
        raise ConfigurationError(f"{run.jurisdiction.folder / 'linkage.yaml'} names no model: there is nothing to compare.")
    stored, today = load_model(run.jurisdiction, name), StoredModel.model_validate(train_model(run))
    return compare_models(stored, today)


def compare_models(stored: StoredModel, today: StoredModel) -> list[Drift]:
    """Return every level of `stored` beside that of `today`; ConfigurationError if one of them has a level that the other lacks."""
    before, now = _levels(stored), _levels(today)
    if unlike := sorted(before.keys() ^ now.keys()):
        listed = ", ".join(f"{part}: {finding}" for part, finding in unlike)
        raise ConfigurationError(f"The stored model and the code do not compare alike ({listed}): train the model again.")
    unseen = str(today.trained_on["unseen_levels"])
    return [
        Drift(
            part,
            finding,
            m,
            None if f"{part} {finding} (m)" in unseen else now[part, finding][0],
            u,
            None if f"{part} {finding} (u)" in unseen else now[part, finding][1],
        )
        for (part, finding), (m, u) in before.items()
    ]


def _levels(model: StoredModel) -> dict[tuple[str, str], tuple[float, float]]:
    return {
        (comparison["output_column_name"], level["label_for_charts"]): (level["m_probability"], level["u_probability"])
        for comparison in model.splink["comparisons"]
        for level in comparison["comparison_levels"]
        if not level.get("is_null_level")
    }


def next_model(run: Run) -> StoredModel:
    """Return a model trained on today's records that can replace the stored one; ConfigurationError if a level could not be trained.

    A level that no pair has would be a guess, and Splink gives one of its own to a level that it does not find in a stored model.
    """
    model = StoredModel.model_validate(train_model(run))
    if unseen := model.trained_on["unseen_levels"]:
        raise ConfigurationError(f"Levels without a pair: {unseen}. Train on more records; nothing was written.")
    name = load_definition(run.jurisdiction).model
    before = 0 if name is None else run.jurisdiction.load(name, StoredModel).version
    return model.model_copy(update={"version": before + 1})


def train_model(run: Run) -> dict[str, Any]:
    """Return a model trained on the live version of `identifying/entities`, to be reviewed and stored as a file of the jurisdiction."""
    entities = run.lake.live("identifying/entities")
    with run.connect(identifying=True) as connection, engine.errors_of_engine("the linkage model"):
        for name in ("records", "members", "entities"):
            connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM {relation(entities, name)}")
        least = load_policy(run.jurisdiction).linkage.common_name.rows
        return train(connection, least, as_of=run.as_of, is_simulated=is_simulated(run)).model_dump()


def train(connection: duckdb.DuckDBPyConnection, least: int, *, as_of: date, is_simulated: bool) -> StoredModel:
    """Return the model of the tables `records`, `members` and `entities`; names of fewer than `least` persons are not written into it."""
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE training_records AS SELECT r.node AS entity, r.* EXCLUDE (node, unit, record_no, partner, is_person),"
        " m.anchor, m.anchor IS NOT NULL AS is_anchored FROM records AS r JOIN members AS m ON m.node = r.node"
        " WHERE r.is_person AND (r.surname IS NOT NULL OR r.birth_on IS NOT NULL) ORDER BY r.node"
    )
    frequencies = {column: _frequencies(connection, column, least) for column in ("surname", "given_name")}
    single, entities = connection.execute("SELECT COUNT(*) FILTER (WHERE anchor IS NULL), COUNT(*) FROM entities").fetchall()[0]
    # Every entity without a verified number is expected to have one match among the others.
    settings = SETTINGS | {"probability_two_random_records_match": 2 * max(single, 1) / (entities * (entities - 1))}
    with discreet_splink():
        linker = make_linker(connection, settings, "training_records", frequencies)
        linker.training.estimate_u_using_random_sampling(max_pairs=MAX_PAIRS, seed=SEED)
        linker.training.estimate_m_from_label_column("anchor")
        trained = linker.misc.save_model_to_json()
    unseen = _fill_unseen(trained, pairs=_labelled_pairs(connection))
    records = int(engine.scalar(connection, "SELECT COUNT(*) FROM training_records"))
    return StoredModel(
        trained_on={
            "as_of": as_of.isoformat(),
            "is_simulated": is_simulated,
            "records": records,
            "entities": entities,
            "unseen_levels": ", ".join(unseen),
        },
        threshold=THRESHOLD,
        kept_from=THRESHOLD - KEPT,
        frequencies=frequencies,
        splink=trained,
    )


def _labelled_pairs(connection: duckdb.DuckDBPyConnection) -> int:
    sizes = "SELECT COUNT(*) AS n FROM training_records WHERE anchor IS NOT NULL GROUP BY anchor"
    return int(engine.scalar(connection, f"SELECT COALESCE(SUM(n * (n - 1) // 2), 0) FROM ({sizes})"))


def _fill_unseen(settings: dict[str, Any], pairs: int) -> list[str]:
    """Give every level without a pair half a pair, less than any level with one; return the levels that this changed."""
    unseen = []
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            for probability, seen in (("m_probability", pairs), ("u_probability", MAX_PAIRS)):
                if not level.get("is_null_level") and not isinstance(level.get(probability), float):
                    level[probability] = 0.5 / max(seen, 1)
                    unseen.append(f"{comparison['output_column_name']} {level['label_for_charts']} ({probability[0]})")
    return unseen


def _frequencies(connection: duckdb.DuckDBPyConnection, column: str, least: int) -> Frequencies:
    """Return the shares of the values of `column` among entities: persons, however many records each has."""
    rows = connection.execute(
        f"SELECT {column}, COUNT(*) FROM entities WHERE {column} IS NOT NULL GROUP BY {column} ORDER BY COUNT(*) DESC, {column}"
    ).fetchall()
    total = sum(n for _, n in rows)
    rare = sorted(n for _, n in rows if n < least) or [1]
    return Frequencies(common={value: round(n / total, 6) for value, n in rows if n >= least}, rare=round(rare[len(rare) // 2] / total, 6))

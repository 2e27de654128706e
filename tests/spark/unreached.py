"""The SQL files that no day of the toy chain comes to: the values that they take, and the columns of the tables that they read.

A day of the toy chain touches so much that linkage resolves everything again, nobody replaces a delivery, and nobody decides on a link.
"""

from __future__ import annotations

from typing import Any

EDGES = "left_entity BIGINT, right_entity BIGINT, link_class VARCHAR, weight DECIMAL(12, 6)"
RECORDS = "node BIGINT, unit VARCHAR, record_no BIGINT, birth_on DATE"
DOUBTFUL = "rule VARCHAR, role VARCHAR, value VARCHAR, unit VARCHAR, record_no BIGINT"
NUMBERS = "node BIGINT, role VARCHAR, value VARCHAR"
REFERENCES = "node BIGINT, reference VARCHAR, value VARCHAR"
KEYS = "entity BIGINT, key VARCHAR, value VARCHAR, is_sure BOOLEAN"
MEMBERS = "node BIGINT, entity BIGINT, anchor VARCHAR"
ENTITIES = "entity BIGINT, anchor VARCHAR, surname VARCHAR, given_name VARCHAR, birth_on DATE, records BIGINT"
UNITS = "unit VARCHAR, first_node BIGINT"
LINKS = "unit VARCHAR, record_no BIGINT, person_id BIGINT, case_id BIGINT"
DECIDED = "kind VARCHAR, node BIGINT, other BIGINT, outcome VARCHAR"
DECISIONS = "kind VARCHAR, unit VARCHAR, record_no BIGINT, other_unit VARCHAR, other_record_no BIGINT, outcome VARCHAR"
NODE, ENTITY = "node BIGINT", "entity BIGINT"
MERGED = "role VARCHAR, number VARCHAR, leading_number VARCHAR"
GONE = "left_entity BIGINT, right_entity BIGINT, link_class VARCHAR"

_LINKAGE: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "affected": (
        {},
        {
            "before_entities": ENTITIES,
            "entities": ENTITIES,
            "moved": ENTITY,
            "before_members": MEMBERS,
            "members": MEMBERS,
            "core": NODE,
            "before_keys": KEYS,
            "keys": KEYS,
            "near": ENTITY,
            "before_edges": EDGES,
            "edges": EDGES,
            "gone": GONE,
            "touched_nodes": NODE,
        },
    ),
    "decisions": ({}, {"every_decision": f"number BIGINT, {DECISIONS}"}),
    "every_entity": ({}, {"before_entities": ENTITIES, "moved": ENTITY, "entities": ENTITIES, "near": ENTITY}),
    "gone": ({}, {"before_edges": EDGES, "near": ENTITY}),
    "held": (
        {},
        {
            "before_numbers": NUMBERS,
            "before_doubtful_numbers": DOUBTFUL,
            "units": UNITS,
            "before_case_references": REFERENCES,
            "numbers": NUMBERS,
            "case_references": REFERENCES,
        },
    ),
    "joined": ({}, {"whole_edges": EDGES, "joined": ENTITY, "persons_before": "person_id BIGINT, entity BIGINT"}),
    "kept_doubts": (
        {},
        {"before_records": RECORDS, "core": NODE, "records": RECORDS, "doubtful_numbers": DOUBTFUL, "before_doubtful_numbers": DOUBTFUL},
    ),
    "kept_edges": ({}, {"before_edges": EDGES, "redrawn": "left_entity BIGINT", "gone": GONE}),
    "moved": ({}, {"before_members": MEMBERS, "core": NODE, "members": MEMBERS}),
    "moved_values": ({}, {"before_keys": KEYS, "moved": ENTITY, "keys": KEYS}),
    "near": ({}, {"moved": ENTITY, "before_keys": KEYS, "moved_values": "key VARCHAR, value VARCHAR"}),
    "near_numbers": ({}, {"numbers": NUMBERS, "core": NODE, "before_numbers": NUMBERS, "members": MEMBERS}),
    "persons_before": ({}, {"links_before": LINKS, "units": UNITS, "whole_members": MEMBERS}),
    "placed_before": ({}, {"links_before": LINKS, "units": UNITS}),
    "placeholders": ({"role": "a", "max_profiles": 0}, {"numbers": NUMBERS, "records": f"{RECORDS}, surname VARCHAR"}),
    "rivals": ({"entity": 1, "other": 2}, {"edges": EDGES, "entities": ENTITIES}),
    "sharing": ({}, {"reached": NODE, "whole_case_references": REFERENCES}),
    "touched": (
        {},
        {
            "merged_numbers": MERGED,
            "before_merged_numbers": MERGED,
            "before_numbers": NUMBERS,
            "before_decided": DECIDED,
            "before_records": RECORDS,
            "before_doubtful_numbers": DOUBTFUL,
            "decisions": DECISIONS,
        },
    ),
    "wide": ({}, {"before_keys": KEYS, "near": ENTITY, "moved_values": "key VARCHAR, value VARCHAR"}),
}
UNREACHED = {f"das_pipeline/linkage/{name}.sql": reads for name, reads in _LINKAGE.items()} | {
    "das_pipeline/deliveries/restored.sql": (
        {"last": "a"},
        {
            "file_versions": "record_no BIGINT, sub VARCHAR, delivery VARCHAR, line_no BIGINT, content_hash BLOB, closed_by VARCHAR",
            "named": "record_no BIGINT, sub VARCHAR",
            "replaced": "delivery VARCHAR",
        },
    ),
    "simulation/validation/judged.sql": (
        {},
        {
            "links": LINKS,
            "keyed_records": "unit VARCHAR, record_no BIGINT, key VARCHAR",
            "truth": 'unit VARCHAR, key VARCHAR, person BIGINT, "case" BIGINT',
        },
    ),
}

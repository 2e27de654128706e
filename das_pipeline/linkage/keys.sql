-- keys: one row per entity, key and value: strong keys, also those that the guard refused, and references. Keys: entity, key, value.
-- `is_sure`: the value names one person; of other references several persons can have a value, so that more must agree.
-- Source: numbers (node, role, value), members (node, entity), person_references (node, key, value, is_sure).
SELECT DISTINCT m.entity, n.role AS key, n.value, n.value IS NOT NULL AS is_sure
FROM numbers AS n
JOIN members AS m ON m.node = n.node
UNION ALL
SELECT DISTINCT m.entity, p.key, p.value, p.is_sure
FROM person_references AS p
JOIN members AS m ON m.node = p.node

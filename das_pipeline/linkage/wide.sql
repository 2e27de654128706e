-- wide: the entities in near and those that share a value with one. Keys: entity. Source: near, moved_values, before_keys.
WITH near_values AS (
    SELECT k.key, k.value FROM before_keys AS k SEMI JOIN near AS n ON n.entity = k.entity
    UNION SELECT key, value FROM moved_values)
SELECT entity FROM near
UNION SELECT k.entity FROM before_keys AS k SEMI JOIN near_values AS v ON v.key = k.key AND v.value = k.value

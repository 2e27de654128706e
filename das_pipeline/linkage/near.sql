-- near: the entities in moved and those that share a value with one. Keys: entity. Source: moved, moved_values, before_keys.
SELECT entity FROM moved
UNION SELECT k.entity FROM before_keys AS k SEMI JOIN moved_values AS v ON v.key = k.key AND v.value = k.value

-- moved_values: what the entities in moved have or had. Keys: key, value. Source: before_keys, keys, moved.
SELECT k.key, k.value FROM before_keys AS k SEMI JOIN moved AS m ON m.entity = k.entity
UNION SELECT k.key, k.value FROM keys AS k SEMI JOIN moved AS m ON m.entity = k.entity

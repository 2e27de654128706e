-- like pairs: one row per two persons with verified numbers that differ, who share a later number, or their whole profile.
-- Keys: entity, other. Source: entities, keys (entity, key, value, is_sure), $first (the first key).
WITH anchored AS (SELECT * FROM entities WHERE anchor IS NOT NULL),
pointing AS (
    SELECT k.entity, o.entity AS other FROM keys AS k
    JOIN keys AS o ON o.key = k.key AND o.value = k.value AND o.entity > k.entity
    WHERE k.is_sure AND o.is_sure AND k.key <> $first
),
same AS (
    SELECT l.entity, r.entity AS other FROM anchored AS l
    JOIN anchored AS r ON r.birth_on = l.birth_on AND r.surname = l.surname AND r.given_name = l.given_name AND r.entity > l.entity
    WHERE NOT l.is_year_only AND NOT r.is_year_only
)
SELECT p.entity, p.other
FROM (SELECT * FROM pointing UNION SELECT * FROM same) AS p
JOIN anchored AS l ON l.entity = p.entity
JOIN anchored AS r ON r.entity = p.other
WHERE l.anchor <> r.anchor

-- review: one row per pair of records, or of a record and a case, that a person is to look at. Keys: kind, node, other.
-- `node` and `other` are the lowest records of two entities, or of a case `other` is one record; `rival` is that of a second candidate.
-- 1 decision_fails: a decision that what is known today contradicts. 2 two_candidates: a record without a verified number, and two
-- persons that it fits equally well. 3 second_number: the number of one record was set apart, for all else is another person's.
-- 4 refused: evidence enough to link, but the result could not be one person. 5 two_numbers: two verified numbers that look like one
-- person's. 6, 7 barely_apart, barely_linked: within $bits of $join_at, the weight that a new link needs. 8 two_cases: a record that names
-- no case, and could be of two.
-- Sources: edges, decided (kind, node, other, outcome), members (node, entity), placed (entity, person, is_anchored, weight),
-- like_numbers (entity, other), second_numbers (entity, other), unsure_cases (node, other, rival).
WITH sided AS (
    SELECT e.link_class, e.weight, l.person = r.person AS is_linked, l.is_anchored OR r.is_anchored AS has_anchor,
        CASE WHEN l.is_anchored AND NOT r.is_anchored THEN r.entity ELSE l.entity END AS node,
        CASE WHEN l.is_anchored AND NOT r.is_anchored THEN l.entity ELSE r.entity END AS other,
        CASE WHEN l.is_anchored AND NOT r.is_anchored THEN r.weight ELSE l.weight END AS linked_by
    FROM edges AS e
    JOIN placed AS l ON l.entity = e.left_entity
    JOIN placed AS r ON r.entity = e.right_entity
),
enough AS (
    SELECT node, other, has_anchor, weight,
        ROW_NUMBER() OVER (PARTITION BY node, link_class, has_anchor ORDER BY weight DESC, other) AS place,
        LEAD(other) OVER (PARTITION BY node, link_class, has_anchor ORDER BY weight DESC, other) AS rival
    FROM sided
    WHERE NOT is_linked AND (link_class = 'B' OR (link_class = 'C' AND weight >= $join_at))
),
below AS (
    SELECT node, other, weight, ROW_NUMBER() OVER (PARTITION BY node ORDER BY weight DESC, other) AS place
    FROM sided
    WHERE NOT is_linked AND link_class = 'C' AND weight < $join_at AND weight >= $join_at - $bits
),
found AS (
    SELECT 'person' AS kind, 1 AS urgency, 'decision_fails' AS reason, node, other, CAST(NULL AS BIGINT) AS rival,
        CAST(NULL AS DECIMAL(12, 6)) AS weight
    FROM sided WHERE NOT is_linked AND link_class = 'D'
    UNION ALL
    SELECT 'person', 2, 'two_candidates', node, other, rival, weight FROM enough WHERE place = 1 AND has_anchor AND rival IS NOT NULL
    UNION ALL
    SELECT 'person', 3, 'second_number', entity, other, CAST(NULL AS BIGINT), CAST(NULL AS DECIMAL(12, 6)) FROM second_numbers
    UNION ALL
    SELECT 'person', 4, 'refused', node, other, CAST(NULL AS BIGINT), weight
    FROM enough WHERE place = 1 AND (NOT has_anchor OR rival IS NULL)
    UNION ALL
    SELECT 'person', 5, 'two_numbers', entity, other, CAST(NULL AS BIGINT), CAST(NULL AS DECIMAL(12, 6)) FROM like_numbers
    UNION ALL
    SELECT 'person', 6, 'barely_apart', node, other, CAST(NULL AS BIGINT), weight FROM below WHERE place = 1
    UNION ALL
    SELECT 'person', 7, 'barely_linked', node, other, CAST(NULL AS BIGINT), weight
    FROM sided WHERE is_linked AND link_class = 'C' AND weight < $join_at + $bits AND weight = linked_by
    UNION ALL
    SELECT 'case', 8, 'two_cases', node, other, rival, CAST(NULL AS DECIMAL(12, 6)) FROM unsure_cases
),
settled AS (
    SELECT d.kind, COALESCE(l.entity, d.node) AS node, COALESCE(r.entity, d.other) AS other
    FROM decided AS d
    LEFT JOIN members AS l ON l.node = d.node AND d.kind = 'person'
    LEFT JOIN members AS r ON r.node = d.other AND d.kind = 'person'
),
waiting AS (
    SELECT f.kind, f.urgency, f.reason, f.node, f.other, f.rival, f.weight,
        ROW_NUMBER() OVER (PARTITION BY f.kind, LEAST(f.node, f.other), GREATEST(f.node, f.other) ORDER BY f.urgency, f.node) AS place
    FROM found AS f
    LEFT JOIN (SELECT DISTINCT kind, LEAST(node, other) AS node, GREATEST(node, other) AS other FROM settled) AS s
        ON s.kind = f.kind AND s.node = LEAST(f.node, f.other) AND s.other = GREATEST(f.node, f.other)
    WHERE s.kind IS NULL OR f.reason = 'decision_fails'
)
SELECT kind, urgency, reason, node, other, rival, weight FROM waiting WHERE place = 1

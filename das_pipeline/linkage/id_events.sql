-- id events: one row per event of an id since the previous version. Keys: id, event.
-- Sources: clusters (node, cluster), ids (cluster, id, is_born), held_before (node, id: the last id of its record), given_before (id: those
-- with a record in force in the previous version), cluster_numbers (cluster, number_key), number_ids (number_key, id).
-- birth: a new id. split: a new id for records of an earlier id, other_id (the one with most of them). merge: an id whose person now has
-- other_id. end: an id without a record in force, or whose verified number no record has any longer: its records were somebody else's, so
-- it did not merge. return: an id that had ended or merged and has a record in force again. move: some records of an id now have other_id,
-- and both ids were given before and go on.
WITH found_again AS (
    SELECT b.id AS earlier, i.id AS later, COUNT(*) AS records
    FROM held_before AS b JOIN clusters AS c ON c.node = b.node JOIN ids AS i ON i.cluster = c.cluster
    GROUP BY b.id, i.id
),
sources AS (
    SELECT earlier, later, ROW_NUMBER() OVER (PARTITION BY later ORDER BY records DESC, earlier) AS place FROM found_again
),
targets AS (
    SELECT earlier, later, ROW_NUMBER() OVER (PARTITION BY earlier ORDER BY records DESC, later) AS place FROM found_again
),
moves AS (
    SELECT f.earlier, f.later, ROW_NUMBER() OVER (PARTITION BY f.earlier ORDER BY f.records DESC, f.later) AS place
    FROM found_again AS f
    JOIN ids AS e ON e.id = f.earlier
    JOIN given_before AS l ON l.id = f.later
    WHERE f.earlier <> f.later
),
gone AS (
    SELECT t.earlier, t.later
    FROM targets AS t LEFT JOIN ids AS i ON i.id = t.earlier
    WHERE i.id IS NULL AND t.place = 1
),
of_numbers AS (
    SELECT k.id, MAX(CASE WHEN i.id IS NULL THEN 0 ELSE 1 END) AS is_joined
    FROM number_ids AS k
    JOIN gone AS g ON g.earlier = k.id
    LEFT JOIN cluster_numbers AS n ON n.number_key = k.number_key
    LEFT JOIN ids AS i ON i.cluster = n.cluster AND i.id = g.later
    GROUP BY k.id
)
SELECT id, 'birth' AS event, CAST(NULL AS BIGINT) AS other_id FROM ids WHERE is_born
UNION ALL
SELECT s.later AS id, 'split' AS event, s.earlier AS other_id
FROM sources AS s JOIN ids AS i ON i.id = s.later WHERE i.is_born AND s.place = 1
UNION ALL
SELECT g.earlier AS id, 'merge' AS event, g.later AS other_id
FROM gone AS g LEFT JOIN of_numbers AS o ON o.id = g.earlier WHERE COALESCE(o.is_joined, 1) = 1
UNION ALL
SELECT b.id, 'end' AS event, CAST(NULL AS BIGINT) AS other_id
FROM given_before AS b JOIN of_numbers AS o ON o.id = b.id WHERE o.is_joined = 0
UNION ALL
SELECT g.id, 'end' AS event, CAST(NULL AS BIGINT) AS other_id
FROM given_before AS g LEFT JOIN found_again AS f ON f.earlier = g.id LEFT JOIN ids AS i ON i.id = g.id
WHERE f.earlier IS NULL AND i.id IS NULL
UNION ALL
SELECT i.id, 'return' AS event, CAST(NULL AS BIGINT) AS other_id
FROM ids AS i LEFT JOIN given_before AS g ON g.id = i.id WHERE NOT i.is_born AND g.id IS NULL
UNION ALL
SELECT m.earlier AS id, 'move' AS event, m.later AS other_id
FROM moves AS m WHERE m.place = 1

-- id events: one row per event of an id since the previous version. Keys: id, event.
-- Sources: clusters (node, cluster), ids (cluster, id, is_born), held_before (node, id: the last id of its record), given_before (id: those
-- with a record in force in the previous version).
-- birth: a new id. split: a new id for records of an earlier id, other_id (the one with most of them). merge: an id whose cluster now has
-- other_id. end: an id without a record in force. return: an id that had ended and has a record in force again.
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
)
SELECT id, 'birth' AS event, CAST(NULL AS BIGINT) AS other_id FROM ids WHERE is_born
UNION ALL
SELECT s.later AS id, 'split' AS event, s.earlier AS other_id
FROM sources AS s JOIN ids AS i ON i.id = s.later WHERE i.is_born AND s.place = 1
UNION ALL
SELECT t.earlier AS id, 'merge' AS event, t.later AS other_id
FROM targets AS t LEFT JOIN ids AS i ON i.id = t.earlier WHERE i.id IS NULL AND t.place = 1
UNION ALL
SELECT g.id, 'end' AS event, CAST(NULL AS BIGINT) AS other_id
FROM given_before AS g LEFT JOIN found_again AS f ON f.earlier = g.id WHERE f.earlier IS NULL
UNION ALL
SELECT i.id, 'return' AS event, CAST(NULL AS BIGINT) AS other_id
FROM ids AS i LEFT JOIN given_before AS g ON g.id = i.id WHERE NOT i.is_born AND g.id IS NULL

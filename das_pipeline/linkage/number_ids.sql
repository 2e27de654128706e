-- number_ids: one row per verified number that was ever seen: the id that it was given, and since when. Keys: number_key.
-- A number keeps its id while its authority has it merged into another, so that a revoked merge gives both persons their ids back. Sources:
-- number_ids (of the previous version), cluster_numbers (cluster, number_key, is_leading), ids (cluster, id), $vintage.
WITH alone AS (
    SELECT cluster, COUNT(*) AS numbers FROM cluster_numbers GROUP BY cluster
),
seen AS (
    SELECT n.number_key, i.id, a.numbers
    FROM cluster_numbers AS n JOIN ids AS i ON i.cluster = n.cluster JOIN alone AS a ON a.cluster = n.cluster
    WHERE n.is_leading
),
joined AS (
    SELECT COALESCE(k.number_key, s.number_key) AS number_key, k.id AS earlier_id, k.since, s.id AS later_id, s.numbers
    FROM number_ids AS k FULL JOIN seen AS s ON s.number_key = k.number_key
)
SELECT number_key,
    CASE WHEN earlier_id IS NULL OR numbers = 1 THEN COALESCE(later_id, earlier_id) ELSE earlier_id END AS id,
    CASE WHEN earlier_id IS NULL OR (numbers = 1 AND later_id <> earlier_id) THEN CAST($vintage AS DATE) ELSE since END AS since
FROM joined

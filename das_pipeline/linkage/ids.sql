-- ids: one row per cluster of records: its persistent id. Keys: cluster; id.
-- Sources: clusters (node, cluster), held_before (node, id: the last id of its record), $last (the highest id ever given).
-- Every earlier id claims the cluster that has most of its records; of several claims on a cluster the largest wins, then the oldest id.
-- Unclaimed clusters get new ids in the order of their lowest record, so that a replay gives the same numbers.
WITH found_again AS (
    SELECT b.id, c.cluster, COUNT(*) AS records
    FROM held_before AS b JOIN clusters AS c ON c.node = b.node
    GROUP BY b.id, c.cluster
),
choices AS (
    SELECT id, cluster, records, ROW_NUMBER() OVER (PARTITION BY id ORDER BY records DESC, cluster) AS choice FROM found_again
),
claims AS (
    SELECT id, cluster, ROW_NUMBER() OVER (PARTITION BY cluster ORDER BY records DESC, id) AS place FROM choices WHERE choice = 1
),
named AS (
    SELECT DISTINCT c.cluster, k.id FROM clusters AS c LEFT JOIN claims AS k ON k.cluster = c.cluster AND k.place = 1
),
born AS (
    SELECT cluster, $last + ROW_NUMBER() OVER (ORDER BY cluster) AS id FROM named WHERE id IS NULL
)
SELECT n.cluster, COALESCE(n.id, b.id) AS id, b.id IS NOT NULL AS is_born
FROM named AS n LEFT JOIN born AS b ON b.cluster = n.cluster

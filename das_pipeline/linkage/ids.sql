-- ids: one row per cluster of records: its persistent id. Keys: cluster; id.
-- Sources: clusters (node, cluster, is_verified: whether a verified number holds the record there), held_before (node, id: the last id of
-- its record), cluster_numbers (cluster, number_key: its verified number, and those that their authority merged into it), number_ids
-- (number_key, id, since: the id that a number was given), $last (the highest id ever given).
-- 1. A cluster with a verified number has the id of that number, wherever the number's earlier records are now.
-- 2. Every other earlier id claims the cluster that has most of its records, those with a verified number first; of several claims on a
-- cluster the largest wins, then the oldest id. The id of a number never goes to a cluster with other numbers.
-- 3. Unclaimed clusters get new ids in the order of their lowest record, so that a replay gives the same numbers.
WITH found_again AS (
    SELECT b.id, c.cluster, COUNT(*) AS records, SUM(CASE WHEN c.is_verified THEN 1 ELSE 0 END) AS verified
    FROM held_before AS b JOIN clusters AS c ON c.node = b.node
    GROUP BY b.id, c.cluster
),
of_numbers AS (
    SELECT n.cluster, k.id, k.since, n.number_key, COALESCE(f.records, 0) AS records
    FROM cluster_numbers AS n
    JOIN number_ids AS k ON k.number_key = n.number_key
    LEFT JOIN found_again AS f ON f.id = k.id AND f.cluster = n.cluster
),
own AS (
    SELECT cluster, id, records, ROW_NUMBER() OVER (PARTITION BY id ORDER BY since, number_key) AS place FROM of_numbers
),
kept AS (
    SELECT cluster, id, ROW_NUMBER() OVER (PARTITION BY cluster ORDER BY records DESC, id) AS place FROM own WHERE place = 1
),
eligible AS (
    SELECT f.id, f.cluster, f.records, f.verified
    FROM found_again AS f
    LEFT JOIN (SELECT DISTINCT id FROM of_numbers) AS o ON o.id = f.id
    LEFT JOIN (SELECT DISTINCT id FROM number_ids) AS k ON k.id = f.id
    LEFT JOIN (SELECT DISTINCT cluster FROM cluster_numbers) AS n ON n.cluster = f.cluster
    LEFT JOIN (SELECT DISTINCT cluster FROM kept) AS t ON t.cluster = f.cluster
    WHERE o.id IS NULL AND t.cluster IS NULL AND (k.id IS NULL OR n.cluster IS NULL)
),
choices AS (
    SELECT id, cluster, records, verified, ROW_NUMBER() OVER (PARTITION BY id ORDER BY verified DESC, records DESC, cluster) AS choice
    FROM eligible
),
claims AS (
    SELECT id, cluster, ROW_NUMBER() OVER (PARTITION BY cluster ORDER BY verified DESC, records DESC, id) AS place
    FROM choices
    WHERE choice = 1
),
named AS (
    SELECT DISTINCT c.cluster, COALESCE(t.id, k.id) AS id
    FROM clusters AS c
    LEFT JOIN kept AS t ON t.cluster = c.cluster AND t.place = 1
    LEFT JOIN claims AS k ON k.cluster = c.cluster AND k.place = 1
),
born AS (
    SELECT cluster, $last + ROW_NUMBER() OVER (ORDER BY cluster) AS id FROM named WHERE id IS NULL
)
SELECT n.cluster, COALESCE(n.id, b.id) AS id, b.id IS NOT NULL AS is_born
FROM named AS n LEFT JOIN born AS b ON b.cluster = n.cluster

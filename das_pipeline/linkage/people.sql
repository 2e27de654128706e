-- people: one row per record: its person (the lowest node of the cluster, NULL for a record about no person), link class and weight.
-- Keys: node. Link class: A verified number, B guarded key, C probable, S single. Only probable links have a weight, in bits.
-- Source: records, members (node, entity, anchor), merged (entity, cluster), taken (entity, link_class, weight).
WITH clustered AS (
    SELECT r.node, m.entity, m.anchor, g.cluster, COUNT(*) OVER (PARTITION BY g.cluster) AS records,
        MIN(r.node) OVER (PARTITION BY g.cluster) AS person
    FROM records AS r
    JOIN members AS m ON m.node = r.node
    JOIN merged AS g ON g.entity = m.entity
    WHERE r.is_person
),
linked AS (
    SELECT c.node, c.person,
        CASE WHEN c.records = 1 THEN 'S' WHEN c.anchor IS NOT NULL THEN 'A' ELSE t.link_class END AS link_class,
        CASE WHEN c.records > 1 AND c.anchor IS NULL AND t.link_class = 'C' THEN t.weight END AS weight
    FROM clustered AS c
    LEFT JOIN taken AS t ON t.entity = c.entity
)
SELECT r.node, r.unit, r.record_no, r.partner, l.person, l.link_class, l.weight
FROM records AS r
LEFT JOIN linked AS l ON l.node = r.node
ORDER BY r.node

-- links: one row per record: its person id and case id, how it was linked and how surely. Keys: unit, record_no.
-- Source: people, case_clusters, person_ids (cluster, id), case_ids (cluster, id).
SELECT p.unit, p.record_no, i.id AS person_id, j.id AS case_id, p.link_class, p.weight
FROM people AS p
JOIN case_clusters AS c ON c.node = p.node
JOIN case_ids AS j ON j.cluster = c.cluster
LEFT JOIN person_ids AS i ON i.cluster = p.person

-- Rule L07: one row: the decisions of persons on records in force; those of two persons that are one (`joined`); and those that do not hold
-- otherwise (`parted`). Source: decided (kind, node, other, outcome), records (node, unit, record_no), links.
WITH placed AS (
    SELECT r.node, l.person_id, l.case_id
    FROM records AS r JOIN links AS l ON l.unit = r.unit AND l.record_no = r.record_no
    SEMI JOIN (SELECT node FROM decided UNION SELECT other FROM decided) AS d ON d.node = r.node
),
compared AS (
    SELECT d.kind, d.outcome, CASE WHEN d.kind = 'person' THEN l.person_id = r.person_id ELSE l.case_id = r.case_id END AS is_one
    FROM decided AS d JOIN placed AS l ON l.node = d.node JOIN placed AS r ON r.node = d.other
)
SELECT COUNT(*) AS decisions,
    CAST(COALESCE(SUM(CASE WHEN kind = 'person' AND outcome = 'two' AND is_one THEN 1 ELSE 0 END), 0) AS BIGINT) AS joined,
    CAST(
        COALESCE(SUM(CASE WHEN (outcome = 'one' AND NOT is_one) OR (kind = 'case' AND outcome = 'two' AND is_one) THEN 1 ELSE 0 END), 0)
        AS BIGINT
    ) AS parted
FROM compared

-- One row per record version after this delivery: what changed or went is closed on $known_on, what came is opened on it.
-- Sources: versions, fates, absent, restored, $delivery, $known_on (the day on which the delivery became known).
WITH closing AS (
    SELECT record_no, sub, fate AS closed_as FROM fates WHERE fate IN ('changed', 'withdrawn')
    UNION ALL SELECT record_no, sub, 'withdrawn' FROM absent
),
opened AS (
    SELECT record_no, sub, CAST($delivery AS VARCHAR) AS delivery, line_no, fate AS opened_as, content_hash
    FROM fates WHERE fate IN ('new', 'changed', 'returned')
    UNION ALL SELECT record_no, sub, delivery, line_no, 'returned', content_hash FROM restored
),
followed AS (
    SELECT DISTINCT record_no, sub FROM opened WHERE opened_as <> 'new'
)
SELECT v.record_no, v.sub, v.known_from,
    CASE WHEN c.record_no IS NULL THEN v.known_until ELSE CAST($known_on AS DATE) END AS known_until,
    v.delivery, v.line_no, v.opened_as, COALESCE(c.closed_as, v.closed_as) AS closed_as,
    CASE WHEN c.record_no IS NULL THEN v.closed_by ELSE $delivery END AS closed_by, v.content_hash,
    v.is_only AND f.record_no IS NULL AS is_only
FROM versions AS v
LEFT JOIN closing AS c ON c.record_no = v.record_no AND c.sub = v.sub AND v.known_until = DATE '9999-12-31'
LEFT JOIN followed AS f ON f.record_no = v.record_no AND f.sub = v.sub
UNION ALL
SELECT record_no, sub, CAST($known_on AS DATE), DATE '9999-12-31', delivery, line_no, opened_as, CAST(NULL AS VARCHAR),
    CAST(NULL AS VARCHAR), content_hash, opened_as = 'new'
FROM opened

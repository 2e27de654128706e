-- One row per record version after this delivery: what changed or went is closed on $known_on, what came is opened on it.
-- Sources: versions, fates, absent, restored, $delivery, $known_on (the day on which the delivery became known).
WITH closing AS (
    SELECT record_no, sub, fate AS closed_as FROM fates WHERE fate IN ('changed', 'withdrawn')
    UNION ALL SELECT record_no, sub, 'withdrawn' FROM absent
),
earlier AS (
    SELECT v.record_no, v.sub, v.known_from,
        CASE WHEN c.record_no IS NULL THEN v.known_until ELSE CAST($known_on AS DATE) END AS known_until,
        v.delivery, v.line_no, v.opened_as, COALESCE(c.closed_as, v.closed_as) AS closed_as,
        CASE WHEN c.record_no IS NULL THEN v.closed_by ELSE $delivery END AS closed_by, v.content_hash
    FROM versions AS v
    LEFT JOIN closing AS c ON c.record_no = v.record_no AND c.sub = v.sub AND v.known_until = DATE '9999-12-31'
),
opened AS (
    SELECT record_no, sub, CAST($delivery AS VARCHAR) AS delivery, line_no, fate AS opened_as, content_hash
    FROM fates WHERE fate IN ('new', 'changed', 'returned')
    UNION ALL SELECT record_no, sub, delivery, line_no, 'returned', content_hash FROM restored
),
together AS (
    SELECT record_no, sub, known_from, known_until, delivery, line_no, opened_as, closed_as, closed_by, content_hash FROM earlier
    UNION ALL
    SELECT record_no, sub, CAST($known_on AS DATE), DATE '9999-12-31', delivery, line_no, opened_as, CAST(NULL AS VARCHAR),
        CAST(NULL AS VARCHAR), content_hash
    FROM opened
)
SELECT record_no, sub, known_from, known_until, delivery, line_no, opened_as, closed_as, closed_by, content_hash,
    COUNT(*) OVER (PARTITION BY record_no, sub) = 1 AS is_only
FROM together

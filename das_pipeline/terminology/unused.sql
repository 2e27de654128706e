-- One row per field and listed code that was in use and is no longer (rule T09). Keys: field, code.
-- In the $months months up to its last one the code had $rows rows or more, so that none in the last $months is no chance.
-- `since` is the last month with it. Sources: usage, fields, codes; $as_of, $now (the month of $as_of as a number: 12 a year).
WITH used AS (
    SELECT
        field,
        code,
        rows,
        12 * CAST(SUBSTR(month, 1, 4) AS INTEGER) + CAST(SUBSTR(month, 6, 2) AS INTEGER) AS month_no,
        month
    FROM usage
    WHERE code IS NOT NULL AND NOT is_unlisted
),
last_months AS (
    SELECT field, code, MAX(month_no) AS last_no, MAX(month) AS since
    FROM used
    WHERE month_no <= $now
    GROUP BY field, code
),
in_use AS (
    SELECT l.field, l.code, l.since
    FROM last_months AS l
    JOIN used AS u ON u.field = l.field AND u.code = l.code AND u.month_no > l.last_no - $months AND u.month_no <= l.last_no
    WHERE l.last_no <= $now - $months
    GROUP BY l.field, l.code, l.since
    HAVING SUM(u.rows) >= $rows
)
SELECT DISTINCT i.field, i.code, i.since
FROM in_use AS i
JOIN fields AS f ON f.field = i.field
JOIN codes AS c ON c.list = f.list AND c.code = i.code
WHERE CAST($as_of AS DATE) BETWEEN c.valid_from AND c.valid_until

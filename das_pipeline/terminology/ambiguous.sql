-- Values with more than one meaning on a day: one row per field, value as delivered and day. Sources: seen, meanings.
WITH ambiguous AS (
    SELECT
        s.field,
        s.raw,
        s.day,
        COUNT(*) AS meanings
    FROM seen AS s
    JOIN meanings AS m ON m.field = s.field AND m.raw = s.raw AND s.day BETWEEN m.valid_from AND m.valid_until
    GROUP BY s.field, s.raw, s.day
    HAVING COUNT(*) > 1
)
SELECT * FROM ambiguous

-- How often every value occurs: one row per field, value as delivered, and month of the date on which it is judged.
-- Keys: field, raw, month. An empty field has raw NULL and code NULL. `rows_now` counts the versions in force as known now.
-- Sources: seen (field, raw, day → rows, rows_now; the first day represents a month in which the list does not change),
-- spellings (field, raw → code), fields (field → list), codes, meanings.
WITH listed AS (
    SELECT DISTINCT
        s.field,
        s.raw,
        s.day
    FROM seen AS s
    JOIN spellings AS p ON p.field = s.field AND p.raw = s.raw
    JOIN fields AS f ON f.field = s.field
    JOIN codes AS c ON c.list = f.list AND c.code = p.code AND s.day BETWEEN c.valid_from AND c.valid_until
),
judged AS (
    SELECT
        s.field,
        s.raw,
        p.code,
        SUBSTR(CAST(s.day AS VARCHAR), 1, 7) AS month,
        CASE
            WHEN p.code IS NULL THEN 'not_applicable'
            ELSE COALESCE(m.concept, 'unknown')
        END AS concept,
        p.code IS NOT NULL AND m.concept IS NULL AS is_unmapped,
        p.code IS NOT NULL AND l.raw IS NULL AS is_unlisted,
        s.rows,
        s.rows_now
    FROM seen AS s
    LEFT JOIN spellings AS p ON p.field = s.field AND p.raw = s.raw
    LEFT JOIN meanings AS m ON m.field = s.field AND m.raw = s.raw AND s.day BETWEEN m.valid_from AND m.valid_until
    LEFT JOIN listed AS l ON l.field = s.field AND l.raw = s.raw AND l.day = s.day
),
usage AS (
    SELECT
        field,
        raw,
        code,
        month,
        concept,
        is_unmapped,
        is_unlisted,
        CAST(SUM(rows) AS BIGINT) AS rows,
        CAST(SUM(rows_now) AS BIGINT) AS rows_now
    FROM judged
    GROUP BY field, raw, code, month, concept, is_unmapped, is_unlisted
)
SELECT * FROM usage

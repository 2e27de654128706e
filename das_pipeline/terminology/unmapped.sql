-- The values without a mapping: one row per partner, file, column, month and code (trimmed, in canonical form).
-- `rows` counts the record versions in force that have it. Sources: usage, fields.
WITH unmapped AS (
    SELECT
        f.partner,
        f.file,
        f."column",
        u.month,
        u.code,
        CAST(SUM(u.rows_now) AS BIGINT) AS rows
    FROM usage AS u
    JOIN fields AS f ON f.field = u.field
    WHERE u.is_unmapped AND u.rows_now > 0
    GROUP BY f.partner, f.file, f."column", u.month, u.code
)
SELECT * FROM unmapped

-- What every value seen in a file means: one row per field, value as delivered, and stretch of days with one mapping.
-- Keys: field, raw, valid_from. Values without a row have no mapping on any day.
-- Sources: spellings (field, raw → code: the value trimmed and in canonical form), fields (field → list), mappings.
WITH meanings AS (
    SELECT
        s.field,
        s.raw,
        m.concept,
        m.valid_from,
        m.valid_until
    FROM spellings AS s
    JOIN fields AS f ON f.field = s.field
    JOIN mappings AS m ON m.list = f.list AND m.code = s.code
)
SELECT * FROM meanings

-- Every value seen, as it is looked up: one row per field and value as delivered. Keys: field, raw.
-- `code` is NULL for a value of blanks only; lookup.py brings it to its normal form. Source: seen.
WITH spellings AS (
    SELECT DISTINCT
        field,
        raw,
        NULLIF(TRIM(raw), '') AS code
    FROM seen
    WHERE raw IS NOT NULL
)
SELECT * FROM spellings

-- One row with the counts that the interface shows. Placeholders are numbers that more different persons have than linkage.yaml allows.
-- Source: records, numbers, members, entities, placeholders, merged_numbers.
SELECT
    (SELECT COUNT(*) FROM records WHERE is_person) AS person_records,
    (SELECT COUNT(*) FROM numbers) AS numbers_used,
    (SELECT COUNT(*) FROM members WHERE anchor IS NOT NULL) AS first_numbers_accepted,
    (SELECT COUNT(*) FROM entities) AS entities,
    (SELECT COUNT(*) FROM placeholders) AS placeholder_numbers,
    (SELECT CAST(COALESCE(SUM(records), 0) AS BIGINT) FROM placeholders) AS placeholder_records,
    (SELECT COUNT(*) FROM merged_numbers) AS merged_numbers

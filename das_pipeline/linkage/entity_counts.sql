-- One row with the counts that the interface shows. Placeholders are numbers that more different persons have than linkage.yaml allows.
-- Source: the tables of `identifying/entities` as they were written.
SELECT
    (SELECT COUNT(*) FROM written_records WHERE is_person) AS person_records,
    (SELECT COUNT(*) FROM written_numbers) AS numbers_used,
    (SELECT COUNT(*) FROM written_members WHERE anchor IS NOT NULL) AS first_numbers_accepted,
    (SELECT COUNT(*) FROM written_entities) AS entities,
    (SELECT COUNT(DISTINCT CONCAT_WS(' ', role, value)) FROM written_doubtful_numbers WHERE rule = 'K05') AS placeholder_numbers,
    (SELECT COUNT(*) FROM written_doubtful_numbers WHERE rule = 'K05') AS placeholder_records,
    (SELECT COUNT(*) FROM written_merged_numbers) AS merged_numbers

-- Rule L01: one row: the number of records in force; of those that are only in force or only in the links (`missing`), of those linked
-- twice (`doubled`), and of links without a case id, or without a person id where their unit is about persons (`idless`).
-- Source: in_force (unit, record_no), links, records (unit, is_person).
WITH expected AS (
    SELECT DISTINCT unit, record_no FROM in_force
),
linked AS (
    SELECT unit, record_no, COUNT(*) AS n FROM links GROUP BY unit, record_no
),
about_persons AS (
    SELECT DISTINCT unit FROM records WHERE is_person
)
SELECT
    (SELECT COUNT(*) FROM expected) AS records,
    (
        SELECT COUNT(*) FROM expected AS e FULL JOIN linked AS f ON f.unit = e.unit AND f.record_no = e.record_no
        WHERE e.unit IS NULL OR f.unit IS NULL
    ) AS missing,
    (SELECT COUNT(*) FROM linked WHERE n > 1) AS doubled,
    (
        SELECT COUNT(*) FROM links AS l LEFT JOIN about_persons AS a ON a.unit = l.unit
        WHERE l.case_id IS NULL OR (l.person_id IS NULL AND a.unit IS NOT NULL)
    ) AS idless

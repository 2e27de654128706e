-- One row per linked record that the truth knows: the person and case it was linked to, and its true person and case.
-- A record about no person, such as a crime, can be about several cases: it is not judged by the one that it follows.
SELECT DISTINCT l.unit, l.record_no, l.person_id, l.case_id, t.person AS true_person,
    CASE WHEN t.person IS NOT NULL THEN t."case" END AS true_case
FROM links AS l
JOIN keyed_records AS k ON k.unit = l.unit AND k.record_no = l.record_no
JOIN truth AS t ON t.unit = k.unit AND t.key = k.key

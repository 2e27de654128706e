-- touched: records whose number was merged since, or no longer is, and those that a person decided on, now or before.
-- Keys: unit, record_no. Source: merged_numbers, decisions, and the tables of the version before.
WITH merged AS (
    (SELECT * FROM merged_numbers EXCEPT SELECT * FROM before_merged_numbers)
    UNION ALL (SELECT * FROM before_merged_numbers EXCEPT SELECT * FROM merged_numbers)),
turned AS (SELECT role, number AS value FROM merged UNION SELECT role, leading_number FROM merged),
nodes AS (
    SELECT n.node FROM before_numbers AS n SEMI JOIN turned AS t ON t.role = n.role AND t.value = n.value
    UNION SELECT node FROM before_decided UNION SELECT other FROM before_decided)
SELECT r.unit, r.record_no FROM before_records AS r SEMI JOIN nodes AS n ON n.node = r.node
UNION SELECT d.unit, d.record_no
FROM before_doubtful_numbers AS d SEMI JOIN turned AS t ON t.role = d.role AND t.value = d.value
UNION SELECT unit, record_no FROM decisions UNION SELECT other_unit, other_record_no FROM decisions

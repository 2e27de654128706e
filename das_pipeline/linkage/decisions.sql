-- decisions: one row per two records and kind of decision (person, case): what was decided on them last. Keys: kind, and the two records in
-- either order. `open` takes an earlier decision back. Source: every_decision (number, kind, unit, record_no, other_unit, other_record_no,
-- outcome).
WITH paired AS (
    SELECT *, LEAST(CONCAT_WS(':', unit, record_no), CONCAT_WS(':', other_unit, other_record_no)) AS one,
        GREATEST(CONCAT_WS(':', unit, record_no), CONCAT_WS(':', other_unit, other_record_no)) AS two
    FROM every_decision
),
ranked AS (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY kind, one, two ORDER BY number DESC) AS place FROM paired
)
SELECT kind, unit, record_no, other_unit, other_record_no, outcome FROM ranked WHERE place = 1 AND outcome <> 'open'

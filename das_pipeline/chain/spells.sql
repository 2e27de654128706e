-- One row per segment of a spell and stretch of vintages; a spell that only ends stays one row, whose end is known since `end_known`.
-- Keys: start_on, record_no, spell, spell_no, segment_no, known_from. As known on D the row has an end when end_known <= D.
-- `state`: the outcome that opened the segment. Segment 1 begins with an entry, later ones with a move.
-- Source: turns (the accepted events of a unit with a role in a spell). "{{attributes}}" stands for the attributes of chain.yaml.
WITH vintages AS (
    SELECT record_no, known_from AS vintage FROM turns
    UNION
    SELECT record_no, known_until AS vintage FROM turns WHERE known_until < DATE '9999-12-31'
),
segments AS (
    SELECT record_no, vintage AS known_from, ROW_NUMBER() OVER (PARTITION BY record_no ORDER BY vintage) AS vintage_no,
        COALESCE(LEAD(vintage) OVER (PARTITION BY record_no ORDER BY vintage), DATE '9999-12-31') AS known_until
    FROM vintages
),
held AS (  -- the turns of a record as they are in each segment
    SELECT t.spell, t.record_no, t.occurred_on, t.day_place, t.sub, t.kind, t.role, t.outcome, t.person_id, t.case_id, t."{{attributes}}",
        s.vintage_no, s.known_from, s.known_until
    FROM segments AS s
    JOIN turns AS t ON t.record_no = s.record_no AND t.known_from <= s.known_from AND s.known_from < t.known_until
),
paired AS (  -- each turn with the next one, which ends what it began
    SELECT spell, record_no, occurred_on AS start_on, day_place, sub, kind AS opened_by, role, outcome AS state, person_id, case_id,
        "{{attributes}}", vintage_no, known_from, known_until,
        SUM(CASE WHEN role = 'entry' THEN 1 ELSE 0 END) OVER (
            PARTITION BY spell, record_no, known_from ORDER BY occurred_on, day_place, sub ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS spell_no,
        LEAD(occurred_on) OVER (PARTITION BY spell, record_no, known_from ORDER BY occurred_on, day_place, sub) AS end_on,
        LEAD(kind) OVER (PARTITION BY spell, record_no, known_from ORDER BY occurred_on, day_place, sub) AS closed_by
    FROM held
),
pieces AS (
    SELECT spell, record_no, CAST(spell_no AS BIGINT) AS spell_no,
        ROW_NUMBER() OVER (PARTITION BY spell, record_no, known_from, spell_no ORDER BY start_on, day_place, sub) AS segment_no,
        start_on, end_on, opened_by, closed_by, state, person_id, case_id, "{{attributes}}", vintage_no, known_from, known_until
    FROM paired
    WHERE role <> 'exit'
),
neighbours AS (
    SELECT spell, record_no, spell_no, segment_no, start_on, end_on, opened_by, closed_by, state, person_id, case_id, "{{attributes}}",
        known_from, known_until,
        LAG(known_until) OVER (
            PARTITION BY spell, record_no, spell_no, segment_no, start_on, opened_by, state, "{{attributes}}" ORDER BY known_from
        ) AS before_until,
        LAG(end_on) OVER (
            PARTITION BY spell, record_no, spell_no, segment_no, start_on, opened_by, state, "{{attributes}}" ORDER BY known_from
        ) AS before_end_on,
        LAG(closed_by) OVER (
            PARTITION BY spell, record_no, spell_no, segment_no, start_on, opened_by, state, "{{attributes}}" ORDER BY known_from
        ) AS before_closed_by
    FROM pieces
    WHERE vintage_no > 1 OR known_until < DATE '9999-12-31'
),
changes AS (  -- 0 where a stretch goes on: the same content, or an end where there was none
    SELECT spell, record_no, spell_no, segment_no, start_on, end_on, opened_by, closed_by, state, person_id, case_id, "{{attributes}}",
        known_from, known_until,
        CASE WHEN known_from = before_until AND (before_end_on IS NULL OR (before_end_on = end_on AND before_closed_by = closed_by))
            THEN 0 ELSE 1 END AS is_change
    FROM neighbours
),
stretches AS (
    SELECT spell, record_no, spell_no, segment_no, start_on, end_on, opened_by, closed_by, state, person_id, case_id, "{{attributes}}",
        known_from, known_until,
        SUM(is_change) OVER (
            PARTITION BY spell, record_no, spell_no, segment_no, start_on, opened_by, state, "{{attributes}}"
            ORDER BY known_from ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS stretch
    FROM changes
),
spells AS (
    SELECT spell, record_no, spell_no, segment_no, start_on, end_on, opened_by, closed_by, state, person_id, case_id, "{{attributes}}",
        known_from, CASE WHEN end_on IS NOT NULL THEN known_from END AS end_known, known_until
    FROM pieces  -- of most records only one vintage is known
    WHERE vintage_no = 1 AND known_until = DATE '9999-12-31'
    UNION ALL
    SELECT spell, record_no, spell_no, segment_no, start_on, MAX(end_on) AS end_on, opened_by, MAX(closed_by) AS closed_by, state,
        person_id, case_id, "{{attributes}}", MIN(known_from) AS known_from,
        MIN(CASE WHEN end_on IS NOT NULL THEN known_from END) AS end_known, MAX(known_until) AS known_until
    FROM stretches
    GROUP BY spell, record_no, spell_no, segment_no, start_on, opened_by, state, person_id, case_id, "{{attributes}}", stretch
)
SELECT $partner AS partner, $unit AS unit, spell, record_no, spell_no, segment_no, start_on, end_on, opened_by, closed_by, state,
    person_id, case_id, "{{attributes}}", known_from, end_known, known_until
FROM spells

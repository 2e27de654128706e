-- One row per event of a unit and stretch of vintages in which it has one content, judged against the order and the state machine.
-- Keys: kind, occurred_on, record_no, sub, known_from; (record_no, sub, kind) names one event of a vintage.
-- `rule`: NULL if the event is accepted, C01 or C04 if it is shown and not counted. Whether a transition is allowed is decided in the step
-- `transitions`, by the spells of chain.yaml. `role`: what the event did to its unit's spell (entry, move, exit), NULL if nothing.
-- Source: reported (segments × what rows report), unit_attributes, links, kinds and reopens (from chain.yaml).
-- "{{attributes}}" stands for the attributes of chain.yaml.
WITH placed AS (
    SELECT t.record_no, t.segment_no, t.known_from, t.known_until, t.sub, t.kind, t.occurred_on, t.outcome, t.to_partner, t.amount,
        k.chain_place, k.spell, k.role,
        ROW_NUMBER() OVER (PARTITION BY t.record_no, t.known_from ORDER BY t.occurred_on, k.day_place, t.sub) AS n
    FROM reported AS t
    JOIN kinds AS k ON k.kind = t.kind
),
first_dates AS (
    SELECT record_no, known_from, chain_place, MIN(occurred_on) AS first_on
    FROM placed
    WHERE chain_place IS NOT NULL
    GROUP BY record_no, known_from, chain_place
),
earliest_dates AS (  -- an event may not be dated before the first event of a kind that comes earlier in the chain
    SELECT record_no, known_from, chain_place,
        MAX(first_on) OVER (
            PARTITION BY record_no, known_from ORDER BY chain_place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS not_before
    FROM first_dates
),
ordered AS (
    SELECT p.record_no, p.known_from, p.n, p.kind, p.outcome, p.spell, p.role, CASE WHEN p.occurred_on < e.not_before THEN 'C01' END AS rule
    FROM placed AS p
    LEFT JOIN earliest_dates AS e ON e.record_no = p.record_no AND e.known_from = p.known_from AND e.chain_place = p.chain_place
),
turns AS (  -- events that may turn a spell, each with the event before it that opens or closes by its kind alone
    SELECT record_no, known_from, n, kind, outcome, spell, role,
        MAX(CASE WHEN role IN ('entry', 'exit') THEN n END) OVER (
            PARTITION BY record_no, known_from, spell ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS turned_at
    FROM ordered
    WHERE rule IS NULL AND spell IS NOT NULL
),
reopenings AS (  -- the first reopening event after a close from which the spell may open again
    SELECT t.record_no, t.known_from, t.spell, t.turned_at, MIN(t.n) AS n
    FROM turns AS t
    JOIN turns AS c ON c.record_no = t.record_no AND c.known_from = t.known_from AND c.spell = t.spell AND c.n = t.turned_at
    JOIN reopens AS o ON o.spell = t.spell AND o.reopened_by = t.kind AND o.closed_by = c.kind AND o.outcome = c.outcome
    WHERE t.role = 'reopening'
    GROUP BY t.record_no, t.known_from, t.spell, t.turned_at
),
roles AS (
    SELECT t.record_no, t.known_from, t.n, t.spell, CASE WHEN t.role = 'reopening' THEN 'entry' ELSE t.role END AS role
    FROM turns AS t
    LEFT JOIN reopenings AS o ON o.record_no = t.record_no AND o.known_from = t.known_from AND o.spell = t.spell AND o.n = t.n
    WHERE t.role <> 'reopening' OR o.n IS NOT NULL
),
states AS (  -- before an event its spell is open if the last entry or exit is an entry: an odd number
    SELECT record_no, known_from, n, role,
        MAX(CASE WHEN role = 'entry' THEN 2 * n + 1 WHEN role = 'exit' THEN 2 * n END) OVER (
            PARTITION BY record_no, known_from, spell ORDER BY n ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS last_turn
    FROM roles
),
transitions AS (
    SELECT record_no, known_from, n, role, CASE WHEN (role = 'entry') = (MOD(COALESCE(last_turn, 0), 2) = 1) THEN 'C04' END AS rule
    FROM states
),
judged AS (
    SELECT p.record_no, p.sub, p.kind, p.occurred_on, p.outcome, p.to_partner, p.amount, l.person_id, l.case_id, a."{{attributes}}",
        CASE WHEN o.rule IS NULL AND t.rule IS NULL THEN t.role END AS role, COALESCE(o.rule, t.rule) AS rule,
        p.segment_no, p.known_from, p.known_until
    FROM placed AS p
    JOIN ordered AS o ON o.record_no = p.record_no AND o.known_from = p.known_from AND o.n = p.n
    JOIN unit_attributes AS a ON a.record_no = p.record_no AND a.known_from = p.known_from
    LEFT JOIN transitions AS t ON t.record_no = p.record_no AND t.known_from = p.known_from AND t.n = p.n
    LEFT JOIN links AS l ON l.record_no = p.record_no
),
stretches AS (  -- one number for neighbouring segments with the same content: both counts go up by one
    SELECT record_no, sub, kind, occurred_on, outcome, to_partner, amount, person_id, case_id, "{{attributes}}", role, rule,
        known_from, known_until,
        segment_no - ROW_NUMBER() OVER (
            PARTITION BY record_no, sub, kind, occurred_on, outcome, to_partner, amount, "{{attributes}}", role, rule ORDER BY segment_no
        ) AS stretch
    FROM judged
    WHERE segment_no > 1 OR known_until < DATE '9999-12-31'
),
events AS (
    SELECT record_no, sub, kind, occurred_on, outcome, to_partner, amount, person_id, case_id, "{{attributes}}", role, rule,
        known_from, known_until
    FROM judged  -- of most records only one segment is known, whose content has no neighbours
    WHERE segment_no = 1 AND known_until = DATE '9999-12-31'
    UNION ALL
    SELECT record_no, sub, kind, occurred_on, outcome, to_partner, amount, person_id, case_id, "{{attributes}}", role, rule,
        MIN(known_from) AS known_from, MAX(known_until) AS known_until
    FROM stretches
    GROUP BY record_no, sub, kind, occurred_on, outcome, to_partner, amount, person_id, case_id, "{{attributes}}", role, rule, stretch
)
SELECT $partner AS partner, $unit AS unit, record_no, sub, kind, occurred_on, outcome, to_partner, amount, person_id, case_id,
    "{{attributes}}", role, rule, known_from, known_until
FROM events

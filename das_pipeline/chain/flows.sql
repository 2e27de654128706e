-- The balance of a kind of spell: one row per partner, spell, state and month; counts of spells as known on $as_of.
-- Keys: spell, state, month. The first month, $opening_month, takes in every turn before it and is not for publication.
-- opening + inflow - outflow + corrections = closing. Corrections are moves between states of an open spell: they sum to 0 over the states.
-- Source: spells; turn_roles (spell, kind, role) and spell_partners from chain.yaml; months.
WITH known AS (
    SELECT spell, COALESCE(state, 'not_applicable') AS state, opened_by,
        GREATEST(CAST(DATE_TRUNC('month', start_on) AS DATE), CAST($opening_month AS DATE)) AS start_month,
        CASE WHEN end_known <= $as_of THEN closed_by END AS closed_by,
        CASE WHEN end_known <= $as_of THEN GREATEST(CAST(DATE_TRUNC('month', end_on) AS DATE), CAST($opening_month AS DATE)) END AS end_month
    FROM spells
    WHERE known_from <= $as_of AND $as_of < known_until
),
spans AS (
    SELECT spell, state, opened_by, start_month, closed_by, end_month, COUNT(*) AS n
    FROM known
    GROUP BY spell, state, opened_by, start_month, closed_by, end_month
),
turns AS (
    SELECT spell, state, start_month AS month, opened_by AS kind, n, 1 AS sign FROM spans
    UNION ALL
    SELECT spell, state, end_month AS month, closed_by AS kind, n, -1 AS sign FROM spans WHERE end_month IS NOT NULL
),
steps AS (
    SELECT t.spell, t.state, t.month,
        SUM(CASE WHEN r.role = 'entry' THEN t.n ELSE 0 END) AS inflow,
        SUM(CASE WHEN r.role = 'exit' THEN t.n ELSE 0 END) AS outflow,
        SUM(CASE WHEN r.role = 'move' THEN t.sign * t.n ELSE 0 END) AS corrections
    FROM turns AS t
    JOIN turn_roles AS r ON r.spell = t.spell AND r.kind = t.kind
    GROUP BY t.spell, t.state, t.month
),
grid AS (
    SELECT l.spell, l.state, m.month, COALESCE(s.inflow, 0) AS inflow, COALESCE(s.outflow, 0) AS outflow, COALESCE(s.corrections, 0) AS corrections
    FROM (SELECT DISTINCT spell, state FROM steps) AS l
    CROSS JOIN months AS m
    LEFT JOIN steps AS s ON s.spell = l.spell AND s.state = l.state AND s.month = m.month
),
closings AS (
    SELECT spell, state, month, inflow, outflow, corrections,
        SUM(inflow - outflow + corrections) OVER (
            PARTITION BY spell, state ORDER BY month ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS closing
    FROM grid
)
SELECT p.partner, c.spell, c.state, c.month, CAST(c.closing - c.inflow + c.outflow - c.corrections AS BIGINT) AS opening,
    CAST(c.inflow AS BIGINT) AS inflow, CAST(c.outflow AS BIGINT) AS outflow, CAST(c.corrections AS BIGINT) AS corrections,
    CAST(c.closing AS BIGINT) AS closing
FROM closings AS c
JOIN spell_partners AS p ON p.spell = c.spell

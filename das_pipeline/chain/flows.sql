-- The balance of a kind of spell: one row per partner, spell, state and month; counts of spells as known on $as_of.
-- Keys: partner, spell, state, month. The first month, $opening_month, takes in every turn before it and is not for publication.
-- opening + inflow - outflow + corrections = closing. Corrections are moves between states of an open spell: they sum to 0 over the states.
-- Source: spells; turn_roles (spell, kind, role) from chain.yaml; months.
WITH known AS (
    SELECT partner, spell, COALESCE(state, 'not_applicable') AS state, opened_by,
        GREATEST(CAST(DATE_TRUNC('month', start_on) AS DATE), CAST($opening_month AS DATE)) AS start_month,
        CASE WHEN end_known <= $as_of THEN closed_by END AS closed_by,
        CASE WHEN end_known <= $as_of
            THEN GREATEST(CAST(DATE_TRUNC('month', end_on) AS DATE), CAST($opening_month AS DATE)) END AS end_month
    FROM spells
    WHERE known_from <= $as_of AND $as_of < known_until
),
spans AS (
    SELECT partner, spell, state, opened_by, start_month, closed_by, end_month, COUNT(*) AS n
    FROM known
    GROUP BY partner, spell, state, opened_by, start_month, closed_by, end_month
),
turns AS (
    SELECT partner, spell, state, start_month AS month, opened_by AS kind, n, 1 AS sign FROM spans
    UNION ALL
    SELECT partner, spell, state, end_month AS month, closed_by AS kind, n, -1 AS sign FROM spans WHERE end_month IS NOT NULL
),
steps AS (
    SELECT t.partner, t.spell, t.state, t.month,
        SUM(CASE WHEN r.role = 'entry' THEN t.n ELSE 0 END) AS inflow,
        SUM(CASE WHEN r.role = 'exit' THEN t.n ELSE 0 END) AS outflow,
        SUM(CASE WHEN r.role = 'move' THEN t.sign * t.n ELSE 0 END) AS corrections
    FROM turns AS t
    JOIN turn_roles AS r ON r.spell = t.spell AND r.kind = t.kind
    GROUP BY t.partner, t.spell, t.state, t.month
),
grid AS (
    SELECT l.partner, l.spell, l.state, m.month, COALESCE(s.inflow, 0) AS inflow, COALESCE(s.outflow, 0) AS outflow,
        COALESCE(s.corrections, 0) AS corrections
    FROM (SELECT DISTINCT partner, spell, state FROM steps) AS l
    CROSS JOIN months AS m
    LEFT JOIN steps AS s ON s.partner = l.partner AND s.spell = l.spell AND s.state = l.state AND s.month = m.month
),
closings AS (
    SELECT partner, spell, state, month, inflow, outflow, corrections,
        SUM(inflow - outflow + corrections) OVER (
            PARTITION BY partner, spell, state ORDER BY month ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
        ) AS closing
    FROM grid
)
SELECT partner, spell, state, month, CAST(closing - inflow + outflow - corrections AS BIGINT) AS opening,
    CAST(inflow AS BIGINT) AS inflow, CAST(outflow AS BIGINT) AS outflow, CAST(corrections AS BIGINT) AS corrections,
    CAST(closing AS BIGINT) AS closing
FROM closings

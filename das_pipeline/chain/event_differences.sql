-- Second check of rule F01: one row per partner, spell and month whose inflow or outflow is not the number of accepted entry or exit
-- events, or whose corrections do not sum to 0. Must return no rows. Keys: partner, spell, month.
-- Source: flows; events; turn_roles; months.
WITH counted AS (
    SELECT e.partner, r.spell, GREATEST(CAST(DATE_TRUNC('month', e.occurred_on) AS DATE), CAST($opening_month AS DATE)) AS month,
        SUM(CASE WHEN e.role = 'entry' THEN 1 ELSE 0 END) AS entries,
        SUM(CASE WHEN e.role = 'exit' THEN 1 ELSE 0 END) AS exits
    FROM events AS e
    JOIN turn_roles AS r ON r.kind = e.kind
    WHERE e.rule IS NULL AND e.known_from <= $as_of AND $as_of < e.known_until
    GROUP BY e.partner, r.spell, GREATEST(CAST(DATE_TRUNC('month', e.occurred_on) AS DATE), CAST($opening_month AS DATE))
),
totals AS (
    SELECT partner, spell, month, SUM(inflow) AS inflow, SUM(outflow) AS outflow, SUM(corrections) AS corrections
    FROM flows
    GROUP BY partner, spell, month
),
cells AS (
    SELECT partner, spell, month FROM counted
    UNION
    SELECT partner, spell, month FROM totals
),
differences AS (
    SELECT c.partner, c.spell, c.month
    FROM cells AS c
    JOIN months AS m ON m.month = c.month
    LEFT JOIN totals AS t ON t.partner = c.partner AND t.spell = c.spell AND t.month = c.month
    LEFT JOIN counted AS e ON e.partner = c.partner AND e.spell = c.spell AND e.month = c.month
    WHERE COALESCE(t.inflow, 0) <> COALESCE(e.entries, 0)
        OR COALESCE(t.outflow, 0) <> COALESCE(e.exits, 0)
        OR COALESCE(t.corrections, 0) <> 0
)
SELECT partner, spell, month FROM differences

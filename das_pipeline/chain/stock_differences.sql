-- Rule F01: one row per partner, spell, state and month in which the balance does not close, or is not the stock that the spells give.
-- Must return no rows.
-- Keys: partner, spell, state, month. The stock is counted again from the spells at the end of each month and of the one before.
-- Source: flows, spells, months.
WITH known AS (
    SELECT partner, spell, COALESCE(state, 'not_applicable') AS state, CAST(DATE_TRUNC('month', start_on) AS DATE) AS start_month,
        CASE WHEN end_known <= $as_of THEN CAST(DATE_TRUNC('month', end_on) AS DATE) END AS end_month
    FROM spells
    WHERE known_from <= $as_of AND $as_of < known_until
),
spans AS (
    SELECT partner, spell, state, start_month, end_month, COUNT(*) AS n FROM known GROUP BY partner, spell, state, start_month, end_month
),
stock AS (
    SELECT k.partner, k.spell, k.state, m.month, SUM(k.n) AS n
    FROM spans AS k
    JOIN months AS m ON k.start_month <= m.month AND (k.end_month IS NULL OR k.end_month > m.month)
    GROUP BY k.partner, k.spell, k.state, m.month
),
cells AS (
    SELECT partner, spell, state, month FROM stock
    UNION
    SELECT partner, spell, state, month FROM flows
),
compared AS (
    SELECT c.partner, c.spell, c.state, c.month, f.opening, f.inflow, f.outflow, f.corrections, f.closing,
        COALESCE(o.n, 0) AS stock_before, COALESCE(s.n, 0) AS stock
    FROM cells AS c
    JOIN months AS m ON m.month = c.month
    LEFT JOIN flows AS f ON f.partner = c.partner AND f.spell = c.spell AND f.state = c.state AND f.month = c.month
    LEFT JOIN stock AS s ON s.partner = c.partner AND s.spell = c.spell AND s.state = c.state AND s.month = c.month
    LEFT JOIN stock AS o ON o.partner = c.partner AND o.spell = c.spell AND o.state = c.state AND o.month = m.previous_month
),
differences AS (
    SELECT partner, spell, state, month
    FROM compared
    WHERE closing IS NULL OR opening + inflow - outflow + corrections <> closing OR opening <> stock_before OR closing <> stock
)
SELECT partner, spell, state, month FROM differences

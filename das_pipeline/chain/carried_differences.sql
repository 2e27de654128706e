-- Rule F02: one row per partner, spell, state and month whose opening is not the closing of the month before (0 before the first).
-- Must return no rows.
-- Keys: partner, spell, state, month. Source: flows, months.
WITH carried AS (
    SELECT f.partner, f.spell, f.state, f.month, f.opening, COALESCE(p.closing, 0) AS closing_before
    FROM flows AS f
    JOIN months AS m ON m.month = f.month
    LEFT JOIN flows AS p ON p.partner = f.partner AND p.spell = f.spell AND p.state = f.state AND p.month = m.previous_month
),
differences AS (
    SELECT partner, spell, state, month FROM carried WHERE opening <> closing_before
)
SELECT partner, spell, state, month FROM differences

-- Rule F02: one row per spell, state and month whose opening is not the closing of the month before, 0 before the first; must be empty.
-- Keys: spell, state, month. Source: flows, months.
WITH carried AS (
    SELECT f.spell, f.state, f.month, f.opening, COALESCE(p.closing, 0) AS closing_before
    FROM flows AS f
    JOIN months AS m ON m.month = f.month
    LEFT JOIN flows AS p ON p.spell = f.spell AND p.state = f.state AND p.month = m.previous_month
),
differences AS (
    SELECT spell, state, month FROM carried WHERE opening <> closing_before
)
SELECT spell, state, month FROM differences

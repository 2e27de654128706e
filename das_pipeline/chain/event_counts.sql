-- One row per unit, partner, kind and rule ('' for accepted events): the number of events as known on $as_of.
-- Keys: unit, partner, kind, rule. Source: events.
SELECT unit, partner, kind, COALESCE(rule, '') AS rule, COUNT(*) AS n
FROM events
WHERE known_from <= $as_of AND $as_of < known_until
GROUP BY unit, partner, kind, COALESCE(rule, '')
ORDER BY unit, partner, kind, rule

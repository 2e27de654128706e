-- One row per record version that this delivery opens, on $known_on. Keys: record_no, sub.
-- Sources: accepted (rows that make a version), restored (versions that a replaced delivery had closed), $delivery.
SELECT record_no, sub, CAST($known_on AS DATE) AS known_from, CAST($delivery AS VARCHAR) AS delivery, line_no,
    CAST($delivery AS VARCHAR) AS opened_by, fate AS opened_as, content_hash
FROM accepted
UNION ALL
SELECT record_no, sub, CAST($known_on AS DATE), delivery, line_no, CAST($delivery AS VARCHAR), 'returned', content_hash
FROM restored

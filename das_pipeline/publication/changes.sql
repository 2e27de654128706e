-- One row: how many cells of a published table were added, removed and revised since the previous release, and how many became final.
-- Source: cells (was_there, is_there, was, is_now, was_open, is_final), one row per cell of either release; was and is_now are its counts,
-- NULL where it is not there or not shown.
SELECT COUNT(CASE WHEN NOT was_there THEN 1 END) AS added,
    COUNT(CASE WHEN NOT is_there THEN 1 END) AS removed,
    COUNT(CASE WHEN was <> is_now THEN 1 END) AS revised,
    COUNT(CASE WHEN was_open AND is_final THEN 1 END) AS became_final
FROM cells

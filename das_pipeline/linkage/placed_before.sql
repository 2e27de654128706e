-- placed_before: the links of the version before, with the node of each record. Keys: node. Source: links_before, units.
SELECT u.first_node + b.record_no AS node, b.*
FROM links_before AS b JOIN units AS u ON u.unit = b.unit

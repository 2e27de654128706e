-- affected: the entities that are not what they were, or of which an edge is gone or new. Keys: entity. Source: near, gone, edges.
SELECT entity FROM near
UNION SELECT left_entity FROM gone UNION SELECT right_entity FROM gone
UNION SELECT left_entity FROM edges UNION SELECT right_entity FROM edges

-- The newest revision of every loop. A loop whose newest revision has no attempts was taken back.
SELECT l.*
FROM loops l
JOIN (SELECT loop_id, max(revision) AS revision FROM loops GROUP BY loop_id) newest
  ON l.loop_id = newest.loop_id AND l.revision = newest.revision
WHERE l.attempts > 0

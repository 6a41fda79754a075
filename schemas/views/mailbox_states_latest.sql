-- The present state of every migrated mailbox.
SELECT s.*
FROM mailbox_states s
JOIN (SELECT mailbox, max(sequence) AS sequence FROM mailbox_states GROUP BY mailbox) newest
  ON s.mailbox = newest.mailbox AND s.sequence = newest.sequence

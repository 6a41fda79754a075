-- How every migration batch is doing. Percentiles are nearest-rank: the smallest number of minutes
-- within which at least that share of the reconfigured mailboxes was done.
WITH ranked AS (
  SELECT batch, minutes_to_reconfigure AS minutes,
         row_number() OVER (PARTITION BY batch ORDER BY minutes_to_reconfigure) AS place,
         count(*) OVER (PARTITION BY batch) AS mailboxes
  FROM mailbox_states_latest
  WHERE minutes_to_reconfigure IS NOT NULL
),
times AS (
  SELECT batch,
         min(CASE WHEN place * 100 >= mailboxes * 50 THEN minutes END) AS p50_minutes,
         min(CASE WHEN place * 100 >= mailboxes * 95 THEN minutes END) AS p95_minutes
  FROM ranked
  GROUP BY batch
),
counted AS (
  SELECT batch, count(*) AS migrated,
         sum(CASE WHEN state = 'reconfigured' THEN 1 ELSE 0 END) AS reconfigured,
         sum(CASE WHEN state = 'looping' THEN 1 ELSE 0 END) AS looping,
         sum(CASE WHEN state = 'silent' THEN 1 ELSE 0 END) AS silent,
         sum(CASE WHEN state = 'inactive' THEN 1 ELSE 0 END) AS inactive,
         sum(CASE WHEN state = 'pending' THEN 1 ELSE 0 END) AS pending
  FROM mailbox_states_latest
  GROUP BY batch
)
SELECT c.batch, c.migrated, c.reconfigured, c.looping, c.silent, c.inactive, c.pending,
       CAST(c.reconfigured AS DOUBLE) / c.migrated AS reconfigured_share, t.p50_minutes, t.p95_minutes
FROM counted c
LEFT JOIN times t ON c.batch = t.batch

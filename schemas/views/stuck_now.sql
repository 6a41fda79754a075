-- People who are stuck because a mailbox was moved.
SELECT user_principal_name, batch, kind, client_group, client_family, protocol, verdict,
       first_attempt AS since, last_attempt, attempts, distinct_ips, cutover_at, minutes_since_cutover,
       cause, cause_confidence, fix, loop_id, user_id, tenant_id
FROM loops_latest
WHERE state = 'open' AND kind IN ('direct', 'delegate') AND verdict <> 'attack_suspected'

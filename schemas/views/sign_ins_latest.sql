-- Every sign-in once, merged from its copies. Who, when, where and by what: each from the latest
-- that knows it. The code, the verdict, `flags`, `content_hash`, the origin and `raw`: from the
-- latest copy that has a code, all together; an interrupt never undoes a success. `policies`: those
-- that any copy names, each as told by a copy in which it took part, else by the latest. The latest
-- is the one published last, and of those published at once the one of the greatest `content_hash`.
-- `revisions` counts the differing copies beside the first.
WITH copies AS (
  SELECT * FROM sign_ins
  UNION ALL
  SELECT * FROM sign_in_revisions
),
several AS (
  SELECT tenant_id, id,
         max(CASE WHEN outcome = 'success' THEN 1 ELSE 0 END) AS succeeded
  FROM copies
  GROUP BY tenant_id, id
  HAVING count(*) > 1
),
ranked AS (
  SELECT c.*,
         row_number() OVER (
           PARTITION BY c.tenant_id, c.id
           ORDER BY c.publish_time DESC NULLS LAST, c.content_hash DESC, c.event_time DESC
         ) AS age,
         row_number() OVER (
           PARTITION BY c.tenant_id, c.id
           ORDER BY CASE WHEN c.error_code IS NULL THEN 2
                         WHEN c.outcome = 'interrupted' AND s.succeeded = 1 THEN 1
                         ELSE 0 END,
                    c.publish_time DESC NULLS LAST, c.content_hash DESC, c.event_time DESC
         ) AS rank_of_status
  FROM copies c
  JOIN several s ON c.id = s.id AND c.tenant_id IS NOT DISTINCT FROM s.tenant_id
),
facts AS (
  SELECT tenant_id, id, age,
         first_value(event_time IGNORE NULLS) OVER w AS event_time,
         first_value(publish_time IGNORE NULLS) OVER w AS publish_time,
         first_value(category IGNORE NULLS) OVER w AS category,
         first_value(user_id IGNORE NULLS) OVER w AS user_id,
         first_value(user_principal_name IGNORE NULLS) OVER w AS user_principal_name,
         first_value(user_display_name IGNORE NULLS) OVER w AS user_display_name,
         first_value(user_type IGNORE NULLS) OVER w AS user_type,
         first_value(app_id IGNORE NULLS) OVER w AS app_id,
         first_value(app_display_name IGNORE NULLS) OVER w AS app_display_name,
         first_value(resource_id IGNORE NULLS) OVER w AS resource_id,
         first_value(resource_display_name IGNORE NULLS) OVER w AS resource_display_name,
         first_value(client_app_used IGNORE NULLS) OVER w AS client_app_used,
         first_value(user_agent IGNORE NULLS) OVER w AS user_agent,
         first_value(ip_address IGNORE NULLS) OVER w AS ip_address,
         first_value(country IGNORE NULLS) OVER w AS country,
         first_value(city IGNORE NULLS) OVER w AS city,
         first_value(asn IGNORE NULLS) OVER w AS asn,
         first_value(device_id IGNORE NULLS) OVER w AS device_id,
         first_value(device_os IGNORE NULLS) OVER w AS device_os,
         first_value(browser IGNORE NULLS) OVER w AS browser,
         first_value(is_compliant IGNORE NULLS) OVER w AS is_compliant,
         first_value(is_managed IGNORE NULLS) OVER w AS is_managed,
         first_value(is_interactive IGNORE NULLS) OVER w AS is_interactive,
         first_value(correlation_id IGNORE NULLS) OVER w AS correlation_id,
         first_value(authentication_protocol IGNORE NULLS) OVER w AS authentication_protocol,
         first_value(authentication_requirement IGNORE NULLS) OVER w AS authentication_requirement,
         first_value(event_date IGNORE NULLS) OVER w AS event_date
  FROM ranked
  WINDOW w AS (
    PARTITION BY tenant_id, id ORDER BY age
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING
  )
),
contents AS (
  SELECT tenant_id, id, count(DISTINCT content_hash) AS contents
  FROM ranked
  GROUP BY tenant_id, id
),
named AS (
  SELECT tenant_id, id, age, unnest(policies) AS policy,
         unnest(range(1, CAST(array_length(policies) AS BIGINT) + 1)) AS place
  FROM ranked
),
mentions AS (
  SELECT tenant_id, id, age, place, policy, policy['id'] AS policy_id,
         CASE WHEN policy['id'] IS NULL THEN policy['name'] END AS name_without_id,
         CASE WHEN lower(coalesce(policy['result'], ''))
                   IN ('', 'notapplied', 'notenabled', '2', '3')
              THEN 1 ELSE 0 END AS took_no_part
  FROM named
),
-- A copy that names a policy twice keeps both.
numbered AS (
  SELECT *, row_number() OVER (
           PARTITION BY tenant_id, id, age, policy_id, name_without_id ORDER BY place
         ) AS mention
  FROM mentions
),
chosen AS (
  SELECT *, row_number() OVER (
           PARTITION BY tenant_id, id, policy_id, name_without_id, mention
           ORDER BY took_no_part, age, place
         ) AS choice
  FROM numbered
),
policies AS (
  SELECT tenant_id, id, array_agg(policy ORDER BY age, place) AS policies
  FROM chosen
  WHERE choice = 1
  GROUP BY tenant_id, id
)
SELECT c.tenant_id, c.id,
       c.event_time, c.publish_time, c.category, c.user_id, c.user_principal_name,
       c.user_display_name, c.user_type, c.app_id, c.app_display_name, c.resource_id,
       c.resource_display_name, c.client_app_used, c.user_agent, c.ip_address, c.country, c.city,
       c.asn, c.device_id, c.device_os, c.browser, c.is_compliant, c.is_managed, c.is_interactive,
       c.correlation_id, c.authentication_protocol, c.authentication_requirement,
       c.error_code, c.failure_reason, c.conditional_access_status,
       c.policies,
       c.auth_class, c.auth_class_reason, c.taxonomy_version, c.protocol, c.client_family,
       c.outcome, c.block_reason, c.failure_class, c.blocking_policies, c.password_verified,
       c.channel, c.flags, c.content_hash, c.origin_stream, c.origin_partition, c.origin_offset,
       c.origin_index, c.raw,
       c.event_date, CAST(0 AS BIGINT) AS revisions
FROM copies c
LEFT JOIN several s ON c.id = s.id AND c.tenant_id IS NOT DISTINCT FROM s.tenant_id
WHERE s.id IS NULL
UNION ALL
SELECT f.tenant_id, f.id,
       f.event_time, f.publish_time, f.category, f.user_id, f.user_principal_name,
       f.user_display_name, f.user_type, f.app_id, f.app_display_name, f.resource_id,
       f.resource_display_name, f.client_app_used, f.user_agent, f.ip_address, f.country, f.city,
       f.asn, f.device_id, f.device_os, f.browser, f.is_compliant, f.is_managed, f.is_interactive,
       f.correlation_id, f.authentication_protocol, f.authentication_requirement,
       d.error_code, d.failure_reason, d.conditional_access_status,
       coalesce(p.policies, d.policies) AS policies,
       d.auth_class, d.auth_class_reason, d.taxonomy_version, d.protocol, d.client_family,
       d.outcome, d.block_reason, d.failure_class, d.blocking_policies, d.password_verified,
       d.channel, d.flags, d.content_hash, d.origin_stream, d.origin_partition, d.origin_offset,
       d.origin_index, d.raw,
       f.event_date, n.contents - 1 AS revisions
FROM facts f
JOIN ranked d
  ON d.rank_of_status = 1 AND d.id = f.id AND d.tenant_id IS NOT DISTINCT FROM f.tenant_id
JOIN contents n ON n.id = f.id AND n.tenant_id IS NOT DISTINCT FROM f.tenant_id
LEFT JOIN policies p ON p.id = f.id AND p.tenant_id IS NOT DISTINCT FROM f.tenant_id
WHERE f.age = 1

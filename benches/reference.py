"""The reference: DuckDB doing the same extraction and classification, schema given, to Parquet zstd.

Arguments: input file (one record a line), output file. Prints the rows per class.
"""

import sys

import duckdb

TEXT = "VARCHAR"
POLICY = (
    "STRUCT(id VARCHAR, displayName VARCHAR, result VARCHAR, enforcedGrantControls VARCHAR[], "
    "conditionsSatisfied INTEGER, conditionsNotSatisfied INTEGER)[]"
)
PROPERTIES = {
    "id": TEXT, "createdDateTime": TEXT, "userPrincipalName": TEXT, "userId": TEXT, "userDisplayName": TEXT,
    "userType": TEXT, "appId": TEXT, "appDisplayName": TEXT, "resourceId": TEXT, "resourceDisplayName": TEXT,
    "clientAppUsed": TEXT, "userAgent": TEXT, "ipAddress": TEXT,
    "location": "STRUCT(city VARCHAR, countryOrRegion VARCHAR)", "autonomousSystemNumber": "BIGINT",
    "deviceDetail": "STRUCT(deviceId VARCHAR, operatingSystem VARCHAR, browser VARCHAR, isCompliant BOOLEAN, isManaged BOOLEAN)",
    "isInteractive": "BOOLEAN", "correlationId": TEXT, "authenticationProtocol": TEXT,
    "authenticationRequirement": TEXT, "status": "STRUCT(errorCode INTEGER, failureReason VARCHAR)",
    "conditionalAccessStatus": TEXT, "appliedConditionalAccessPolicies": POLICY,
    "authenticationDetails": "STRUCT(authenticationMethod VARCHAR, succeeded BOOLEAN)[]",
}
COLUMNS = {
    "time": TEXT, "category": TEXT, "tenantId": TEXT, "resultType": TEXT, "resultDescription": TEXT,
    "callerIpAddress": TEXT, "properties": "STRUCT(" + ", ".join(f'"{k}" {v}' for k, v in PROPERTIES.items()) + ")",
}
CLIENTS = "'browser', 'mobile apps and desktop clients'"
QUERY = f"""
COPY (
  SELECT tenantId AS tenant_id, p.id, p.createdDateTime::TIMESTAMP AS event_time, "time"::TIMESTAMP AS publish_time,
    p.createdDateTime::DATE AS event_date, category, p.userId AS user_id, p.userPrincipalName AS user_principal_name,
    p.userDisplayName AS user_display_name, p.userType AS user_type, p.appId AS app_id,
    p.appDisplayName AS app_display_name, p.resourceId AS resource_id, p.resourceDisplayName AS resource_display_name,
    p.clientAppUsed AS client_app_used, p.userAgent AS user_agent, coalesce(p.ipAddress, callerIpAddress) AS ip_address,
    p.location.countryOrRegion AS country, p.location.city AS city, p.autonomousSystemNumber AS asn,
    p.deviceDetail.deviceId AS device_id, p.deviceDetail.operatingSystem AS device_os,
    p.deviceDetail.browser AS browser, p.deviceDetail.isCompliant AS is_compliant,
    p.deviceDetail.isManaged AS is_managed, p.isInteractive AS is_interactive, p.correlationId AS correlation_id,
    p.authenticationProtocol AS authentication_protocol, p.authenticationRequirement AS authentication_requirement,
    coalesce(p.status.errorCode, resultType::INTEGER) AS error_code,
    coalesce(p.status.failureReason, resultDescription) AS failure_reason,
    p.conditionalAccessStatus AS conditional_access_status, p.appliedConditionalAccessPolicies AS policies,
    CASE WHEN category NOT IN ('SignInLogs', 'NonInteractiveUserSignInLogs', 'ADFSSignInLogs') THEN 'not_applicable'
         WHEN coalesce(p.clientAppUsed, '') IN ('', 'Unknown') AND p.userAgent NOT LIKE 'BAV2ROPC%' THEN 'unknown'
         WHEN lower(trim(p.clientAppUsed)) NOT IN ({CLIENTS}) OR p.userAgent LIKE 'BAV2ROPC%' OR p.userAgent LIKE 'CBAIn%' THEN 'legacy'
         WHEN p.authenticationProtocol = 'ropc' THEN 'ropc' ELSE 'modern' END AS auth_class,
    CASE WHEN coalesce(p.status.errorCode, resultType::INTEGER) = 0 THEN 'success'
         WHEN p.status.errorCode IN (53003, 53000, 53001, 530035) THEN 'blocked'
         WHEN p.status.errorCode IN (50074, 50076, 50079, 50140, 50058) THEN 'interrupted' ELSE 'failed' END AS outcome,
    list_transform(list_filter(p.appliedConditionalAccessPolicies, lambda x: x.result = 'failure'), lambda x: x.displayName) AS blocking_policies,
    list_contains(list_transform(p.authenticationDetails, lambda x: x.succeeded), true) AS password_verified
  FROM (SELECT *, properties AS p FROM read_json('{sys.argv[1]}', format = 'newline_delimited', columns = $columns))
) TO '{sys.argv[2]}' (FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 1)
"""

connection = duckdb.connect()
connection.execute("SET threads = 2")
connection.execute("SET preserve_insertion_order = false")
columns = "{" + ", ".join(f"'{k}': '{v}'" for k, v in COLUMNS.items()) + "}"
connection.execute(QUERY.replace("$columns", columns))
for row in connection.execute(f"SELECT auth_class, count(*) FROM '{sys.argv[2]}' GROUP BY 1 ORDER BY 1").fetchall():
    print(*row)

-- Rejects that nothing has become of since.
SELECT r.*
FROM rejects r
LEFT JOIN (SELECT DISTINCT origin_stream, origin_partition, origin_offset, origin_index, content_md5
           FROM reject_resolutions) resolved
  ON r.origin_stream = resolved.origin_stream AND r.origin_partition = resolved.origin_partition
  AND r.origin_offset = resolved.origin_offset AND r.origin_index = resolved.origin_index
  AND md5(r.raw) = resolved.content_md5
WHERE resolved.content_md5 IS NULL

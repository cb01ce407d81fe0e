-- migration: expand
-- The hours of zones, made for all quarters of an hour that a statement changes at once: quarter by quarter, adding up 20,000 messages of as many
-- quarters took half a minute.
CREATE FUNCTION usage_quarters_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM changed WHERE grain = 4) THEN
    RETURN NULL;
  END IF;
  WITH hours AS (
    SELECT DISTINCT organization_sid AS organization, grains.grain, date_bin('1 hour', slot, origin) AS hour
    FROM changed CROSS JOIN (VALUES (10::smallint, timestamptz '2000-01-01 00:30Z'), (11::smallint, timestamptz '2000-01-01 00:15Z')) AS grains (grain, origin)
    WHERE changed.grain = 4
  ), kinds AS (
    SELECT organization, hours.grain, hour, kind, sum(k.messages) AS messages, sum(k.segments) AS segments
    FROM hours CROSS JOIN LATERAL (
      SELECT q.kinds, q.messages, q.segments FROM usage_slot q
      WHERE q.organization_sid = organization AND q.grain = 4 AND q.mapping_sid = '' AND q.enterprise_sid = ''
        AND q.slot >= hour AND q.slot < hour + interval '1 hour' OFFSET 0
    ) AS quarters CROSS JOIN LATERAL unnest(string_to_array(quarters.kinds, ',')::integer[], string_to_array(quarters.messages, ',')::integer[],
      string_to_array(quarters.segments, ',')::integer[]) AS k (kind, messages, segments)
    GROUP BY 1, 2, 3, 4 HAVING sum(k.messages) <> 0 OR sum(k.segments) <> 0
  ), packed AS (
    SELECT organization, grain, hour, string_agg(kind::text, ',' ORDER BY kind) AS kinds, string_agg(messages::text, ',' ORDER BY kind) AS messages,
      string_agg(segments::text, ',' ORDER BY kind) AS segments
    FROM kinds GROUP BY 1, 2, 3
  ), emptied AS (
    -- EXCEPT, since a plan for few rows would compare each with each.
    DELETE FROM usage_slot u USING (SELECT organization, grain, hour FROM hours EXCEPT SELECT organization, grain, hour FROM packed) AS gone
    WHERE u.organization_sid = organization AND u.grain = gone.grain AND u.mapping_sid = '' AND u.enterprise_sid = '' AND u.slot = hour
  )
  INSERT INTO usage_slot (organization_sid, grain, mapping_sid, enterprise_sid, slot, kinds, messages, segments)
  SELECT organization, grain, '', '', hour, kinds, messages, segments FROM packed
  ON CONFLICT (organization_sid, grain, mapping_sid, enterprise_sid, slot)
    DO UPDATE SET kinds = excluded.kinds, messages = excluded.messages, segments = excluded.segments;
  RETURN NULL;
END
$$;
DROP TRIGGER usage_quarter_stored ON usage_slot;
DROP TRIGGER usage_quarter_deleted ON usage_slot;
DROP FUNCTION usage_quarter_changed();
-- What they store themselves does not concern them.
CREATE TRIGGER usage_quarters_stored AFTER INSERT ON usage_slot REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION usage_quarters_changed();
CREATE TRIGGER usage_quarters_updated AFTER UPDATE ON usage_slot REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION usage_quarters_changed();
CREATE TRIGGER usage_quarters_deleted AFTER DELETE ON usage_slot REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION usage_quarters_changed();

-- migration: expand, in steps
-- The hours of zones whose clocks are ahead of UTC by half an hour or three quarters: all of an organization's messages by hours that begin at half past
-- (grain 10) and at a quarter past (grain 11). No zone in use has hours from a quarter to. They are made from the quarters of an hour (grain 4), which
-- took four times as many rows to read. src/domain/usage/usage-grains.ts has the grains.
-- step
CREATE OR REPLACE FUNCTION keep_usage_hours(organization text, since timestamptz, until timestamptz) RETURNS void LANGUAGE sql AS $$
  WITH hours AS (
    SELECT grain, date_bin('1 hour', since, origin) AS first, date_bin('1 hour', until, origin) + interval '1 hour' AS last, origin
    FROM (VALUES (10::smallint, timestamptz '2000-01-01 00:30Z'), (11::smallint, timestamptz '2000-01-01 00:15Z')) AS grains (grain, origin)
  ), kinds AS (
    SELECT hours.grain, date_bin('1 hour', slot, origin) AS slot, kind, sum(k.messages) AS messages, sum(k.segments) AS segments
    FROM hours JOIN usage_slot q ON q.organization_sid = organization AND q.grain = 4 AND q.mapping_sid = '' AND q.enterprise_sid = ''
      AND q.slot >= first AND q.slot < last
    CROSS JOIN LATERAL unnest(string_to_array(kinds, ',')::integer[], string_to_array(messages, ',')::integer[],
      string_to_array(segments, ',')::integer[]) AS k (kind, messages, segments)
    GROUP BY 1, 2, 3 HAVING sum(k.messages) <> 0 OR sum(k.segments) <> 0
  ), packed AS (
    SELECT grain, slot, string_agg(kind::text, ',' ORDER BY kind) AS kinds, string_agg(messages::text, ',' ORDER BY kind) AS messages,
      string_agg(segments::text, ',' ORDER BY kind) AS segments
    FROM kinds GROUP BY 1, 2
  ), emptied AS (
    DELETE FROM usage_slot u USING hours WHERE u.organization_sid = organization AND u.grain = hours.grain AND u.mapping_sid = '' AND u.enterprise_sid = ''
      AND u.slot >= first AND u.slot < last AND NOT EXISTS (SELECT FROM packed p WHERE p.grain = u.grain AND p.slot = u.slot)
  )
  INSERT INTO usage_slot (organization_sid, grain, mapping_sid, enterprise_sid, slot, kinds, messages, segments)
  SELECT organization, grain, '', '', slot, kinds, messages, segments FROM packed
  ON CONFLICT (organization_sid, grain, mapping_sid, enterprise_sid, slot)
    DO UPDATE SET kinds = excluded.kinds, messages = excluded.messages, segments = excluded.segments
$$;

-- Triggers, so that earlier gateways that run meanwhile take part.
CREATE OR REPLACE FUNCTION usage_quarter_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  changed usage_slot := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
  PERFORM keep_usage_hours(changed.organization_sid, changed.slot, changed.slot);
  RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER usage_quarter_stored AFTER INSERT OR UPDATE ON usage_slot
  FOR EACH ROW WHEN (NEW.grain = 4) EXECUTE FUNCTION usage_quarter_changed();
CREATE OR REPLACE TRIGGER usage_quarter_deleted AFTER DELETE ON usage_slot
  FOR EACH ROW WHEN (OLD.grain = 4) EXECUTE FUNCTION usage_quarter_changed();
-- step
-- The hours of before. Those who add up wait meanwhile, by the lock that they take turns by; queries add up for themselves what they have not.
SELECT pg_advisory_xact_lock(72707370);
SELECT keep_usage_hours(organization_sid, min(slot), max(slot)) FROM usage_slot WHERE grain = 4 GROUP BY organization_sid;

-- What an organization used: how many messages, with how many segments, by the quarter of an hour in which they were accepted, and by what they are. Every
-- statement that changes it appends what it changes, so that statements wait for nobody; a job adds that up (src/domain/messages/fold-usage.ts).

-- The mapping of before its deletion, which usage goes on naming.
ALTER TABLE message ADD COLUMN former_mapping_sid text COLLATE "C";
CREATE FUNCTION keep_former_mapping() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.former_mapping_sid := OLD.mapping_sid;
  RETURN NEW;
END
$$;
CREATE TRIGGER message_lost_mapping BEFORE UPDATE OF mapping_sid ON message
  FOR EACH ROW WHEN (OLD.mapping_sid IS NOT NULL AND NEW.mapping_sid IS NULL) EXECUTE FUNCTION keep_former_mapping();

-- The times to delivery, in ms, at which buckets end: each begins at the bound before, the last one has no end. From each to the next but one, they double.
CREATE FUNCTION delivery_bucket(status channel_status, accepted timestamptz, delivered timestamptz) RETURNS smallint
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT CASE WHEN status IN ('DELIVERED', 'READ') THEN width_bucket((extract(epoch FROM delivered - accepted) * 1000)::bigint, ARRAY[
    16, 23, 32, 45, 64, 91, 128, 181, 256, 362, 512, 724, 1024, 1448, 2048, 2896, 4096, 5793, 8192, 11585, 16384, 23170, 32768, 46341, 65536, 92682, 131072,
    185364, 262144, 370728, 524288, 741455, 1048576, 1482910, 2097152, 2965821, 4194304, 5931642, 8388608, 11863283, 16777216, 23726566, 33554432, 47453133,
    67108864, 94906266
  ]::bigint[]) ELSE -1 END::smallint
$$;

-- By the quarter of an hour. Of the mapping, '' means none.
CREATE TABLE usage_change (
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  mapping_sid text COLLATE "C" NOT NULL,
  slot timestamptz(3) NOT NULL,
  direction message_direction NOT NULL,
  type message_type NOT NULL,
  status channel_status NOT NULL,
  -- Of the time to delivery; -1 before.
  bucket smallint NOT NULL,
  messages integer NOT NULL,
  segments integer NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000);

-- The changes added up, by grain: how long a slot is, and whether by enterprise or mapping ('' where not). A grain has all messages.
-- 1, 2, 3: a day (UTC), an hour, a quarter of one; 4, 5: a day and an hour by enterprise; 6, 7: a day and a quarter of an hour by mapping.
CREATE TABLE usage (
  organization_sid text COLLATE "C" NOT NULL,
  grain smallint NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  mapping_sid text COLLATE "C" NOT NULL,
  slot timestamptz(3) NOT NULL,
  direction message_direction NOT NULL,
  type message_type NOT NULL,
  status channel_status NOT NULL,
  bucket smallint NOT NULL,
  messages integer NOT NULL,
  segments integer NOT NULL,
  CONSTRAINT usage_pkey PRIMARY KEY (organization_sid, grain, mapping_sid, enterprise_sid, slot, direction, type, status, bucket)
);
CREATE INDEX usage_by_slot ON usage (organization_sid, grain, slot);
CREATE INDEX usage_empty ON usage (organization_sid) WHERE messages = 0;

-- The organizations whose messages of before are still to be counted: those from position on, before until. What happens to these is not recorded meanwhile.
CREATE TABLE usage_fill (
  organization_sid text COLLATE "C" NOT NULL,
  position timestamptz(3) NOT NULL,
  until timestamptz(3) NOT NULL,
  CONSTRAINT usage_fill_pkey PRIMARY KEY (organization_sid)
);

CREATE FUNCTION use_stored() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- As the job counts no message twice, it waits for those that are being stored, and they for it.
  PERFORM FROM usage_fill WHERE organization_sid IN (SELECT organization_sid FROM inserted) ORDER BY organization_sid FOR SHARE;
  INSERT INTO usage_change (organization_sid, enterprise_sid, mapping_sid, slot, direction, type, status, bucket, messages, segments)
  SELECT organization_sid, enterprise_sid, coalesce(mapping_sid, former_mapping_sid, ''), date_bin('15 min', date_created, '2000-01-01Z'), direction, type,
    channel_status, delivery_bucket(channel_status, date_created, date_updated), count(*), sum(segments)
  FROM inserted i
  WHERE NOT EXISTS (SELECT FROM usage_fill f WHERE f.organization_sid = i.organization_sid AND date_created >= position AND date_created < until)
  GROUP BY 1, 2, 3, 4, 5, 6, 7, 8;
  RETURN NULL;
END
$$;
CREATE TRIGGER message_used AFTER INSERT ON message REFERENCING NEW TABLE AS inserted
  FOR EACH STATEMENT EXECUTE FUNCTION use_stored();

CREATE FUNCTION use_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM FROM usage_fill WHERE organization_sid = NEW.organization_sid FOR SHARE;
  IF EXISTS (SELECT FROM usage_fill WHERE organization_sid = NEW.organization_sid AND NEW.date_created >= position AND NEW.date_created < until) THEN
    RETURN NULL;
  END IF;
  INSERT INTO usage_change (organization_sid, enterprise_sid, mapping_sid, slot, direction, type, status, bucket, messages, segments) VALUES
    (OLD.organization_sid, OLD.enterprise_sid, coalesce(OLD.mapping_sid, OLD.former_mapping_sid, ''),
      date_bin('15 min', OLD.date_created, '2000-01-01Z'), OLD.direction, OLD.type, OLD.channel_status,
      delivery_bucket(OLD.channel_status, OLD.date_created, OLD.date_updated), -1, -OLD.segments),
    (NEW.organization_sid, NEW.enterprise_sid, coalesce(NEW.mapping_sid, NEW.former_mapping_sid, ''),
      date_bin('15 min', NEW.date_created, '2000-01-01Z'), NEW.direction, NEW.type, NEW.channel_status,
      -- A message that is read keeps the time at which it was delivered.
      CASE WHEN OLD.channel_status = 'DELIVERED' AND NEW.channel_status = 'READ'
        THEN delivery_bucket(OLD.channel_status, OLD.date_created, OLD.date_updated)
        ELSE delivery_bucket(NEW.channel_status, NEW.date_created, NEW.date_updated) END, 1, NEW.segments);
  RETURN NULL;
END
$$;
CREATE TRIGGER message_used_otherwise AFTER UPDATE OF channel_status ON message
  FOR EACH ROW WHEN (OLD.channel_status <> NEW.channel_status) EXECUTE FUNCTION use_changed();

-- The triggers' lock is had by now: whatever is stored from here on, they see. What was stored may be later than the time if the clock went back.
INSERT INTO usage_fill (organization_sid, position, until)
SELECT organization_sid, '0001-01-01Z', greatest(clock_timestamp(), (
  SELECT max(date_created) + interval '1 ms' FROM message WHERE message.organization_sid = message_count.organization_sid))
FROM message_count;

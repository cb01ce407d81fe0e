-- Usage, a row for all kinds of messages of a slot: one for each kind was most of what it took to store and to read.

-- What a message is, as a number: src/domain/messages/usage-kinds.ts has the same.
CREATE FUNCTION usage_kind(direction message_direction, type message_type, status channel_status, bucket smallint) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT (((CASE direction WHEN 'INBOUND' THEN 0 WHEN 'OUTBOUND' THEN 1 END) * 4 + (CASE type WHEN 'SMS' THEN 0 WHEN 'MMS' THEN 1 END)) * 16
    + CASE status WHEN 'QUEUED' THEN 0 WHEN 'SENDING' THEN 1 WHEN 'SENT' THEN 2 WHEN 'DELIVERED' THEN 3 WHEN 'UNDELIVERED' THEN 4 WHEN 'FAILED' THEN 5
      WHEN 'READ' THEN 6 WHEN 'RECEIVED' THEN 7 END) * 64 + bucket + 1
$$;

-- Each grain (src/domain/messages/usage-grains.ts) has all messages, by slots of a length (UTC), by all, enterprise or mapping ('' where not).
CREATE TABLE usage_slot (
  organization_sid text COLLATE "C" NOT NULL,
  grain smallint NOT NULL,
  mapping_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  slot timestamptz(3) NOT NULL,
  -- Of each kind of messages, in the order of kinds, separated by commas. Some grains have the quarter of an hour within the slot, times 8192, in the kind.
  -- As texts, which are read as they are stored: writing arrays of numbers was most of reading them.
  kinds text NOT NULL,
  messages text NOT NULL,
  segments text NOT NULL,
  CONSTRAINT usage_slot_pkey PRIMARY KEY (organization_sid, grain, mapping_sid, enterprise_sid, slot)
);
CREATE INDEX usage_slot_by_slot ON usage_slot (organization_sid, grain, slot, enterprise_sid);

-- The former table hands on what it has, and what earlier gateways add up there meanwhile. Its grain 7 has all messages. A later migration drops it.
CREATE FUNCTION hand_usage_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.grain = 7 THEN
    INSERT INTO usage_change (organization_sid, enterprise_sid, mapping_sid, slot, direction, type, status, bucket, messages, segments)
    VALUES (NEW.organization_sid, NEW.enterprise_sid, NEW.mapping_sid, NEW.slot, NEW.direction, NEW.type, NEW.status, NEW.bucket, NEW.messages, NEW.segments);
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER usage_handed_on BEFORE INSERT ON usage FOR EACH ROW EXECUTE FUNCTION hand_usage_on();
INSERT INTO usage_change (organization_sid, enterprise_sid, mapping_sid, slot, direction, type, status, bucket, messages, segments)
SELECT organization_sid, enterprise_sid, mapping_sid, slot, direction, type, status, bucket, messages, segments FROM usage WHERE grain = 7;
TRUNCATE usage;

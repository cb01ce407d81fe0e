-- The conversations of mappings with phones: the last message, how many there are, and since when the phone waits for an answer. Kept by triggers, so by
-- the statement that stores a message. Those of the gateway lock an organization's conversations only behind the head of its log (docs/adr/0006), one
-- statement at a time: the order of their rows does not matter then.
CREATE TABLE conversation (
  sid text COLLATE "C" NOT NULL,
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  mapping_sid text COLLATE "C" NOT NULL,
  -- As the last message has it, and in its one form.
  phone text NOT NULL,
  phone_folded text COLLATE "C" NOT NULL,
  last_message_sid text COLLATE "C" NOT NULL,
  last_message_date timestamptz(3) NOT NULL,
  messages_from_phone integer NOT NULL,
  messages_from_teams integer NOT NULL,
  messages_failed integer NOT NULL,
  -- The last messages from either side. The first one from the phone after the last one from Teams is unanswered.
  last_from_phone timestamptz(3),
  last_from_teams timestamptz(3),
  unanswered_since timestamptz(3),
  date_created timestamptz(3) NOT NULL,
  CONSTRAINT conversation_pkey PRIMARY KEY (sid)
);
CREATE INDEX conversation_by_last_message ON conversation (organization_sid, last_message_date, sid);
CREATE INDEX conversation_of_enterprise ON conversation (organization_sid, enterprise_sid, last_message_date);
CREATE INDEX conversation_of_mapping ON conversation (mapping_sid, last_message_date);
CREATE INDEX conversation_by_phone ON conversation (organization_sid, phone_folded, sid);
CREATE INDEX conversation_unanswered ON conversation (organization_sid, unanswered_since, sid) WHERE unanswered_since IS NOT NULL;
-- Its rows are updated with each message.
ALTER TABLE conversation SET (fillfactor = 85);

-- Adds stored messages to their conversations.
CREATE FUNCTION converse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO conversation AS c (sid, organization_sid, enterprise_sid, mapping_sid, phone, phone_folded, last_message_sid, last_message_date,
    messages_from_phone, messages_from_teams, messages_failed, last_from_phone, last_from_teams, unanswered_since, date_created)
  SELECT conversation, min(organization_sid), min(enterprise_sid), min(mapping_sid),
    (array_agg(phone ORDER BY date_created DESC, sid DESC))[1], min(phone_folded),
    (array_agg(sid ORDER BY date_created DESC, sid DESC))[1], max(date_created),
    count(*) FILTER (WHERE direction = 'OUTBOUND'), count(*) FILTER (WHERE direction = 'INBOUND'),
    count(*) FILTER (WHERE channel_status IN ('UNDELIVERED', 'FAILED')),
    max(date_created) FILTER (WHERE direction = 'OUTBOUND'), max(answered),
    min(date_created) FILTER (WHERE direction = 'OUTBOUND' AND date_created > coalesce(answered, '-infinity')), min(date_created)
  FROM (
    SELECT *, max(date_created) FILTER (WHERE direction = 'INBOUND') OVER (PARTITION BY conversation) AS answered FROM (
      SELECT sid, organization_sid, enterprise_sid, mapping_sid, direction, channel_status, date_created,
        CASE direction WHEN 'INBOUND' THEN "to" ELSE "from" END AS phone,
        CASE direction WHEN 'INBOUND' THEN to_folded ELSE from_folded END AS phone_folded,
        conversation_sid(mapping_sid, enterprise_sid, direction, from_folded, to_folded) AS conversation
      FROM inserted WHERE mapping_sid IS NOT NULL
    ) AS m
  ) AS m GROUP BY conversation ORDER BY conversation
  ON CONFLICT (sid) DO UPDATE SET
    phone = CASE WHEN (excluded.last_message_date, excluded.last_message_sid) > (c.last_message_date, c.last_message_sid)
      THEN excluded.phone ELSE c.phone END,
    last_message_sid = CASE WHEN (excluded.last_message_date, excluded.last_message_sid) > (c.last_message_date, c.last_message_sid)
      THEN excluded.last_message_sid ELSE c.last_message_sid END,
    last_message_date = greatest(c.last_message_date, excluded.last_message_date),
    messages_from_phone = c.messages_from_phone + excluded.messages_from_phone,
    messages_from_teams = c.messages_from_teams + excluded.messages_from_teams,
    messages_failed = c.messages_failed + excluded.messages_failed,
    last_from_phone = greatest(c.last_from_phone, excluded.last_from_phone),
    last_from_teams = greatest(c.last_from_teams, excluded.last_from_teams),
    -- What is unanswered so far remains the first unless it is answered now. If some of what came after it is not, because messages are stored in another
    -- order than they began, the messages tell.
    unanswered_since = CASE
      WHEN (c.unanswered_since <= greatest(c.last_from_teams, excluded.last_from_teams)
          AND c.last_from_phone > greatest(c.last_from_teams, excluded.last_from_teams))
        OR (excluded.unanswered_since <= greatest(c.last_from_teams, excluded.last_from_teams)
          AND excluded.last_from_phone > greatest(c.last_from_teams, excluded.last_from_teams))
      THEN (SELECT min(m.date_created) FROM message m
        WHERE conversation_sid(m.mapping_sid, m.enterprise_sid, m.direction, m.from_folded, m.to_folded) = c.sid
          AND m.direction = 'OUTBOUND' AND m.date_created > greatest(c.last_from_teams, excluded.last_from_teams))
      ELSE least(
        CASE WHEN c.unanswered_since > coalesce(greatest(c.last_from_teams, excluded.last_from_teams), '-infinity') THEN c.unanswered_since END,
        CASE WHEN excluded.unanswered_since > coalesce(greatest(c.last_from_teams, excluded.last_from_teams), '-infinity')
          THEN excluded.unanswered_since END) END,
    date_created = least(c.date_created, excluded.date_created);
  RETURN NULL;
END
$$;
CREATE TRIGGER message_conversed AFTER INSERT ON message REFERENCING NEW TABLE AS inserted
  FOR EACH STATEMENT EXECUTE FUNCTION converse();

-- Counts a failure, or takes back one that is retried. Deferred to the commit, since a retry changes statuses before it locks the head of the log.
CREATE FUNCTION count_failure() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE conversation SET messages_failed = messages_failed + CASE WHEN NEW.channel_status IN ('UNDELIVERED', 'FAILED') THEN 1 ELSE -1 END
  WHERE sid = conversation_sid(NEW.mapping_sid, NEW.enterprise_sid, NEW.direction, NEW.from_folded, NEW.to_folded);
  RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER message_failure_changed AFTER UPDATE OF channel_status ON message DEFERRABLE INITIALLY DEFERRED
  FOR EACH ROW WHEN ((OLD.channel_status IN ('UNDELIVERED', 'FAILED')) <> (NEW.channel_status IN ('UNDELIVERED', 'FAILED')))
  EXECUTE FUNCTION count_failure();

-- Makes these conversations anew from their messages. Callers lock the head of the organization's log first, so that no message is stored meanwhile.
CREATE FUNCTION restore_conversations(sids text[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO conversation AS c (sid, organization_sid, enterprise_sid, mapping_sid, phone, phone_folded, last_message_sid, last_message_date,
    messages_from_phone, messages_from_teams, messages_failed, last_from_phone, last_from_teams, unanswered_since, date_created)
  SELECT conversation, min(organization_sid), min(enterprise_sid), min(mapping_sid),
    (array_agg(phone ORDER BY date_created DESC, sid DESC))[1], min(phone_folded),
    (array_agg(sid ORDER BY date_created DESC, sid DESC))[1], max(date_created),
    count(*) FILTER (WHERE direction = 'OUTBOUND'), count(*) FILTER (WHERE direction = 'INBOUND'),
    count(*) FILTER (WHERE channel_status IN ('UNDELIVERED', 'FAILED')),
    max(date_created) FILTER (WHERE direction = 'OUTBOUND'), max(answered),
    min(date_created) FILTER (WHERE direction = 'OUTBOUND' AND date_created > coalesce(answered, '-infinity')), min(date_created)
  FROM (
    SELECT *, max(date_created) FILTER (WHERE direction = 'INBOUND') OVER (PARTITION BY conversation) AS answered
    -- One conversation after another by the index, whatever the statistics say.
    FROM unnest(sids) AS s (conversation) CROSS JOIN LATERAL (
      SELECT sid, organization_sid, enterprise_sid, mapping_sid, direction, channel_status, date_created,
        CASE direction WHEN 'INBOUND' THEN "to" ELSE "from" END AS phone,
        CASE direction WHEN 'INBOUND' THEN to_folded ELSE from_folded END AS phone_folded
      FROM message WHERE conversation_sid(mapping_sid, enterprise_sid, direction, from_folded, to_folded) = conversation COLLATE "C" OFFSET 0
    ) AS m
  ) AS m GROUP BY conversation ORDER BY conversation
  ON CONFLICT (sid) DO UPDATE SET phone = excluded.phone, last_message_sid = excluded.last_message_sid,
    last_message_date = excluded.last_message_date, messages_from_phone = excluded.messages_from_phone,
    messages_from_teams = excluded.messages_from_teams, messages_failed = excluded.messages_failed, last_from_phone = excluded.last_from_phone,
    last_from_teams = excluded.last_from_teams, unanswered_since = excluded.unanswered_since, date_created = excluded.date_created;
  DELETE FROM conversation c WHERE c.sid = ANY (sids) AND NOT EXISTS (
    SELECT FROM message m WHERE conversation_sid(m.mapping_sid, m.enterprise_sid, m.direction, m.from_folded, m.to_folded) = c.sid OFFSET 0);
END
$$;

-- Messages that are deleted no longer count.
CREATE FUNCTION converse_no_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM restore_conversations(ARRAY(
    SELECT DISTINCT conversation_sid(mapping_sid, enterprise_sid, direction, from_folded, to_folded) FROM deleted WHERE mapping_sid IS NOT NULL));
  RETURN NULL;
END
$$;
CREATE TRIGGER message_deleted_of_conversation AFTER DELETE ON message REFERENCING OLD TABLE AS deleted
  FOR EACH STATEMENT EXECUTE FUNCTION converse_no_more();

-- A mapping takes its conversations along; its messages stay. No foreign key: this comes after those, which lock the messages.
CREATE FUNCTION end_conversations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM conversation WHERE mapping_sid = OLD.sid;
  RETURN NULL;
END
$$;
CREATE TRIGGER mapping_ended AFTER DELETE ON mapping FOR EACH ROW EXECUTE FUNCTION end_conversations();

CREATE OR REPLACE FUNCTION forget_message_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM message_count;
  DELETE FROM message_day;
  DELETE FROM awaited_report;
  DELETE FROM conversation;
  RETURN NULL;
END
$$;

-- The mappings whose conversations of before are still to be made, by the job fill-conversations.
CREATE TABLE conversation_fill (
  mapping_sid text COLLATE "C" NOT NULL,
  organization_sid text COLLATE "C" NOT NULL,
  CONSTRAINT conversation_fill_pkey PRIMARY KEY (mapping_sid)
);
INSERT INTO conversation_fill (mapping_sid, organization_sid)
SELECT sid, organization_sid FROM mapping WHERE EXISTS (SELECT FROM message WHERE mapping_sid = mapping.sid);

-- migration: expand
-- How long messages are kept, in days: the enterprise's own, or the organization's, or the setting MESSAGE_RETENTION.
ALTER TABLE organization ADD COLUMN message_retention_days integer;
ALTER TABLE enterprise ADD COLUMN message_retention_days integer;

-- Requests to erase a person (docs/adr/0031): the phone, or the Teams user, until it is done.
CREATE TABLE person_erasure (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C",
  account_sid text COLLATE "C" NOT NULL,
  phone_folded text COLLATE "C",
  microsoft_address_folded text COLLATE "C",
  microsoft_object_id text COLLATE "C",
  messages integer NOT NULL DEFAULT 0,
  waiting integer NOT NULL DEFAULT 0,
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_completed timestamptz(3),
  CONSTRAINT person_erasure_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX person_erasure_unfinished ON person_erasure (date_created) WHERE date_completed IS NULL;

-- Messages of which nothing but their place in the event log is left. They are deleted when their events are.
CREATE TABLE erased_message (
  message_sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  date_created timestamptz(3) NOT NULL
);
CREATE INDEX erased_message_by_date ON erased_message (date_created);

-- Messages that are deleted no longer count. Only conversations that lose what says how they stand are made anew from the messages that are left: the oldest
-- messages of a long one are deleted without reading the others.
CREATE OR REPLACE FUNCTION converse_no_more() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  anew text[];
BEGIN
  WITH gone AS MATERIALIZED (
    SELECT conversation_sid(mapping_sid, enterprise_sid, direction, from_folded, to_folded) AS conversation, max(date_created) AS last,
      count(*) FILTER (WHERE direction = 'OUTBOUND') AS from_phone, count(*) FILTER (WHERE direction = 'INBOUND') AS from_teams,
      count(*) FILTER (WHERE channel_status IN ('UNDELIVERED', 'FAILED')) AS failed,
      max(date_created) FILTER (WHERE direction = 'OUTBOUND') AS last_from_phone, max(date_created) FILTER (WHERE direction = 'INBOUND') AS last_from_teams
    FROM deleted WHERE mapping_sid IS NOT NULL GROUP BY 1
  ), kept AS (
    UPDATE conversation c SET messages_from_phone = c.messages_from_phone - gone.from_phone, messages_from_teams = c.messages_from_teams - gone.from_teams,
      messages_failed = c.messages_failed - gone.failed, date_created = first.date_created
    FROM gone CROSS JOIN LATERAL (
      SELECT m.date_created FROM message m
      WHERE conversation_sid(m.mapping_sid, m.enterprise_sid, m.direction, m.from_folded, m.to_folded) = gone.conversation COLLATE "C"
      ORDER BY m.date_created LIMIT 1
    ) AS first WHERE c.sid = gone.conversation AND gone.last < c.last_message_date
      AND (gone.last_from_phone IS NULL OR gone.last_from_phone < least(c.last_from_phone, c.unanswered_since))
      AND (gone.last_from_teams IS NULL OR gone.last_from_teams < c.last_from_teams)
    RETURNING c.sid
  )
  SELECT array_agg(conversation) INTO anew FROM gone WHERE conversation NOT IN (SELECT sid FROM kept);
  PERFORM restore_conversations(anew) WHERE anew IS NOT NULL;
  RETURN NULL;
END
$$;

-- migration: expand
-- Whether an erasure has to look outside messages: at first, and after it has erased some.
ALTER TABLE person_erasure ADD COLUMN elsewhere_due boolean NOT NULL DEFAULT true;
-- An erasure leaves texts that are newer than its request. Those of before count as of now.
ALTER TABLE held_text ADD COLUMN date_created timestamptz(3) NOT NULL DEFAULT now();

-- As before (20261130030000_retention), but a conversation that nobody in Teams has answered yet also loses its oldest messages without the others being
-- read: its first unanswered message is the first one from the phone that is left after the last one from Teams.
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
      messages_failed = c.messages_failed - gone.failed, date_created = first.date_created,
      unanswered_since = CASE WHEN gone.last_from_phone >= c.unanswered_since THEN (
        SELECT m.date_created FROM message m
        WHERE conversation_sid(m.mapping_sid, m.enterprise_sid, m.direction, m.from_folded, m.to_folded) = gone.conversation COLLATE "C"
          AND m.direction = 'OUTBOUND' AND m.date_created > coalesce(c.last_from_teams, '-infinity')
        ORDER BY m.date_created LIMIT 1
      ) ELSE c.unanswered_since END
    FROM gone CROSS JOIN LATERAL (
      SELECT m.date_created FROM message m
      WHERE conversation_sid(m.mapping_sid, m.enterprise_sid, m.direction, m.from_folded, m.to_folded) = gone.conversation COLLATE "C"
      ORDER BY m.date_created LIMIT 1
    ) AS first WHERE c.sid = gone.conversation AND gone.last < c.last_message_date
      AND (gone.last_from_phone IS NULL OR gone.last_from_phone < c.last_from_phone)
      AND (gone.last_from_teams IS NULL OR gone.last_from_teams < c.last_from_teams)
    RETURNING c.sid
  )
  SELECT array_agg(conversation) INTO anew FROM gone WHERE conversation NOT IN (SELECT sid FROM kept);
  PERFORM restore_conversations(anew) WHERE anew IS NOT NULL;
  RETURN NULL;
END
$$;

-- The message of an activity of either direction; and a text's activity becomes one message. Conversations' ids are long, so the index has their digest.
CREATE UNIQUE INDEX message_by_activity ON message (
  teams_activity_id, (CASE WHEN direction = 'INBOUND' THEN md5(organization_sid || ' ' || teams_conversation_id)::uuid END)
) WHERE teams_activity_id IS NOT NULL;

-- When the platform was last asked for a message's status. Whom it was asked for the longest ago comes first.
ALTER TABLE message ADD COLUMN status_asked timestamptz(3);
DROP INDEX message_unsettled;
CREATE INDEX message_unsettled ON message (status_asked NULLS FIRST) WHERE direction = 'INBOUND' AND channel_status IN ('SENDING', 'SENT');

-- The rows of before. Row by row, so that statuses go on changing meanwhile: what has changed is looked at again once its lock is had.
UPDATE message SET listed_status = channel_status WHERE listed_status IS NULL AND channel_status NOT IN ('SENDING', 'SENT', 'DELIVERED');
INSERT INTO awaited_report (organization_sid, message_sid, asked)
SELECT organization_sid, sid, status_asked FROM message WHERE channel_status IN ('SENDING', 'SENT') FOR UPDATE
ON CONFLICT DO NOTHING;

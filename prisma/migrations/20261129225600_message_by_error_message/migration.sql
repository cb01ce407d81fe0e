CREATE INDEX message_by_error_message ON message (organization_sid, (md5(channel_error_message)::uuid), date_created) WHERE channel_error_message IS NOT NULL;

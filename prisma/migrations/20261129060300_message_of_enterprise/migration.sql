-- Without the sid, as message_by_direction.
CREATE INDEX message_of_enterprise ON message (organization_sid, enterprise_sid, date_created);

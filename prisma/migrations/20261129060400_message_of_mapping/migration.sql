-- Without the sid, as message_by_direction.
CREATE INDEX message_of_mapping ON message (mapping_sid, date_created);

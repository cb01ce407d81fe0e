CREATE INDEX message_event_of_message ON message_event (message_sid);

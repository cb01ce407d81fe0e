-- What nobody reads by any more, or what another index serves as well. Nothing is built here, so that the locks are short.

-- An event's message is found by its sid alone. Validated next, without these locks; every row of before has met it as a part of the former key.
ALTER TABLE message_event
  DROP CONSTRAINT message_event_organization_sid_message_sid_fkey,
  ADD CONSTRAINT message_event_message_sid_fkey FOREIGN KEY (message_sid) REFERENCES message (sid) ON DELETE RESTRICT ON UPDATE CASCADE NOT VALID;
-- The enterprise's key has the organization, and its own refers to it.
ALTER TABLE message DROP CONSTRAINT message_organization_sid_fkey;

DROP INDEX message_organization_sid_sid_key;
DROP INDEX message_by_status;
DROP INDEX message_unsettled;
DROP INDEX message_retryable;
DROP INDEX message_inbound;
DROP INDEX message_outbound;
DROP INDEX message_by_enterprise;
DROP INDEX message_by_mapping;
DROP INDEX message_activity_unique;
DROP INDEX message_shown;
DROP INDEX message_event_by_message;
DROP INDEX message_event_by_time;

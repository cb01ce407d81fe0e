-- How many messages each organization has: counting a million takes a fifth of a second, reading this a tenth of a millisecond.
-- Every insert locks its organization's row until commit, which adds no waiting: so does the event log's head, for the same message.
-- A message's organization never changes.
CREATE TABLE message_count (
  organization_sid text COLLATE "C" NOT NULL,
  messages bigint NOT NULL,
  CONSTRAINT message_count_pkey PRIMARY KEY (organization_sid)
);
INSERT INTO message_count (organization_sid, messages) SELECT organization_sid, count(*) FROM message GROUP BY organization_sid;

CREATE FUNCTION count_inserted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO message_count AS c (organization_sid, messages)
  SELECT organization_sid, count(*) FROM inserted GROUP BY organization_sid ORDER BY organization_sid
  ON CONFLICT (organization_sid) DO UPDATE SET messages = c.messages + excluded.messages;
  RETURN NULL;
END
$$;
CREATE TRIGGER message_inserted AFTER INSERT ON message REFERENCING NEW TABLE AS inserted
  FOR EACH STATEMENT EXECUTE FUNCTION count_inserted_messages();

CREATE FUNCTION count_deleted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE message_count c SET messages = c.messages - d.messages
  FROM (SELECT organization_sid, count(*) AS messages FROM deleted GROUP BY organization_sid) d
  WHERE c.organization_sid = d.organization_sid;
  RETURN NULL;
END
$$;
CREATE TRIGGER message_deleted AFTER DELETE ON message REFERENCING OLD TABLE AS deleted
  FOR EACH STATEMENT EXECUTE FUNCTION count_deleted_messages();

CREATE FUNCTION forget_message_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM message_count;
  RETURN NULL;
END
$$;
CREATE TRIGGER message_truncated AFTER TRUNCATE ON message
  FOR EACH STATEMENT EXECUTE FUNCTION forget_message_counts();

-- How many messages each organization has of each day (UTC), beside how many in all: what lies in front of a page far behind the first is summed up
-- from them, and only its own day is walked over. At row 500,000 of a million: 1 ms instead of 60.
-- Nobody writes meanwhile, or it would not be counted.
LOCK TABLE message IN SHARE ROW EXCLUSIVE MODE;
CREATE TABLE message_day (
  organization_sid text COLLATE "C" NOT NULL,
  day date NOT NULL,
  messages bigint NOT NULL,
  CONSTRAINT message_day_pkey PRIMARY KEY (organization_sid, day)
);
INSERT INTO message_day (organization_sid, day, messages)
SELECT organization_sid, (date_created AT TIME ZONE 'UTC')::date, count(*) FROM message GROUP BY 1, 2;

CREATE OR REPLACE FUNCTION count_inserted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO message_count AS c (organization_sid, messages)
  SELECT organization_sid, count(*) FROM inserted GROUP BY organization_sid ORDER BY organization_sid
  ON CONFLICT (organization_sid) DO UPDATE SET messages = c.messages + excluded.messages;
  INSERT INTO message_day AS d (organization_sid, day, messages)
  SELECT organization_sid, (date_created AT TIME ZONE 'UTC')::date, count(*) FROM inserted GROUP BY 1, 2 ORDER BY 1, 2
  ON CONFLICT (organization_sid, day) DO UPDATE SET messages = d.messages + excluded.messages;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION count_deleted_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE message_count c SET messages = c.messages - d.messages
  FROM (SELECT organization_sid, count(*) AS messages FROM deleted GROUP BY organization_sid) d
  WHERE c.organization_sid = d.organization_sid;
  UPDATE message_day c SET messages = c.messages - d.messages
  FROM (SELECT organization_sid, (date_created AT TIME ZONE 'UTC')::date AS day, count(*) AS messages FROM deleted GROUP BY 1, 2) d
  WHERE c.organization_sid = d.organization_sid AND c.day = d.day;
  RETURN NULL;
END
$$;

CREATE OR REPLACE FUNCTION forget_message_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM message_count;
  DELETE FROM message_day;
  RETURN NULL;
END
$$;

-- The gateway never changes it; whoever mends rows by hand may.
CREATE FUNCTION count_moved_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE message_day SET messages = messages - 1
  WHERE organization_sid = OLD.organization_sid AND day = (OLD.date_created AT TIME ZONE 'UTC')::date;
  INSERT INTO message_day AS d (organization_sid, day, messages)
  VALUES (NEW.organization_sid, (NEW.date_created AT TIME ZONE 'UTC')::date, 1)
  ON CONFLICT (organization_sid, day) DO UPDATE SET messages = d.messages + 1;
  RETURN NULL;
END
$$;
CREATE TRIGGER message_moved AFTER UPDATE OF date_created ON message
  FOR EACH ROW WHEN (OLD.date_created IS DISTINCT FROM NEW.date_created) EXECUTE FUNCTION count_moved_message();

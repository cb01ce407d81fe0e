-- A status step changes no indexed column, so that its update can be HOT (docs/adr/0018). In steps, so that no lock is held for long: here what keeps new
-- rows right, then the rows of before, the new indexes one after another, and the end of the old ones.

-- channel_status, as indexes have it: only statuses that a message seldom has, or has until it is handed over. NULL: SENDING, SENT or DELIVERED.
ALTER TABLE message ADD COLUMN listed_status channel_status;
ALTER TABLE message ALTER COLUMN listed_status SET DEFAULT 'QUEUED';

CREATE FUNCTION list_message_status() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.listed_status := CASE WHEN NEW.channel_status NOT IN ('SENDING', 'SENT', 'DELIVERED') THEN NEW.channel_status END;
  RETURN NEW;
END
$$;
CREATE TRIGGER message_listed BEFORE INSERT ON message
  FOR EACH ROW WHEN (NEW.channel_status <> 'QUEUED' OR NEW.listed_status IS DISTINCT FROM 'QUEUED') EXECUTE FUNCTION list_message_status();
CREATE TRIGGER message_relisted BEFORE UPDATE OF channel_status ON message
  FOR EACH ROW WHEN (NEW.channel_status <> OLD.channel_status AND (
    OLD.channel_status NOT IN ('SENDING', 'SENT', 'DELIVERED') OR NEW.channel_status NOT IN ('SENDING', 'SENT', 'DELIVERED')))
  EXECUTE FUNCTION list_message_status();

-- The messages that are SENDING or SENT: whose end is still to be reported.
CREATE TABLE awaited_report (
  organization_sid text COLLATE "C" NOT NULL,
  message_sid text COLLATE "C" NOT NULL,
  -- When the platform was last asked for it. (message.status_asked is no longer used.)
  asked timestamptz(3),
  CONSTRAINT awaited_report_pkey PRIMARY KEY (organization_sid, message_sid)
);
CREATE INDEX awaited_report_by_asked ON awaited_report (asked NULLS FIRST);

CREATE FUNCTION await_report() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO awaited_report (organization_sid, message_sid) VALUES (NEW.organization_sid, NEW.sid) ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE FUNCTION await_report_no_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM awaited_report WHERE organization_sid = OLD.organization_sid AND message_sid = OLD.sid;
  RETURN NULL;
END
$$;
CREATE TRIGGER message_stored_on_its_way AFTER INSERT ON message
  FOR EACH ROW WHEN (NEW.channel_status IN ('SENDING', 'SENT')) EXECUTE FUNCTION await_report();
CREATE TRIGGER message_on_its_way AFTER UPDATE OF channel_status ON message
  FOR EACH ROW WHEN (NEW.channel_status IN ('SENDING', 'SENT') AND OLD.channel_status NOT IN ('SENDING', 'SENT')) EXECUTE FUNCTION await_report();
CREATE TRIGGER message_arrived AFTER UPDATE OF channel_status ON message
  FOR EACH ROW WHEN (OLD.channel_status IN ('SENDING', 'SENT') AND NEW.channel_status NOT IN ('SENDING', 'SENT')) EXECUTE FUNCTION await_report_no_more();
CREATE TRIGGER message_deleted_on_its_way AFTER DELETE ON message
  FOR EACH ROW WHEN (OLD.channel_status IN ('SENDING', 'SENT')) EXECUTE FUNCTION await_report_no_more();

CREATE OR REPLACE FUNCTION forget_message_counts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM message_count;
  DELETE FROM message_day;
  DELETE FROM awaited_report;
  RETURN NULL;
END
$$;

-- Room on each page for the row versions of status steps. Pages of before keep theirs as they are.
ALTER TABLE message SET (fillfactor = 85);

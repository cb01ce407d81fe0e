-- The audit log as its readers see it, and the one way in which retention trims it.

ALTER TABLE audit_log
  DROP COLUMN id,
  ADD COLUMN sid text COLLATE "C" NOT NULL DEFAULT 'AU' || replace(gen_random_uuid()::text, '-', ''),
  -- Who, where the account itself did not present its own token.
  ADD COLUMN admin_sid text COLLATE "C",
  ADD COLUMN access_token_sid text COLLATE "C",
  ALTER COLUMN action TYPE text COLLATE "C",
  ALTER COLUMN target_sid TYPE text COLLATE "C",
  ADD CONSTRAINT audit_log_pkey PRIMARY KEY (sid);

CREATE INDEX audit_log_by_time ON audit_log (organization_sid, occurred_at, sid);
CREATE INDEX audit_log_by_target ON audit_log (organization_sid, target_sid, occurred_at, sid);
CREATE INDEX audit_log_by_age ON audit_log (occurred_at);

-- Only trim_audit_log sets gateway.audit_log_trim, for as long as it runs. Whoever sets it by hand still deletes nothing younger than the floor.
CREATE OR REPLACE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' AND current_setting('gateway.audit_log_trim', true) = 'on' THEN
    IF OLD.occurred_at < now() - interval '30 days' THEN RETURN OLD; END IF;
  END IF;
  RAISE EXCEPTION 'audit_log is append-only';
END
$$;

-- Deletes at most `at_most` of the rows that are older than the retention, of at least 30 days, and says how many.
CREATE FUNCTION trim_audit_log(retention interval, at_most integer) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET gateway.audit_log_trim = 'on' AS $$
DECLARE
  deleted integer;
BEGIN
  IF retention < interval '30 days' THEN
    RAISE EXCEPTION 'audit_log keeps what is younger than 30 days';
  END IF;
  DELETE FROM audit_log WHERE sid IN (SELECT sid FROM audit_log WHERE occurred_at < now() - retention ORDER BY occurred_at LIMIT at_most);
  GET DIAGNOSTICS deleted = ROW_COUNT;
  RETURN deleted;
END
$$;

-- Provider accounts, which have every permission so far, may read it.
UPDATE account SET permissions = permissions || '{audit}'
  WHERE permissions @> '{read,write,secrets}' AND NOT permissions @> '{audit}';

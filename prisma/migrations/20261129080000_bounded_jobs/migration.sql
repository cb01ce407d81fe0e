-- What the periodic jobs read, so that a run costs what it has to do and not what is stored.

-- A message counts as asked for when it begins to wait: the reconciler then reads the end of the index that is due, without those of the last minute.
ALTER TABLE awaited_report ALTER COLUMN asked SET DEFAULT now();
UPDATE awaited_report SET asked = now() WHERE asked IS NULL;
ALTER TABLE awaited_report ALTER COLUMN asked SET NOT NULL;

-- Texts that wait end when they expire; the others are deleted some time after they ended.
CREATE INDEX held_text_due ON held_text (expires) WHERE ended IS NULL;
CREATE INDEX held_text_behind ON held_text (behind) WHERE ended IS NULL;
CREATE INDEX held_text_ended ON held_text (ended) WHERE ended IS NOT NULL;
DROP INDEX held_text_by_expiry;

-- As trim_audit_log of before, which instances of the previous version still call, but from a time on: rows that were deleted a moment ago stay in the
-- index while any snapshot may need them, and each further call would read them all again.
CREATE FUNCTION trim_audit_log(retention interval, at_most integer, since timestamptz, OUT count integer, OUT last timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET gateway.audit_log_trim = 'on' AS $$
DECLARE
  doomed tid[];
BEGIN
  IF retention < interval '30 days' THEN
    RAISE EXCEPTION 'audit_log keeps what is younger than 30 days';
  END IF;
  SELECT array_agg(old.ctid), max(old.occurred_at) INTO doomed, last FROM (
    SELECT ctid, occurred_at FROM audit_log WHERE occurred_at >= since AND occurred_at < now() - retention
    ORDER BY occurred_at LIMIT at_most FOR UPDATE SKIP LOCKED
  ) old;
  DELETE FROM audit_log WHERE ctid = ANY (doomed);
  GET DIAGNOSTICS count = ROW_COUNT;
END
$$;

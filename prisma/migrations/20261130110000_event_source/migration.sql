-- migration: expand, in steps
-- Which database has numbered the events of a log (src/domain/events/events.ts). In a restored copy, and after a failover, which may have lost events, it is
-- another one: then the log gets another id, so that former cursors and webhook ids are not taken for those of other events.
-- step
-- The server's identifier and timeline, the database, and the table, which a restore into the same database makes anew. NULL on a standby.
CREATE OR REPLACE FUNCTION event_log_source() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  place text := (SELECT oid FROM pg_database WHERE datname = current_database()) || ' ' || 'event_head'::regclass::oid;
BEGIN
  IF pg_is_in_recovery() THEN
    RETURN NULL;
  END IF;
  RETURN (SELECT system_identifier FROM pg_control_system()) || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || ' ' || place;
EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_function THEN
  RETURN place;
END
$$;
-- step
ALTER TABLE event_head ADD COLUMN IF NOT EXISTS source text;
-- So that earlier gateways that run meanwhile take part.
ALTER TABLE event_head ALTER COLUMN source SET DEFAULT event_log_source();
-- step
UPDATE event_head SET source = event_log_source()
WHERE organization_sid IN (SELECT organization_sid FROM event_head WHERE source IS NULL ORDER BY organization_sid FOR NO KEY UPDATE);

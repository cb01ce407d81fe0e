-- migration: expand
-- Every statement that accepts a message or reports its status evaluates the function, since it is a column's default. What cannot change while a session
-- lasts, the server's identifier and the database, is kept in the session: reading it, from a file and under a savepoint, took most of the time. The
-- timeline can change, since a session outlasts a promotion, and so can the table. The result is the same.
CREATE OR REPLACE FUNCTION event_log_source() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  server text := current_setting('teams_sms_gateway.server', true);
  place text := current_setting('teams_sms_gateway.database', true);
BEGIN
  IF pg_is_in_recovery() THEN
    RETURN NULL;
  END IF;
  IF coalesce(place, '') = '' THEN
    place := (SELECT oid FROM pg_database WHERE datname = current_database());
    BEGIN
      server := (SELECT system_identifier FROM pg_control_system());
      PERFORM pg_walfile_name(pg_current_wal_lsn());
    EXCEPTION WHEN insufficient_privilege OR feature_not_supported OR undefined_function THEN
      server := '';
    END;
    PERFORM set_config('teams_sms_gateway.server', server, false), set_config('teams_sms_gateway.database', place, false);
  END IF;
  place := place || ' ' || 'event_head'::regclass::oid;
  IF server = '' THEN
    RETURN place;
  END IF;
  RETURN server || ' ' || left(pg_walfile_name(pg_current_wal_lsn()), 8) || ' ' || place;
END
$$;

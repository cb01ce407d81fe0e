-- migration: expand
-- Numbers the changes of bots' health within each organization, in the order of their commits: the row of the organization is locked until then. So
-- whoever has read up to a number has missed nothing. By a trigger, so that gateways that do not know it number them as well.
ALTER TABLE organization ADD COLUMN bot_health_seq bigint NOT NULL DEFAULT 0;
ALTER TABLE bot ADD COLUMN health_seq bigint NOT NULL DEFAULT 0;

CREATE FUNCTION number_bot_health() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE organization SET bot_health_seq = bot_health_seq + 1 WHERE sid = NEW.organization_sid RETURNING bot_health_seq INTO NEW.health_seq;
  RETURN NEW;
END $$;
CREATE TRIGGER bot_health_numbered BEFORE UPDATE OF health_status, health_reason, health_code, health_since ON bot FOR EACH ROW
  WHEN ((OLD.health_status, OLD.health_reason, OLD.health_code, OLD.health_since)
    IS DISTINCT FROM (NEW.health_status, NEW.health_reason, NEW.health_code, NEW.health_since))
  EXECUTE FUNCTION number_bot_health();

-- No statement reads by the former.
DROP INDEX bot_by_health;
CREATE INDEX bot_by_health_seq ON bot (organization_sid, health_seq);

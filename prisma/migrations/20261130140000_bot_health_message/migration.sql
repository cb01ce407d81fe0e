-- migration: expand
-- The message alone is news as well, such as of another credential that ends: streams of bots' health show it.
CREATE OR REPLACE TRIGGER bot_health_numbered BEFORE UPDATE OF health_status, health_reason, health_code, health_message, health_since ON bot FOR EACH ROW
  WHEN ((OLD.health_status, OLD.health_reason, OLD.health_code, OLD.health_message, OLD.health_since)
    IS DISTINCT FROM (NEW.health_status, NEW.health_reason, NEW.health_code, NEW.health_message, NEW.health_since))
  EXECUTE FUNCTION number_bot_health();

-- migration: expand
-- Since when a mapping has its number, if it had another one before. SMS from before belong to whoever had the number then (src/exchange/restcomm/reconciler.ts).
ALTER TABLE mapping ADD COLUMN number_since timestamptz(3);

-- A trigger, so that earlier gateways that run meanwhile take part.
CREATE OR REPLACE FUNCTION note_number_since() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.number_since := now();
  RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER mapping_number_since BEFORE UPDATE OF external_digits ON mapping
  FOR EACH ROW WHEN (NEW.external_digits IS DISTINCT FROM OLD.external_digits) EXECUTE FUNCTION note_number_since();

-- Which change of the last days was that of a number is not known. SMS older than a week are not looked for.
UPDATE mapping SET number_since = date_updated WHERE date_updated > date_created AND date_updated > now() - interval '8 days';

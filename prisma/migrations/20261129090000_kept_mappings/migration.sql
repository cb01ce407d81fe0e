-- Instances keep a number's mapping for seconds, and hear of what changes it as they hear of credentials (src/domain/kept-mappings.ts).
CREATE TRIGGER mapping_kept
  AFTER DELETE OR UPDATE OF organization_sid, enterprise_sid, account_sid, microsoft_address, external_address ON mapping
  FOR EACH ROW EXECUTE FUNCTION notify_credentials();

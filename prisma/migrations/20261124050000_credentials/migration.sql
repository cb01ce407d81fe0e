-- Enterprises' admins log in, and may make access tokens of their own.
CREATE INDEX enterprise_admin_by_email ON enterprise_admin (email_folded);
CREATE INDEX enterprise_admin_by_account ON enterprise_admin (account_sid);

-- The admin who made the token; NULL where an account did.
ALTER TABLE access_token ADD COLUMN admin_sid text COLLATE "C",
  ADD CONSTRAINT access_token_admin_sid_fkey FOREIGN KEY (admin_sid) REFERENCES enterprise_admin (sid) ON DELETE RESTRICT ON UPDATE CASCADE;

-- Whoever keeps verified credentials hears of what changes them, once it is committed, whoever changed it.
CREATE FUNCTION notify_credentials() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_notify('teams_sms_gateway_credentials', OLD.sid);
  RETURN NULL;
END $$;
CREATE TRIGGER account_credentials
  AFTER DELETE OR UPDATE OF organization_sid, status, permissions, token_digest, token_key_id ON account
  FOR EACH ROW EXECUTE FUNCTION notify_credentials();
CREATE TRIGGER enterprise_admin_credentials
  AFTER DELETE OR UPDATE OF organization_sid, enterprise_sid, account_sid, email_folded, password_hash, status ON enterprise_admin
  FOR EACH ROW EXECUTE FUNCTION notify_credentials();
CREATE TRIGGER access_token_credentials
  AFTER UPDATE OF permissions, enterprise_sid, date_expires, date_revoked ON access_token
  FOR EACH ROW EXECUTE FUNCTION notify_credentials();
CREATE TRIGGER access_token_deleted
  AFTER DELETE ON access_token
  FOR EACH ROW WHEN (OLD.date_revoked IS NULL AND OLD.date_expires > now()) EXECUTE FUNCTION notify_credentials();

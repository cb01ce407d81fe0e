-- migration: expand
-- The user of Microsoft Entra that an enterprise's admin signs in as in Teams, without a password.
ALTER TABLE enterprise_admin
  ADD COLUMN microsoft_tenant_id text COLLATE "C",
  ADD COLUMN microsoft_object_id text COLLATE "C",
  ADD COLUMN date_microsoft_linked timestamptz(3);

-- A change of it ends the credentials that instances have kept, as one of the password does.
CREATE OR REPLACE TRIGGER enterprise_admin_credentials
  AFTER DELETE OR UPDATE OF organization_sid, enterprise_sid, account_sid, email_folded, password_hash, status, microsoft_object_id ON enterprise_admin
  FOR EACH ROW EXECUTE FUNCTION notify_credentials();

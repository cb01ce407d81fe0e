-- migration: expand
-- Another password or e-mail address of an admin ends its link with a user of Microsoft Entra, which somebody who knew the former password may have made. By a
-- trigger, so that it does in an earlier gateway, too, which does not know the link.
CREATE FUNCTION unlink_microsoft_user() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.microsoft_tenant_id := NULL;
  NEW.microsoft_object_id := NULL;
  NEW.date_microsoft_linked := NULL;
  RETURN NEW;
END
$$;
CREATE TRIGGER enterprise_admin_unlinked BEFORE UPDATE OF password_hash, email_folded ON enterprise_admin
  FOR EACH ROW WHEN (OLD.password_hash IS DISTINCT FROM NEW.password_hash OR OLD.email_folded IS DISTINCT FROM NEW.email_folded)
  EXECUTE FUNCTION unlink_microsoft_user();

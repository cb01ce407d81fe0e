-- 4001: the e-mail address of a CLOSED enterprise's admin is free again, as the enterprise's name is.
CREATE UNIQUE INDEX enterprise_admin_email_unique ON enterprise_admin (organization_sid, email_folded) WHERE status <> 'CLOSED';
DROP INDEX enterprise_admin_organization_sid_email_folded_key;

-- Whether the gateway created the account on the platform, whose password and name it may then change. A linked one never had a password here.
-- The instances of the previous version that still run leave it false: a password that stays is better than somebody else's account taken over.
ALTER TABLE enterprise_admin ADD COLUMN account_created boolean NOT NULL DEFAULT false;
UPDATE enterprise_admin SET account_created = true WHERE password_hash IS NOT NULL;

-- A hint never shows more than half of its secret, which has as many bytes as its sealed form without 33 bytes around it (src/domain/secrets.ts).
UPDATE bot SET client_secret_hint = right(client_secret_hint, char_length(client_secret_hint) / 2)
WHERE octet_length(client_secret_hint) * 2 > octet_length(client_secret) - 33;

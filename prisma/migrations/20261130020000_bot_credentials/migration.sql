-- migration: expand
-- Which cloud of Microsoft a bot is in, which authority issues its tokens, its further credentials, and how it is.
-- credentials_key is null while it has no further ones, and another with each change of them: tokens are kept by it.
ALTER TABLE bot
  ADD COLUMN cloud text NOT NULL DEFAULT 'COMMERCIAL',
  ADD COLUMN authority text NOT NULL DEFAULT 'TENANT',
  ADD COLUMN home_tenant_id text,
  ADD COLUMN client_secret_expires timestamptz(3),
  ADD COLUMN credentials_key text,
  ADD COLUMN health_status text NOT NULL DEFAULT 'UNKNOWN',
  ADD COLUMN health_since timestamptz(3) NOT NULL DEFAULT now(),
  ADD COLUMN health_reason text,
  ADD COLUMN health_code text,
  ADD COLUMN health_message text,
  ADD COLUMN health_checked timestamptz(3),
  ADD COLUMN unhealthy boolean NOT NULL DEFAULT false;

-- The bots that somebody has to do something about (WARNING, UNHEALTHY) are listed by creation.
CREATE INDEX bot_unhealthy ON bot (organization_sid, date_created, sid) WHERE unhealthy;
-- The ones to check next, and those whose health has changed lately.
CREATE INDEX bot_by_check ON bot (health_checked NULLS FIRST);
CREATE INDEX bot_by_health ON bot (organization_sid, health_since);

-- Secrets and certificates that a bot has apart from its client_secret. sealed is the secret, or the certificate's private key.
CREATE TABLE bot_credential (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  bot_sid text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  name text,
  sealed bytea NOT NULL,
  hint text,
  certificate text,
  thumbprint text,
  date_expires timestamptz(3),
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT bot_credential_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT bot_credential_bot_sid_fkey FOREIGN KEY (bot_sid) REFERENCES bot (sid) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX bot_credential_of_bot ON bot_credential (bot_sid, date_created);

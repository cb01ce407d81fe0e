-- Substring filters (name, microsoftAddress, externalAddress, channelError…) are served by trigram indexes.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

CREATE TYPE account_status AS ENUM ('ACTIVE', 'SUSPENDED', 'CLOSED');
CREATE TYPE enterprise_status AS ENUM ('ACTIVE', 'INACTIVE', 'CLOSED');
CREATE TYPE message_direction AS ENUM ('INBOUND', 'OUTBOUND');
CREATE TYPE message_type AS ENUM ('SMS', 'MMS');
CREATE TYPE message_encoding AS ENUM ('GSM_7', 'UCS_2');
CREATE TYPE channel_status AS ENUM ('QUEUED', 'SENDING', 'SENT', 'DELIVERED', 'UNDELIVERED', 'FAILED', 'READ', 'RECEIVED');

-- Text that is sorted or matched by its beginning is COLLATE "C": one order on every database, and btree serves LIKE 'x%'.

CREATE TABLE organization (
  sid text COLLATE "C" PRIMARY KEY,
  name text NOT NULL,
  date_created timestamptz(3) NOT NULL DEFAULT now()
);

CREATE TABLE account (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  email text NOT NULL,
  friendly_name text NOT NULL,
  status account_status NOT NULL DEFAULT 'ACTIVE',
  permissions text[],
  token_digest bytea NOT NULL,
  token_key_id text NOT NULL,
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT account_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE UNIQUE INDEX account_organization_sid_sid_key ON account (organization_sid, sid);

CREATE TABLE enterprise (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C" NOT NULL,
  name text NOT NULL,
  name_folded text COLLATE "C" NOT NULL,
  status enterprise_status NOT NULL DEFAULT 'ACTIVE',
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT enterprise_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT enterprise_organization_sid_account_sid_fkey FOREIGN KEY (organization_sid, account_sid) REFERENCES account (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE UNIQUE INDEX enterprise_organization_sid_sid_key ON enterprise (organization_sid, sid);
-- 4050: a name is taken once per organization, CLOSED enterprises not counted.
CREATE UNIQUE INDEX enterprise_name_unique ON enterprise (organization_sid, name_folded) WHERE status <> 'CLOSED';
CREATE INDEX enterprise_by_date ON enterprise (organization_sid, date_created, sid);
CREATE INDEX enterprise_by_name ON enterprise (organization_sid, name_folded, sid);
CREATE INDEX enterprise_by_status ON enterprise (organization_sid, status, date_created, sid);
CREATE INDEX enterprise_name_trigram ON enterprise USING gin (name_folded gin_trgm_ops);

CREATE TABLE enterprise_admin (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C" NOT NULL,
  email text NOT NULL,
  email_folded text COLLATE "C" NOT NULL,
  name text,
  password_hash text,
  status account_status NOT NULL DEFAULT 'ACTIVE',
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT enterprise_admin_organization_sid_enterprise_sid_fkey FOREIGN KEY (organization_sid, enterprise_sid) REFERENCES enterprise (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE UNIQUE INDEX enterprise_admin_enterprise_sid_key ON enterprise_admin (enterprise_sid);
CREATE UNIQUE INDEX enterprise_admin_organization_sid_enterprise_sid_key ON enterprise_admin (organization_sid, enterprise_sid);
-- 4001: an e-mail is the admin of one enterprise in an organization.
CREATE UNIQUE INDEX enterprise_admin_organization_sid_email_folded_key ON enterprise_admin (organization_sid, email_folded);

CREATE TABLE mapping (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C" NOT NULL,
  name text NOT NULL,
  name_folded text COLLATE "C" NOT NULL,
  microsoft_address text NOT NULL,
  microsoft_address_folded text COLLATE "C" NOT NULL,
  microsoft_domain text COLLATE "C" NOT NULL,
  microsoft_object_id text,
  external_address text COLLATE "C" NOT NULL CHECK (external_address ~ '^\+?[0-9]{3,18}$'),
  external_digits text COLLATE "C" NOT NULL,
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT mapping_external_digits_check CHECK (external_digits = ltrim(external_address, '+')),
  CONSTRAINT mapping_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT mapping_organization_sid_enterprise_sid_fkey FOREIGN KEY (organization_sid, enterprise_sid) REFERENCES enterprise (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT mapping_organization_sid_account_sid_fkey FOREIGN KEY (organization_sid, account_sid) REFERENCES account (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
-- 482: a number is mapped once in the whole system, compared by digits.
CREATE UNIQUE INDEX mapping_external_address_unique ON mapping (ltrim(external_address, '+'));
CREATE INDEX mapping_by_date ON mapping (organization_sid, date_created, sid);
CREATE INDEX mapping_by_name ON mapping (organization_sid, name_folded, sid);
CREATE INDEX mapping_by_microsoft_address ON mapping (organization_sid, microsoft_address_folded, sid);
CREATE INDEX mapping_by_external_address ON mapping (organization_sid, external_address, sid);
CREATE INDEX mapping_by_domain ON mapping (organization_sid, microsoft_domain, sid);
CREATE INDEX mapping_by_enterprise ON mapping (organization_sid, enterprise_sid, date_created, sid);
CREATE INDEX mapping_by_digits ON mapping (external_digits);
CREATE INDEX mapping_name_trigram ON mapping USING gin (name_folded gin_trgm_ops);
CREATE INDEX mapping_microsoft_address_trigram ON mapping USING gin (microsoft_address_folded gin_trgm_ops);
CREATE INDEX mapping_external_address_trigram ON mapping USING gin (external_address gin_trgm_ops);

CREATE TABLE bot (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C" NOT NULL,
  application_id text NOT NULL,
  tenant_id text NOT NULL,
  client_secret bytea NOT NULL,
  client_secret_hint text NOT NULL,
  bot_app_id text NOT NULL,
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT bot_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT bot_organization_sid_enterprise_sid_fkey FOREIGN KEY (organization_sid, enterprise_sid) REFERENCES enterprise (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT bot_organization_sid_account_sid_fkey FOREIGN KEY (organization_sid, account_sid) REFERENCES account (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
-- 483: one bot per enterprise.
CREATE UNIQUE INDEX bot_enterprise_sid_key ON bot (enterprise_sid);
CREATE UNIQUE INDEX bot_organization_sid_enterprise_sid_key ON bot (organization_sid, enterprise_sid);
CREATE INDEX bot_by_date ON bot (organization_sid, date_created, sid);

CREATE TABLE message (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  mapping_sid text COLLATE "C",
  account_sid text COLLATE "C" NOT NULL,
  direction message_direction NOT NULL,
  type message_type NOT NULL DEFAULT 'SMS',
  "from" text NOT NULL,
  from_folded text COLLATE "C" NOT NULL,
  "to" text NOT NULL,
  to_folded text COLLATE "C" NOT NULL,
  body text NOT NULL DEFAULT '',
  media_urls text[] DEFAULT ARRAY[]::text[],
  segments smallint NOT NULL DEFAULT 1,
  encoding message_encoding NOT NULL DEFAULT 'GSM_7',
  channel_status channel_status NOT NULL,
  status_rank smallint NOT NULL,
  channel_error_code text COLLATE "C",
  channel_error_message text,
  restcomm_message_sid text COLLATE "C",
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT message_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT message_organization_sid_enterprise_sid_fkey FOREIGN KEY (organization_sid, enterprise_sid) REFERENCES enterprise (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE,
  CONSTRAINT message_mapping_sid_fkey FOREIGN KEY (mapping_sid) REFERENCES mapping (sid) ON DELETE SET NULL ON UPDATE CASCADE
);
CREATE UNIQUE INDEX message_organization_sid_sid_key ON message (organization_sid, sid);
CREATE INDEX message_by_date ON message (organization_sid, date_created, sid);
CREATE INDEX message_by_enterprise ON message (organization_sid, enterprise_sid, date_created, sid);
CREATE INDEX message_by_mapping ON message (mapping_sid, date_created, sid);
CREATE INDEX message_by_status ON message (organization_sid, channel_status, date_created, sid);
CREATE INDEX message_by_from ON message (organization_sid, from_folded, sid);
CREATE INDEX message_by_to ON message (organization_sid, to_folded, sid);
CREATE INDEX message_mms ON message (organization_sid, date_created, sid) WHERE type = 'MMS';
CREATE INDEX message_inbound ON message (organization_sid, date_created, sid) WHERE direction = 'INBOUND';
CREATE INDEX message_outbound ON message (organization_sid, date_created, sid) WHERE direction = 'OUTBOUND';
CREATE INDEX message_error_code_trigram ON message USING gin (channel_error_code gin_trgm_ops) WHERE channel_error_code IS NOT NULL;
CREATE INDEX message_error_message_trigram ON message USING gin (channel_error_message gin_trgm_ops) WHERE channel_error_message IS NOT NULL;

CREATE TABLE event_head (
  organization_sid text COLLATE "C" PRIMARY KEY,
  seq bigint NOT NULL
);

CREATE TABLE message_event (
  organization_sid text COLLATE "C" NOT NULL,
  seq bigint NOT NULL,
  message_sid text COLLATE "C" NOT NULL,
  status channel_status NOT NULL,
  previous_status channel_status,
  error_code text,
  error_message text,
  occurred_at timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT message_event_pkey PRIMARY KEY (organization_sid, seq),
  CONSTRAINT message_event_organization_sid_message_sid_fkey FOREIGN KEY (organization_sid, message_sid) REFERENCES message (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX message_event_by_message ON message_event (organization_sid, message_sid, seq);

CREATE TABLE audit_log (
  id bigserial PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C",
  action text NOT NULL,
  target_sid text NOT NULL,
  request_id text NOT NULL,
  remote_address text,
  occurred_at timestamptz(3) NOT NULL DEFAULT now()
);
CREATE INDEX audit_log_by_organization ON audit_log (organization_sid, id);

CREATE FUNCTION audit_log_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'audit_log is append-only';
END
$$;
CREATE TRIGGER audit_log_append_only BEFORE UPDATE OR DELETE ON audit_log
  FOR EACH ROW EXECUTE FUNCTION audit_log_is_append_only();
CREATE TRIGGER audit_log_no_truncate BEFORE TRUNCATE ON audit_log
  FOR EACH STATEMENT EXECUTE FUNCTION audit_log_is_append_only();

CREATE TABLE idempotency_key (
  organization_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  operation text NOT NULL,
  input_digest bytea NOT NULL,
  claim text NOT NULL,
  answer jsonb,
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT idempotency_key_pkey PRIMARY KEY (organization_sid, account_sid, key)
);
CREATE INDEX idempotency_key_by_date ON idempotency_key (date_created);

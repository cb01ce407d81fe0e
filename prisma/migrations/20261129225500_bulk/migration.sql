-- What a signed, short-lived link downloads, and as whom: the caller who asked for the link.
CREATE TABLE data_export (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C" NOT NULL,
  admin_sid text COLLATE "C",
  access_token_sid text COLLATE "C",
  confined_to text COLLATE "C",
  credential_digest text,
  kind text NOT NULL,
  format text NOT NULL,
  parameters jsonb NOT NULL,
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_expires timestamptz(3) NOT NULL,
  CONSTRAINT data_export_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX data_export_by_expiry ON data_export (date_expires);

-- A file of mappings for an enterprise: uploaded, checked, then run. An instance works on it as holder, until held_until.
CREATE TABLE mapping_import (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C" NOT NULL,
  admin_sid text COLLATE "C",
  access_token_sid text COLLATE "C",
  confined_to text COLLATE "C",
  credential_digest text,
  request_id text NOT NULL,
  remote_address text,
  status text NOT NULL,
  error_code text,
  error_message text,
  row_count integer NOT NULL DEFAULT 0,
  upload text,
  holder text,
  held_until timestamptz(3),
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  date_expires timestamptz(3) NOT NULL,
  CONSTRAINT mapping_import_organization_sid_enterprise_sid_fkey FOREIGN KEY (organization_sid, enterprise_sid)
    REFERENCES enterprise (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX mapping_import_by_date ON mapping_import (organization_sid, date_created, sid);
CREATE INDEX mapping_import_by_age ON mapping_import (date_created);
CREATE INDEX mapping_import_at_work ON mapping_import (held_until) WHERE status IN ('CHECKING', 'RUNNING');

-- A row of the file. status says how far it is; error_* why it is INVALID or FAILED.
CREATE TABLE mapping_import_row (
  organization_sid text COLLATE "C" NOT NULL,
  import_sid text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  upload text NOT NULL,
  line integer NOT NULL,
  name text NOT NULL,
  microsoft_address text NOT NULL,
  external_address text NOT NULL,
  external_digits text COLLATE "C" NOT NULL,
  status text NOT NULL DEFAULT 'PENDING',
  error_code text,
  error_message text,
  error_field text,
  mapping_sid text COLLATE "C",
  PRIMARY KEY (import_sid, upload, number),
  CONSTRAINT mapping_import_row_import_sid_fkey FOREIGN KEY (import_sid) REFERENCES mapping_import (sid) ON DELETE CASCADE ON UPDATE CASCADE
);
CREATE INDEX mapping_import_row_by_status ON mapping_import_row (import_sid, upload, status, number);
CREATE INDEX mapping_import_row_by_number ON mapping_import_row (import_sid, upload, external_digits, number);

-- The event log as its readers see it.

ALTER TABLE event_head
  -- Names the log. A cursor of another log, say of before a restore, is recognised by it.
  ADD COLUMN log_id uuid NOT NULL DEFAULT gen_random_uuid(),
  -- Retention has deleted the events up to this number.
  ADD COLUMN trimmed bigint NOT NULL DEFAULT 0;

CREATE INDEX message_event_by_time ON message_event (organization_sid, occurred_at);

-- Short-lived bearer tokens for browsers. The token itself is signed and not kept.
CREATE TABLE access_token (
  sid text COLLATE "C" PRIMARY KEY,
  organization_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C" NOT NULL,
  permissions text[],
  enterprise_sid text COLLATE "C",
  date_created timestamptz(3) NOT NULL DEFAULT now(),
  date_expires timestamptz(3) NOT NULL,
  date_revoked timestamptz(3),
  CONSTRAINT access_token_organization_sid_account_sid_fkey FOREIGN KEY (organization_sid, account_sid) REFERENCES account (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX access_token_by_expiry ON access_token (date_expires);

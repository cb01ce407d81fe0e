-- migration: expand, in steps
-- Which accounts the messages of an enterprise name, for credentials that are restricted to it (src/domain/access/shown-accounts.ts). No index of messages
-- has their accounts, and one would make storing each message dearer.
-- step
CREATE TABLE IF NOT EXISTS message_account (
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  account_sid text COLLATE "C" NOT NULL,
  CONSTRAINT message_account_pkey PRIMARY KEY (organization_sid, enterprise_sid, account_sid)
);

-- A trigger, so that earlier gateways that run meanwhile take part. It runs behind the head of the organization's log (docs/adr/0006), so that no two
-- statements wait for each other here. A statement of pairs that are known to be there sets gateway.message_accounts_noted, and so does not pay for it.
CREATE OR REPLACE FUNCTION note_message_accounts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO message_account (organization_sid, enterprise_sid, account_sid)
  SELECT DISTINCT organization_sid, enterprise_sid, account_sid FROM inserted ORDER BY 1, 2, 3
  ON CONFLICT DO NOTHING;
  RETURN NULL;
END
$$;
CREATE OR REPLACE TRIGGER message_accounts_noted AFTER INSERT ON message REFERENCING NEW TABLE AS inserted
  FOR EACH STATEMENT WHEN (current_setting('gateway.message_accounts_noted', true) IS DISTINCT FROM 'on') EXECUTE FUNCTION note_message_accounts();
-- step
-- One reading of all messages. Its rows are stored at its end, so that messages of new pairs wait for that alone.
INSERT INTO message_account (organization_sid, enterprise_sid, account_sid)
SELECT DISTINCT organization_sid, enterprise_sid, account_sid FROM message ORDER BY 1, 2, 3
ON CONFLICT DO NOTHING;

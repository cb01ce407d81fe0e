-- How an organization appears to the people of its enterprises, and what it lets them do.
ALTER TABLE organization
  ADD COLUMN display_name text,
  ADD COLUMN accent_color text,
  ADD COLUMN logo text,
  ADD COLUMN features text[] NOT NULL DEFAULT '{}',
  ADD COLUMN date_updated timestamptz(3) NOT NULL DEFAULT now();

-- The accounts of an organization are listed by creation.
CREATE INDEX account_by_date ON account (organization_sid, date_created, sid);

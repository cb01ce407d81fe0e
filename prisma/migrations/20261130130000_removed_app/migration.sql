-- migration: expand, in steps
-- Whose app a user has removed, in lower case: another application has an app of its own. NULL for the other rows, and where it is not known.
-- step
ALTER TABLE teams_installation ADD COLUMN IF NOT EXISTS application_id text COLLATE "C";
-- step
UPDATE teams_installation i SET application_id = lower(b.application_id) FROM bot b
WHERE i.removed AND i.application_id IS NULL AND b.enterprise_sid = i.enterprise_sid;

-- migration: expand
-- The application, in lower case, that a version is of: a new bot of the same application continues its versions.
ALTER TABLE teams_app_version ADD COLUMN application_id text COLLATE "C";
UPDATE teams_app_version v SET application_id = lower(b.application_id) FROM bot b WHERE b.sid = v.bot_sid;

-- migration: expand
-- When a bot was given its client secret: one that replaced another goes on after older secrets have ended. Without it, the bot has the one of its creation.
ALTER TABLE bot ADD COLUMN client_secret_added timestamptz(3);

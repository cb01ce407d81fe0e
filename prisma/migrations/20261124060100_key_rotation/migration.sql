-- Under which master key something was made, so that it is known when a retired key is needed no more. NULL: made before this was noted.

-- The key of the secret in the address that the number's SMS webhook has on the platform.
ALTER TABLE mapping ADD COLUMN webhook_key_id text COLLATE "C";
-- The key that signed the token.
ALTER TABLE access_token ADD COLUMN signing_key_id text COLLATE "C";

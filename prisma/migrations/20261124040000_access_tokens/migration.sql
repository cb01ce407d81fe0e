-- An account's access tokens, as they are listed, and as a rotation of its own token revokes them.
CREATE INDEX access_token_by_account ON access_token (organization_sid, account_sid, date_created, sid);

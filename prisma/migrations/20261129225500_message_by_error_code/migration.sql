-- Few codes occur in an organization, so the different ones are found by hops along this index, and then the messages of those that contain a text: however
-- many that are, no more of them are read than are needed. A trigram index reads them all first. Digests, since a text may be too long for an index.
CREATE INDEX message_by_error_code ON message (organization_sid, (md5(channel_error_code)::uuid), date_created) WHERE channel_error_code IS NOT NULL;

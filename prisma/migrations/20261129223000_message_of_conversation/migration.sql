-- A mapping, the enterprise it belongs to and a phone have one conversation: a mapping that moves to another enterprise begins new ones there. Its sid
-- follows from the three, so that no message has to be rewritten, and NULL has none.
CREATE FUNCTION conversation_sid(mapping_sid text, enterprise_sid text, direction message_direction, from_folded text, to_folded text)
RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT 'CV' || md5(mapping_sid || ' ' || enterprise_sid || ' ' || CASE direction WHEN 'INBOUND' THEN to_folded ELSE from_folded END)
$$;

-- Without the sid, as message_by_direction. None of its columns changes with a status.
CREATE INDEX message_of_conversation ON message (conversation_sid(mapping_sid, enterprise_sid, direction, from_folded, to_folded), date_created);
-- What the index computes has no statistics before, and conversations would be looked for in all messages.
ANALYZE message;

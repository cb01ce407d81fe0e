-- One application may serve several enterprises: then a user has one chat with it, and a row for each of their enterprises. The one whose partner is the
-- latest is what the chat is about.
ALTER TABLE teams_conversation ADD COLUMN partner_date timestamptz(3);
UPDATE teams_conversation SET partner_date = date_updated WHERE last_number IS NOT NULL;
CREATE INDEX teams_conversation_by_chat ON teams_conversation (conversation_id) WHERE conversation_id IS NOT NULL;

-- A text that joins a lane which waits for a cure is set aside from its first moment. Its writer hears of that, too.
CREATE TRIGGER message_waits AFTER INSERT ON message
  FOR EACH ROW WHEN (NEW.stuck AND NEW.direction = 'INBOUND' AND NEW.teams_activity_id IS NOT NULL)
  EXECUTE FUNCTION notice_of_failed_message();

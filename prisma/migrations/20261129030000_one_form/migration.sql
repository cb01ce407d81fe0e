-- One phone, one form (docs/adr/0017): message.from_folded and to_folded of phones, mapping.external_digits and lanes hold E.164's digits, or the digits of
-- what is no full number. SQL knows no numbering plans: a national number of before keeps its digits.
-- Nobody writes or claims meanwhile, or it would be in the former form.
LOCK TABLE message, mapping, outbox, outbox_lane, teams_conversation IN ACCESS EXCLUSIVE MODE;

-- E.164 for what is written with + or 00, digits for other numbers, NULL for what is no number (src/domain/phone-numbers.ts).
CREATE FUNCTION pg_temp.number_of(written text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
  plain text;
  uri text;
  context text;
  digits text;
  full_digits text;
BEGIN
  IF written ~ '^(\+[1-9][0-9]{6,14}|[1-9][0-9]*)$' AND written !~ '^\+?521' THEN RETURN written; END IF;
  IF length(written) > 200 THEN RETURN NULL; END IF;
  plain := translate(written, '０１２３４５６７８９٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹०१२३४५६७८९＋﹢⁺➕（）［］．·／',
    '0123456789012345678901234567890123456789++++()[]../');
  -- What no screen shows, spaces, hyphens and dashes.
  plain := regexp_replace(plain, '[\u00AD\u034F\u061C\u180B-\u180F\u200B-\u200F\u202A-\u202E\u2060-\u206F\uFE00-\uFE0F\uFEFF]', '', 'g');
  plain := regexp_replace(plain, '[\t\u00A0\u1680\u2000-\u200A\u202F\u205F\u3000]', ' ', 'g');
  plain := regexp_replace(plain, '[\u2010-\u2015\u2212\u30FC\uFE58\uFE63\uFF0D]', '-', 'g');
  plain := regexp_replace(btrim(plain, E' \n\r\v\f'), '^(tel|sms|smsto|callto):(//)?', '', 'i');
  plain := regexp_replace(plain, '^%2B', '+', 'i');
  IF plain ~* '[;?](ext|isub)=' THEN RETURN NULL; END IF;
  uri := substring(plain FROM '^[^;?]*');
  context := substring(plain FROM '(?i)[;?]phone-context=(\+[^;?=]*)');
  IF context IS NOT NULL AND position('+' IN uri) = 0 THEN uri := context || uri; END IF;
  IF uri !~ '^[[( ]*\+?[])(0-9./~ [-]*$' THEN RETURN NULL; END IF;
  digits := regexp_replace(uri, '[^0-9]', '', 'g');
  IF digits = '' THEN RETURN NULL; END IF;
  IF position('+' IN uri) > 0 OR digits LIKE '00%' THEN
    full_digits := digits;
    -- (0) is dialled at home only. Italy's belongs to the number.
    IF digits !~ '^(00)?39' THEN full_digits := regexp_replace(regexp_replace(uri, '[[(] *0 *[])]', ''), '[^0-9]', '', 'g'); END IF;
    IF position('+' IN uri) = 0 THEN full_digits := substr(full_digits, 3); END IF;
    -- Mexican mobiles had a 1 after the calling code until 2020.
    IF full_digits ~ '^[1-9][0-9]{6,14}$' THEN RETURN '+' || regexp_replace(full_digits, '^521', '52'); END IF;
  END IF;
  RETURN regexp_replace(digits, '^521([0-9]{10})$', '52\1');
END
$$;

-- Mappings. Where two have become one number, it is the one's that is written in this form, else the older one's; the other keeps its former digits, which
-- no new mapping can get: SELECT * FROM mapping WHERE external_digits ~ '^(00|521)' finds it. To be deleted, or given its own number.
CREATE TEMPORARY TABLE renumbered ON COMMIT DROP AS
SELECT sid, former, form FROM (
  SELECT sid, former, form, row_number() OVER (PARTITION BY form ORDER BY former = form DESC, date_created, sid) AS place
  FROM (SELECT sid, date_created, external_digits AS former, ltrim(pg_temp.number_of(external_address), '+') AS form FROM mapping) AS known
) AS ranked WHERE place = 1 AND former <> form;
ALTER TABLE mapping DROP CONSTRAINT mapping_external_digits_check, DROP CONSTRAINT mapping_external_address_check;
UPDATE mapping SET external_digits = form FROM renumbered WHERE mapping.sid = renumbered.sid;
-- 482: a number is mapped once in the whole system, whatever its spelling.
DROP INDEX mapping_external_address_unique;
DROP INDEX mapping_by_digits;
CREATE UNIQUE INDEX mapping_external_digits_key ON mapping (external_digits);
DROP INDEX mapping_external_address_trigram;
CREATE INDEX mapping_external_digits_trigram ON mapping USING gin (external_digits gin_trgm_ops);
ALTER TABLE mapping ADD CONSTRAINT mapping_external_digits_check CHECK (external_digits ~ '^[0-9]{3,18}$');

-- Messages. The table is rewritten and its indexes are built anew: a tenth of an UPDATE's time, and nothing for VACUUM.
ALTER TABLE message
  ALTER COLUMN from_folded TYPE text COLLATE "C" USING
    CASE direction WHEN 'OUTBOUND' THEN coalesce(ltrim(pg_temp.number_of("from"), '+'), from_folded) ELSE from_folded END,
  ALTER COLUMN to_folded TYPE text COLLATE "C" USING
    CASE direction WHEN 'INBOUND' THEN coalesce(ltrim(pg_temp.number_of("to"), '+'), to_folded) ELSE to_folded END;
ANALYZE message (from_folded, to_folded);

-- Conversations that have become one are delivered as one, in the order in which their messages were accepted. A claim on a lane that moves is lost;
-- what it is about to send is asked for when the lane is due again.
CREATE TEMPORARY TABLE moved ON COMMIT DROP AS
SELECT former, lane FROM (
  SELECT l.lane AS former, 'sms:' || coalesce(r.form, l.own) || ':' || coalesce(ltrim(pg_temp.number_of(l.phone), '+'), l.phone) AS lane
  FROM (SELECT lane, split_part(lane, ':', 2) AS own, split_part(lane, ':', 3) AS phone
        FROM (SELECT lane FROM outbox UNION SELECT lane FROM outbox_lane) AS used WHERE lane LIKE 'sms:%') AS l
  LEFT JOIN renumbered AS r ON r.former = l.own
) AS named WHERE former <> lane;
UPDATE outbox SET lane = moved.lane FROM moved WHERE outbox.lane = moved.former;
UPDATE outbox_lane SET lane = first.lane, holder = NULL FROM (SELECT lane, min(former) AS former FROM moved GROUP BY lane) AS first
WHERE outbox_lane.lane = first.former AND NOT EXISTS (SELECT FROM outbox_lane AS l WHERE l.lane = first.lane);
WITH joined AS (DELETE FROM outbox_lane USING moved WHERE outbox_lane.lane = moved.former RETURNING moved.lane, outbox_lane.due)
UPDATE outbox_lane SET due = greatest(outbox_lane.due, latest.due) FROM (SELECT lane, max(due) AS due FROM joined GROUP BY lane) AS latest
WHERE outbox_lane.lane = latest.lane;

-- Whom a Teams user answers.
UPDATE teams_conversation SET last_number = pg_temp.number_of(last_number) WHERE last_number <> pg_temp.number_of(last_number);

DROP FUNCTION pg_temp.number_of(text);

-- A Σ at a word's end is compared as anywhere else (src/domain/text.ts). Of two that were told apart by it, each stays as it is.
UPDATE enterprise e SET name_folded = replace(name_folded, 'ς', 'σ')
WHERE name_folded LIKE '%ς%' AND NOT EXISTS (
  SELECT FROM enterprise o WHERE o.organization_sid = e.organization_sid AND o.sid <> e.sid AND o.status <> 'CLOSED'
    AND replace(o.name_folded, 'ς', 'σ') = replace(e.name_folded, 'ς', 'σ'));
UPDATE enterprise_admin e SET email_folded = replace(email_folded, 'ς', 'σ')
WHERE email_folded LIKE '%ς%' AND NOT EXISTS (
  SELECT FROM enterprise_admin o WHERE o.organization_sid = e.organization_sid AND o.sid <> e.sid
    AND replace(o.email_folded, 'ς', 'σ') = replace(e.email_folded, 'ς', 'σ'));
UPDATE mapping SET name_folded = replace(name_folded, 'ς', 'σ') WHERE name_folded LIKE '%ς%';
UPDATE mapping SET microsoft_address_folded = replace(microsoft_address_folded, 'ς', 'σ') WHERE microsoft_address_folded LIKE '%ς%';
UPDATE message SET from_folded = replace(from_folded, 'ς', 'σ') WHERE from_folded LIKE '%ς%';
UPDATE message SET to_folded = replace(to_folded, 'ς', 'σ') WHERE to_folded LIKE '%ς%';

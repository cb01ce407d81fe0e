-- migration: expand, in steps
-- Whether an endpoint was slow when it was last sent to: slow ones share a part of the places (src/exchange/webhooks/claim-endpoints.ts). And which enterprise's
-- admin has created it: nothing is sent while the creator is suspended.
-- step
ALTER TABLE webhook_endpoint ADD COLUMN IF NOT EXISTS slow boolean NOT NULL DEFAULT false;
ALTER TABLE webhook_endpoint ADD COLUMN IF NOT EXISTS admin_sid text COLLATE "C";
-- step
UPDATE webhook_endpoint e SET admin_sid = a.admin_sid FROM audit_log a
WHERE e.admin_sid IS NULL AND a.action = 'webhook.create' AND a.target_sid = e.sid AND a.organization_sid = e.organization_sid AND a.admin_sid IS NOT NULL;

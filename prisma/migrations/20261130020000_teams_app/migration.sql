-- migration: expand
-- The app of an enterprise's bot for a Teams user. due is when to install it next; NULL if there is nothing to do. installed is NULL until Microsoft was
-- asked; removed says that it was taken away again, so that only people install it. welcomed is when the bot greeted the user.
CREATE TABLE teams_installation (
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  object_id text COLLATE "C" NOT NULL,
  installed boolean,
  removed boolean NOT NULL DEFAULT false,
  due timestamptz(3) DEFAULT now(),
  attempts integer NOT NULL DEFAULT 0,
  error_code text,
  error_message text,
  welcomed timestamptz(3),
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT teams_installation_pkey PRIMARY KEY (enterprise_sid, object_id),
  CONSTRAINT teams_installation_organization_sid_enterprise_sid_fkey FOREIGN KEY (organization_sid, enterprise_sid)
    REFERENCES enterprise (organization_sid, sid) ON DELETE RESTRICT ON UPDATE CASCADE
);
CREATE INDEX teams_installation_due ON teams_installation (enterprise_sid, due) WHERE due IS NOT NULL;

-- How an organization's app looks in Teams, and for single enterprises what differs. enterprise_sid is empty for the organization's own.
CREATE TABLE teams_app (
  organization_sid text COLLATE "C" NOT NULL,
  enterprise_sid text COLLATE "C" NOT NULL,
  settings jsonb NOT NULL,
  date_updated timestamptz(3) NOT NULL DEFAULT now(),
  CONSTRAINT teams_app_pkey PRIMARY KEY (organization_sid, enterprise_sid),
  CONSTRAINT teams_app_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE
);

-- The version of a bot's app package, which rises when the digest of its content changes.
CREATE TABLE teams_app_version (
  organization_sid text COLLATE "C" NOT NULL,
  bot_sid text COLLATE "C" NOT NULL,
  digest text NOT NULL,
  version integer NOT NULL,
  CONSTRAINT teams_app_version_pkey PRIMARY KEY (bot_sid),
  CONSTRAINT teams_app_version_organization_sid_fkey FOREIGN KEY (organization_sid) REFERENCES organization (sid) ON DELETE RESTRICT ON UPDATE CASCADE
);

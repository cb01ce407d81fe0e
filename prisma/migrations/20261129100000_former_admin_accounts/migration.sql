-- Accounts on the platform that an enterprise's admin has left, or that the gateway made for one who never got it. They are no provider's.
CREATE TABLE former_admin_account (
  account_sid text COLLATE "C" CONSTRAINT former_admin_account_pkey PRIMARY KEY,
  -- The organization whose admin it was made for, or else the first whose admin left it.
  organization_sid text COLLATE "C" NOT NULL,
  -- Whether the gateway created it there.
  created boolean NOT NULL,
  -- Whether the gateway suspended it there, and no admin has it.
  suspended boolean NOT NULL
);

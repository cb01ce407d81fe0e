-- migration: expand
-- Whether any app has a tab with the console, which the page asks without anybody's credentials: without the settings, which have icons.
CREATE INDEX teams_app_with_console_tab ON teams_app (organization_sid) WHERE settings -> 'consoleTab' = 'true';

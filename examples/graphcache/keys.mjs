// What graphcache keeps in its place in another object instead of by an `id`: values, and parts of which each object has at most one.

const inPlace = () => null;

/** For `cacheExchange({ schema, keys })`. */
export const keys = {
  AppPackage: inPlace,
  Bookmark: inPlace,
  BotCheck: inPlace,
  BotHealth: inPlace,
  BotHealthUpdate: inPlace,
  InputIssue: inPlace,
  MappingImportCounts: inPlace,
  MappingImportRow: inPlace,
  MappingInTeams: inPlace,
  MessageHold: inPlace,
  TeamsApp: inPlace,
  Usage: inPlace,
  Viewer: inPlace,
  WebhookAttempt: inPlace,
};

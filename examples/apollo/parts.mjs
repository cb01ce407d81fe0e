// Parts of an object, or of the answer to a field: each has at most one. Where a query selects no `id` of theirs, or they have none, Apollo's cache would
// replace what one query has selected by what another one has.

const part = { merge: true };

/** To spread into `typePolicies`. */
export const parts = {
  AppPackage: part,
  BotHealth: part,
  MappingImportCounts: part,
  MappingInTeams: part,
  MessageHold: part,
  TeamsApp: part,
  Viewer: part,
};

// Where a release comes from: an in-toto statement with SLSA's predicate, https://slsa.dev/spec/v1.0/provenance. docs/releasing.md describes its types.

/** How it is built: by `npm run release`. For a repository without a URL; the specification asks for a URI. */
const BUILD_TYPE = 'urn:uuid:a4ec64fe-a4eb-43e9-9be0-b0ec43526efb';
/** Who builds it: a maintainer's machine. */
const BUILDER = 'urn:uuid:97f44dd0-57b8-42b9-a7ba-669773e0aed5';

/**
 * @param subject the artefacts, `name` and `digest` of each
 * @param manifest package.json
 * @param build `version`, `commit`, `lock` (the lock file's SHA-256), `startedOn`, `finishedOn`, `tools` (versions by name)
 */
export function provenance(subject, { repository }, { version, commit, lock, startedOn, finishedOn, tools }) {
  // As npm writes it: `{ "type": "git", "url": "git+https://host/owner/name.git" }`.
  const url = (typeof repository === 'string' ? repository : repository?.url)?.replace(/^git\+/, '').replace(/\.git$/, '');
  const home = url?.startsWith('https://') ? url : undefined;
  const tag = `refs/tags/v${version}`;
  return {
    _type: 'https://in-toto.io/Statement/v1',
    subject,
    predicateType: 'https://slsa.dev/provenance/v1',
    predicate: {
      buildDefinition: {
        buildType: home ? `${home}/blob/v${version}/docs/releasing.md#provenance` : BUILD_TYPE,
        externalParameters: { version, ref: tag },
        resolvedDependencies: [
          { name: 'source', ...(home ? { uri: `git+${home}@${tag}` } : {}), digest: { gitCommit: commit } },
          { name: 'package-lock.json', digest: { sha256: lock } },
        ],
      },
      runDetails: {
        builder: { id: home ? `${home}/blob/v${version}/ops/release.mjs` : BUILDER, version: tools },
        metadata: { startedOn, finishedOn },
      },
    },
  };
}

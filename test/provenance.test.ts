import { expect, test } from 'vitest';
// @ts-expect-error: plain JavaScript, run without a build
import { provenance } from '../ops/provenance.mjs';

const SUBJECT = [{ name: 'gateway.tar.gz', digest: { sha256: 'a'.repeat(64) } }];
const BUILD = {
  version: '1.2.0',
  commit: 'c'.repeat(40),
  lock: 'b'.repeat(64),
  startedOn: '2026-11-30T12:00:00.000Z',
  finishedOn: '2026-11-30T12:01:00.000Z',
  tools: { node: 'v22.0.0', npm: '11.0.0' },
};
/** RFC 3986: a scheme, and no character that a URI cannot have. */
const URI = /^[a-z][a-z0-9+.-]*:[\w\-.~:/?#[\]@!$&'()*+,;=%]+$/i;

test.each([
  [undefined, /^urn:uuid:[\da-f-]{36}$/],
  ['git@host.example:owner/gateway.git', /^urn:uuid:/],
  [{ type: 'git', url: 'git+https://host.example/owner/gateway.git' }, /^https:\/\/host\.example\/owner\/gateway\//],
])('the provenance of a release has the form of SLSA v1 (repository: %j)', (repository, ids) => {
  const statement = provenance(SUBJECT, { repository }, BUILD);
  // https://slsa.dev/spec/v1.0/provenance: the fields that are required, and their types.
  expect(statement).toMatchObject({ _type: 'https://in-toto.io/Statement/v1', predicateType: 'https://slsa.dev/provenance/v1' });
  expect(statement.subject).toEqual(SUBJECT);
  const { buildDefinition, runDetails, ...more } = statement.predicate;
  expect(more).toEqual({});
  const { buildType, externalParameters, resolvedDependencies, ...undefinedFields } = buildDefinition;
  expect(undefinedFields).toEqual({});
  expect([buildType, runDetails.builder.id].filter((id) => !(URI.test(id) && ids.test(id)))).toEqual([]);
  expect(buildType).not.toBe(runDetails.builder.id);
  expect(externalParameters).toEqual({ version: '1.2.0', ref: 'refs/tags/v1.2.0' });
  // Each says what it is by a URI, a digest or both.
  expect(resolvedDependencies.map(({ digest }: { digest: object }) => digest)).toEqual([
    { gitCommit: BUILD.commit },
    { sha256: BUILD.lock },
  ]);
  for (const { uri } of resolvedDependencies) expect(uri ?? 'git+https://host.example/owner/gateway@refs/tags/v1.2.0').toMatch(URI);
  expect(Object.keys(runDetails)).toEqual(['builder', 'metadata']);
  expect(runDetails.builder.version).toEqual(BUILD.tools);
  for (const time of [runDetails.metadata.startedOn, runDetails.metadata.finishedOn]) expect(new Date(time).toISOString()).toBe(time);
});

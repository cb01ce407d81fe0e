import { randomUUID } from 'node:crypto';
import type { DataExport } from '../../prisma/client/client.ts';
import type { Face } from '../admission/admit.ts';
import type { CredentialWatch } from '../admission/credential-watch.ts';
import type { ObserveRefusal } from '../admission/observed.ts';
import { createCallerQuota } from '../admission/quota.ts';
import { APP_PACKAGE, openAppPackage } from '../domain/bulk/app-package.ts';
import { mayExport, openExport } from '../domain/bulk/exports.ts';
import { extensions, mediaTypes } from '../domain/bulk/formats.ts';
import { UPLOAD_MS, uploadImport } from '../domain/bulk/imports.ts';
import { callerOf, isStillValid, type LinkKind, sidOfLink } from '../domain/bulk/links.ts';
import type { Caller } from '../domain/caller.ts';
import { DomainError, InvalidInputError } from '../domain/errors.ts';
import type { Gateway } from '../domain/gateway.ts';
import { type AnyRequest, NodeRequest, targetOf } from '../server/node-request.ts';
import { StreamResponse } from '../server/stream-response.ts';
import { type AnyResponse, TextResponse } from '../server/text-response.ts';
import { Download } from './download.ts';

/** The paths of links. */
export const BULK = /^\/(exports|imports)\//;
/** Those whose requests have no body. */
export const DOWNLOADS = /^\/exports\//;

/** Downloads of an organization at the same time, and uploads, on each instance. Those for one enterprise only have together half of each. */
const MAX_FILES = 4;
/** How much of a refused upload is read and discarded. */
const DRAIN_MAX_BYTES = 32 * 1024 * 1024;
const NOT_A_LINK = 'This link is not valid, or has expired. Ask for another one.';

interface BulkOptions {
  /** The gateway as an organization uses it: its statements take turns with others'. */
  readonly gatewayOf: (organizationSid: string) => Gateway;
  readonly gateway: Gateway;
  readonly credentials: CredentialWatch;
  readonly observeRefusal?: ObserveRefusal;
}

interface Bulk extends Face {
  /** Breaks the downloads off, so that their clients begin again on another instance, and begins no further one. */
  drain(): void;
}

/** Creates the face of signed links: anyone who has a link downloads or uploads its file, as the caller who asked for it. Responses are JSON. */
export function createBulk({ gateway, gatewayOf, credentials, observeRefusal }: BulkOptions): Bulk {
  const tooMany = (what: 'downloads' | 'uploads') => {
    observeRefusal?.(what);
    return tooManyAtOnce(what);
  };
  const downloads = createOrganizationQuota();
  const uploads = createOrganizationQuota();
  const running = new Set<Download>();
  let isDraining = false;

  async function download(request: AnyRequest): Promise<AnyResponse> {
    if (request.method !== 'GET') return refusal(405, 'Method not allowed', { allow: 'GET' });
    if (isDraining) return refusal(503, 'The gateway is stopping; try again', { 'retry-after': '1' });
    const sid = sidOf(request, 'exports');
    const row = sid && (await gateway.prisma.dataExport.findUnique({ where: { sid } }));
    if (!row || row.dateExpires <= new Date()) return refusal(404, NOT_A_LINK);
    const caller = callerOf(row, { requestId: randomUUID() });
    if (!(await isStillValid(gateway.prisma, caller))) return refusal(404, NOT_A_LINK);
    if (row.kind !== APP_PACKAGE && !(await mayExport(gateway, caller))) return refusal(404, NOT_A_LINK);
    if (!downloads.take(caller)) return tooMany('downloads');
    if (row.kind === APP_PACKAGE) return appPackage(caller, row).finally(() => downloads.release(caller));
    let isCounted = true;
    let body: Download | undefined;
    const ended = () => {
      if (isCounted) downloads.release(caller);
      isCounted = false;
      if (body) running.delete(body);
    };
    try {
      const { name, format, pieces } = openExport(gatewayOf(caller.organizationSid), caller, row);
      body = new Download(await pieces.next(), pieces, { caller, credentials, log: gateway.log, ended });
      running.add(body);
      if (isDraining) body.abort();
      return new StreamResponse(body, {
        'content-type': mediaTypes[format],
        'content-disposition': `attachment; filename="${name}.${extensions[format]}"`,
        'x-accel-buffering': 'no',
      });
    } catch (error) {
      ended();
      throw error;
    }
  }

  async function appPackage(caller: Caller, row: DataExport): Promise<AnyResponse> {
    const file = await openAppPackage(gatewayOf(caller.organizationSid), caller, row);
    if (!file) return refusal(404, NOT_A_LINK);
    const headers = { 'content-type': 'application/zip', 'content-disposition': `attachment; filename="${file.name}"` };
    return new Response(Buffer.from(file.zip), { headers });
  }

  async function upload(request: AnyRequest): Promise<AnyResponse> {
    if (request.method !== 'PUT' && request.method !== 'POST') return refusal(405, 'Method not allowed', { allow: 'PUT, POST' });
    const sid = sidOf(request, 'imports');
    const row = sid && (await gateway.prisma.mappingImport.findUnique({ where: { sid } }));
    if (!row || row.dateExpires <= new Date()) return refusal(404, NOT_A_LINK);
    const caller = callerOf(row, { requestId: row.requestId });
    if (!(await isStillValid(gateway.prisma, caller))) return refusal(404, NOT_A_LINK);
    const body = request instanceof NodeRequest ? undefined : request.body?.getReader();
    if (!uploads.take(caller)) {
      await drain(body);
      return tooMany('uploads');
    }
    try {
      const rows = await uploadImport(gateway, row, chunksOf(body));
      return json(202, { importSid: row.sid, rows });
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      await drain(body);
      return json(error instanceof InvalidInputError ? 400 : 409, { code: error.code, message: error.message });
    } finally {
      uploads.release(caller);
    }
  }

  /** @returns the sid of a link's row; `undefined` if the link is not signed */
  function sidOf(request: AnyRequest, kind: LinkKind): string | undefined {
    const { pathname, search } = targetOf(request);
    return sidOfLink(gateway.secrets, kind, pathname.slice(`/${kind}/`.length), new URLSearchParams(search).get('signature') ?? '');
  }

  return {
    name: 'bulk',
    // A slow upload that makes progress is taken.
    timeoutOf: (request) => (DOWNLOADS.test(targetOf(request).pathname) ? undefined : UPLOAD_MS),
    handlePublic: (request) => (DOWNLOADS.test(targetOf(request).pathname) ? download(request) : upload(request)),
    refuse: (_request, { status, message, retryAfter }) =>
      refusal(status, message, retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
    handle: async () => refusal(404, NOT_A_LINK),
    drain: () => {
      isDraining = true;
      for (const download of running) download.abort();
    },
  };
}

type Links = Pick<Caller, 'organizationSid' | 'enterpriseSid'>;

/** Limits an organization's links in use. All that are for one enterprise only share half, so that they do not keep the provider out. */
function createOrganizationQuota() {
  const quota = createCallerQuota(MAX_FILES);
  const keysOf = ({ organizationSid, enterpriseSid }: Links) => ({
    accountSid: organizationSid,
    enterpriseSid: enterpriseSid && organizationSid,
  });
  return {
    take: (caller: Links) => quota.take(keysOf(caller)) === undefined,
    release: (caller: Links) => quota.release(keysOf(caller)),
  };
}

const tooManyAtOnce = (what: 'downloads' | 'uploads') =>
  refusal(
    429,
    `At most ${MAX_FILES} ${what} of an organization run at the same time, and half as many for single enterprises; try again later`,
    { 'retry-after': '10' },
  );

type BodyReader = ReadableStreamDefaultReader<Uint8Array>;

/** Reads a body as it arrives. Stopping early does not close the connection. */
async function* chunksOf(body: BodyReader | undefined): AsyncGenerator<Uint8Array> {
  for (let chunk = await body?.read(); chunk?.value; chunk = await body?.read()) yield chunk.value;
}

/** Reads the rest of a body: a client that is still sending does not read the response. */
async function drain(body: BodyReader | undefined): Promise<void> {
  let length = 0;
  for await (const { length: bytes } of chunksOf(body)) {
    length += bytes;
    if (length > DRAIN_MAX_BYTES) return;
  }
}

const refusal = (status: number, message: string, headers?: Readonly<Record<string, string>>) => json(status, { message }, headers);

const json = (status: number, content: object, headers: Readonly<Record<string, string>> = {}): TextResponse =>
  new TextResponse(JSON.stringify(content), { status, headers: { 'content-type': 'application/json', ...headers } });

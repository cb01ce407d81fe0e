import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { TextResponse } from '../../server/text-response.ts';
import { failure } from '../envelopes.ts';
import { refusal } from '../errors.ts';

const DOCS_PATH = '/msteams/docs';

// Swagger UI from its package, so that the page loads nothing from other hosts. Its scripts are files, so none needs to be allowed inline; it sets
// styles on elements.
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SMS for Microsoft Teams: REST API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="${DOCS_PATH}/swagger-ui.css">
</head>
<body>
<div id="swagger-ui"></div>
<script src="${DOCS_PATH}/swagger-ui-bundle.js"></script>
<script src="${DOCS_PATH}/start.js"></script>
</body>
</html>
`;

/**
 * Deprecated operations are other names of those above them: the page lists each once. It fills in no optional parameter: all filters together find
 * nothing, and a key belongs to one request.
 */
const START = `(async () => {
  const response = await fetch('/msteams/openapi.json');
  const spec = await response.json();
  for (const [path, operations] of Object.entries(spec.paths)) {
    for (const [method, { deprecated, parameters = [] }] of Object.entries(operations)) {
      if (deprecated) delete operations[method];
      for (const parameter of parameters) if (!parameter.required) delete parameter.example;
    }
    if (Object.keys(operations).length === 0) delete spec.paths[path];
  }
  window.ui = SwaggerUIBundle({ spec, dom_id: '#swagger-ui', deepLinking: true, defaultModelsExpandDepth: 0, validatorUrl: null });
})();
`;

interface Asset {
  readonly type: string;
  readonly content: () => Promise<string>;
}

/** Reads a file of the package when it is first requested: a megabyte and a half that no start should wait for. */
function packaged(name: string): Asset['content'] {
  let content: Promise<string> | undefined;
  return () => {
    content ??= readFile(createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`), 'utf8').catch((error) => {
      content = undefined;
      throw error;
    });
    return content;
  };
}

const SCRIPT = 'text/javascript; charset=utf-8';
const assets: Readonly<Record<string, Asset>> = {
  '': { type: 'text/html; charset=utf-8', content: async () => PAGE },
  '/start.js': { type: SCRIPT, content: async () => START },
  '/swagger-ui.css': { type: 'text/css; charset=utf-8', content: packaged('swagger-ui.css') },
  '/swagger-ui-bundle.js': { type: SCRIPT, content: packaged('swagger-ui-bundle.js') },
};

/**
 * Serves the page that renders the OpenAPI document, and its files. Public, as the document is.
 * @returns `undefined` for any other path
 */
export function docsPage(method: string, pathname: string): Promise<TextResponse> | TextResponse | undefined {
  if (!pathname.startsWith(DOCS_PATH)) return undefined;
  const name = pathname.slice(DOCS_PATH.length).replace(/^\/$/, '');
  const asset = Object.hasOwn(assets, name) ? assets[name] : undefined;
  if (!asset) return undefined;
  if (method !== 'GET' && method !== 'HEAD') return failure(refusal(405, { allow: 'GET, HEAD' }));
  const headers = { 'content-type': asset.type, 'content-security-policy': POLICY };
  return asset.content().then((content) => new TextResponse(content, { status: 200, headers }));
}

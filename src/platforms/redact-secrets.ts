const inJson = (text: string) => JSON.stringify(text).slice(1, -1);

/** Replaces secrets in a platform's text by `***`: plain, and as JSON, nested JSON, a path segment or a form encodes them. */
export function redactSecrets(text: string, secrets: readonly string[]): string {
  const written = secrets
    .filter(Boolean)
    .flatMap((secret) => [
      secret,
      inJson(secret),
      inJson(inJson(secret)),
      encodeURIComponent(secret),
      `${new URLSearchParams({ '': secret })}`.slice(1),
    ]);
  return written.reduce((rest, secret) => rest.replaceAll(secret, '***'), text);
}

const inJson = (text: string) => JSON.stringify(text).slice(1, -1);

/** What a platform quotes of what it refuses, without these secrets in whichever way they were written to it, or it writes them. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
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

/**
 * Loads the console anew, as helps after the gateway was updated, unless the gateway cannot be reached: the browser would show a page of its own, and a
 * session that is in memory only would be gone for nothing.
 * @returns whether the console is being loaded
 */
export async function loadAgain(): Promise<boolean> {
  const isReachable = await fetch(document.baseURI, { cache: 'no-store' }).then(
    ({ ok }) => ok,
    () => false,
  );
  if (isReachable) window.location.reload();
  return isReachable;
}

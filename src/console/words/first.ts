// The words of the first paint (first-paint.ts), by themselves: it does not wait for the catalogs.

export const firstEn = {
  product: 'SMS for Microsoft Teams',
  'signIn.title': 'Sign in',
  'signIn.text': 'Your credentials are exchanged for an access token at once, and not kept.',
};

export const firstDe: Readonly<Record<keyof typeof firstEn, string>> = {
  product: 'SMS für Microsoft Teams',
  'signIn.title': 'Anmelden',
  'signIn.text': 'Ihre Zugangsdaten werden sofort gegen ein Zugangstoken getauscht und nicht behalten.',
};

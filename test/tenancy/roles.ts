import type { Provider } from '../support/gateway.ts';

/** As whom the walk is made. `clients` are its two faces for somebody of this provider's organization. */
export interface Role {
  readonly name: string;
  readonly clients: (provider: Provider) => Pick<Provider, 'graph' | 'rest'>;
}

export const roles: readonly Role[] = [{ name: 'an account of another organization', clients: (provider) => provider }];

import { describe, expect, test } from 'vitest';
import { DEFAULT_SERVICE_HOSTS } from '../../../src/platforms/microsoft/clouds.ts';
import { createServiceHosts } from '../../../src/platforms/microsoft/service-hosts.ts';

describe('the list of service hosts', () => {
  const hosts = createServiceHosts([...DEFAULT_SERVICE_HOSTS, 'connector.example:8443', 'http://127.0.0.1', 'http://localhost:5000']);

  test.each([
    'https://smba.trafficmanager.net/teams/',
    'https://SMBA.trafficmanager.net:443/emea/0c4c8e3e/',
    'https://smba.infra.gcc.teams.microsoft.com/teams',
    'https://smba.infra.gov.teams.microsoft.us/gcch/',
    'https://webchat.botframework.com/',
    'https://connector.example:8443/',
    'http://127.0.0.1:4711/teams/',
    'http://localhost:5000/',
  ])('allows %s', (url) => {
    expect(hosts.allows(url)).toBe(true);
  });

  test.each([
    'http://smba.trafficmanager.net/teams/',
    'https://smba.trafficmanager.net:8443/teams/',
    'https://evil.trafficmanager.net/teams/',
    'https://smba.trafficmanager.net.evil.example/',
    'https://smba.trafficmanager.net@evil.example/',
    'https://user:password@smba.trafficmanager.net/',
    'https://smba.trafficmanager.net/?next=',
    'https://botframework.com/',
    'https://evilbotframework.com/',
    'https://connector.example/',
    'https://127.0.0.1/',
    'http://localhost:5001/',
    'http://10.0.0.1/',
    'ftp://smba.trafficmanager.net/',
    '//smba.trafficmanager.net/',
    '',
  ])('does not allow %s', (url) => {
    expect(hosts.allows(url)).toBe(false);
  });

  test.each([
    '',
    '*',
    '*.com',
    'https://smba.trafficmanager.net',
    'http://smba.trafficmanager.net',
    'http://*.localhost',
    'a b',
    'host/path',
  ])('cannot have the entry %j', (entry) => {
    expect(() => createServiceHosts([entry])).toThrow(/is not a host/);
  });
});

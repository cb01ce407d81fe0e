import type { Bot, DataExport } from '../../../prisma/client/client.ts';
import { findBot } from '../bots/bots.ts';
import type { Caller } from '../caller.ts';
import type { Gateway } from '../gateway.ts';
import { makeAppPackage } from '../teams-app/package.ts';
import { newSid } from '../values/sid.ts';
import { expiryOf, ownerColumns } from './links.ts';

/** The kind of a link to an app package. */
export const APP_PACKAGE = 'appPackage';

/** Prepares links to the app packages of bots that the caller may see. */
export async function linkAppPackages({ prisma }: Gateway, caller: Caller, bots: readonly Bot[]): Promise<DataExport[]> {
  const now = new Date();
  const data = bots.map(({ sid }) => ({
    ...{ sid: newSid('EX'), ...ownerColumns(caller), kind: APP_PACKAGE, format: 'zip', parameters: { botSid: sid } },
    ...{ dateCreated: now, dateExpires: expiryOf(caller, now) },
  }));
  return prisma.dataExport.createManyAndReturn({ data });
}

/**
 * Makes the app package that a link leads to, as it is now.
 * @returns `undefined` if the bot is gone
 */
export async function openAppPackage(
  gateway: Gateway,
  caller: Caller,
  { parameters }: DataExport,
): Promise<{ readonly name: string; readonly zip: Uint8Array } | undefined> {
  const { botSid } = parameters as { botSid: string };
  const bot = await findBot(gateway, caller, botSid);
  if (!bot) return undefined;
  const { zip, version } = await makeAppPackage(gateway, bot);
  return { name: `teams-app-${version}.zip`, zip };
}

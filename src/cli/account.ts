import { runAccount } from './account-commands.ts';
import { terminal } from './session.ts';

process.exitCode = await runAccount(process.argv.slice(2), terminal);

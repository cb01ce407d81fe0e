import { runAccount } from './account-commands.ts';
import { terminal } from './terminal.ts';

process.exitCode = await runAccount(process.argv.slice(2), terminal);

import { terminal } from '../terminal.ts';
import { runAccount } from './account-commands.ts';

process.exitCode = await runAccount(process.argv.slice(2), terminal);

import { runSecrets } from './secrets-command.ts';
import { terminal } from './terminal.ts';

process.exitCode = await runSecrets(process.argv.slice(2), terminal);

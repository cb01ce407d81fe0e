import { terminal } from '../terminal.ts';
import { runSecrets } from './secrets-command.ts';

process.exitCode = await runSecrets(process.argv.slice(2), terminal);

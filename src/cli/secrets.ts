import { runSecrets } from './secrets-command.ts';
import { terminal } from './session.ts';

process.exitCode = await runSecrets(process.argv.slice(2), terminal);

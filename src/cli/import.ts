import { runImport } from './import-command.ts';
import { terminal } from './terminal.ts';

process.exitCode = await runImport(process.argv.slice(2), terminal, process.stderr.isTTY);

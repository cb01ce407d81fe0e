import { terminal } from '../terminal.ts';
import { runImport } from './import-command.ts';

process.exitCode = await runImport(process.argv.slice(2), terminal, process.stderr.isTTY);

import { terminal } from '../terminal.ts';
import { runExport } from './export-command.ts';

process.exitCode = await runExport(process.argv.slice(2), terminal, process.stdout);

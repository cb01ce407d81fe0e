import { runExport } from './export-command.ts';
import { terminal } from './terminal.ts';

process.exitCode = await runExport(process.argv.slice(2), terminal, process.stdout);

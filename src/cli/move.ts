import { runMove } from './move-command.ts';
import { terminal } from './terminal.ts';

process.exitCode = await runMove(process.argv.slice(2), terminal);

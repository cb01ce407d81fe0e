import { terminal } from '../terminal.ts';
import { runMove } from './move-command.ts';

process.exitCode = await runMove(process.argv.slice(2), terminal);

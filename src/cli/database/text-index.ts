import { terminal } from '../terminal.ts';
import { runTextIndex } from './text-index-command.ts';

process.exitCode = await runTextIndex(process.argv.slice(2), terminal);

import { terminal } from '../terminal.ts';
import { runSeed } from './command.ts';

process.exitCode = await runSeed(process.argv.slice(2), terminal);

import { runSeed } from './seed/command.ts';
import { terminal } from './terminal.ts';

process.exitCode = await runSeed(process.argv.slice(2), terminal);

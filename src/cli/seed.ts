import { runSeed } from './seed/command.ts';
import { terminal } from './session.ts';

process.exitCode = await runSeed(process.argv.slice(2), terminal);

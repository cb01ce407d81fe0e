import { runAppPackage } from './app-package-command.ts';
import { terminal } from './terminal.ts';

process.exitCode = await runAppPackage(process.argv.slice(2), terminal);

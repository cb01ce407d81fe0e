import { terminal } from '../terminal.ts';
import { runAppPackage } from './app-package-command.ts';

process.exitCode = await runAppPackage(process.argv.slice(2), terminal);

import nodeModule from 'node:module';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';

// Configures V8 for the start before anything else is loaded. run.ts does the rest.

// Optimize WebAssembly (the embedded database, Prisma's query compiler) later than usual: at the start, that would take a third of the processor
// time, and memory, for code that mostly runs once. Hot code is still optimized within seconds.
setFlagsFromString('--wasm-tiering-budget=100000000');
// V8 doubles its young generation whenever enough survives in it, and an idle process never makes it smaller. Most of what a start loads survives: the
// young generation would keep 30 MB that nobody needs. run.ts takes this back. (Below 2, V8 takes the factor only from a running process.)
setFlagsFromString('--semi-space-growth-factor=1');
// Keep compiled code for the next start, which saves a fifth of its processor time. Node 20 cannot do this; if dist is read-only, node does without it.
(nodeModule as { enableCompileCache?(directory: string): unknown }).enableCompileCache?.(join(import.meta.dirname, 'compiled'));

await import('./run.ts');

import { setFlagsFromString } from 'node:v8';

// The process begins here, and goes on in run.ts once V8 is set up for a start, before anything is loaded.

// Optimize WebAssembly (the embedded database, Prisma's query compiler) later than usual: at the start, that would take a third of the processor
// time, and memory, for code that mostly runs once. Hot code is still optimized within seconds.
setFlagsFromString('--wasm-tiering-budget=100000000');
// V8 doubles its young generation whenever enough survives in it, and an idle process never makes it smaller. Most of what a start loads survives: the
// young generation would keep 30 MB that nobody needs. run.ts takes this back. (Below 2, V8 takes the factor only from a running process.)
setFlagsFromString('--semi-space-growth-factor=1');

await import('./run.ts');

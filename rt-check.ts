import { listen } from '/work/main/src/http/server.ts';
const l = await listen(() => { let t: any; return new Response(new ReadableStream({ start(c) { t = setInterval(() => c.enqueue(new TextEncoder().encode(':\n\n')), 500); }, cancel() { clearInterval(t); } }), { headers: { 'content-type': 'text/event-stream' } }); }, { host: '127.0.0.1', port: 0 });
l.server.requestTimeout = 1000; l.server.headersTimeout = 1000; l.server.keepAliveTimeout = 1000;
for (const init of [{}, { method: 'POST', body: '{}' }]) { const r = await fetch(l.url, init); const b = Date.now(); (async () => { try { for await (const _ of r.body as any) {} } catch (e) { console.log(String(e)); } console.log('ended after', Date.now() - b); })(); }
setTimeout(() => { console.log('both still open after 65 s unless said'); process.exit(0); }, 65_000);

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startChild } from '../child-process.ts'
import { credential, replyBody } from '../exchange.ts'
import { findInstalled } from '../installed.ts'

type Nginx = Readonly<{ url: string; pid: number }>

/** nginx as a provider: one JSON reply, to whoever brings the right credential. */
export async function startNginxUpstream(stack: AsyncDisposableStack, nginx: string): Promise<Nginx> {
  return startNginx(stack, nginx, false, (port) => [
    `map $http_authorization $is_refused { default 1; "Bearer ${credential}" 0; }`,
    'server {',
    `  listen 127.0.0.1:${port} backlog=4096;`,
    '  default_type application/json;',
    '  add_header x-request-id req_bench always;',
    '  location / {',
    '    if ($is_refused) { return 401; }',
    `    return 200 '${replyBody}';`,
    '  }',
    '}',
  ])
}

/** nginx as a plain reverse proxy with keep-alive to its upstreams: streams at `/streams/`. */
export async function startNginxProxy(
  stack: AsyncDisposableStack,
  nginx: string,
  upstreams: { json: string; stream: string },
): Promise<Nginx> {
  const proxied = ['proxy_http_version 1.1;', 'proxy_set_header connection "";', 'proxy_buffering off;']
  return startNginx(stack, nginx, true, (port) => [
    `upstream json { server ${new URL(upstreams.json).host}; keepalive 512; keepalive_requests 1000000000; }`,
    `upstream streams { server ${new URL(upstreams.stream).host}; keepalive 512; }`,
    'server {',
    `  listen 127.0.0.1:${port} backlog=4096;`,
    `  location / { proxy_pass http://json; ${proxied.slice(0, 2).join(' ')} }`,
    `  location /streams/ { proxy_pass http://streams/; ${proxied.join(' ')} }`,
    '}',
  ])
}

export function findNginx(): string | undefined {
  return findInstalled('nginx')
}

async function startNginx(
  stack: AsyncDisposableStack,
  nginx: string,
  isTested: boolean,
  http: (port: number) => readonly string[],
): Promise<Nginx> {
  const directory = await mkdtemp(join(tmpdir(), 'hasp-bench-nginx-'))
  stack.defer(() => rm(directory, { recursive: true, force: true }))
  const port = await freePort()
  const configuration = [
    'daemon off;',
    'worker_processes 1;',
    'worker_rlimit_nofile 16384;',
    `pid ${directory}/pid;`,
    'error_log stderr crit;',
    'events { worker_connections 8192; }',
    'http {',
    'access_log off;',
    'keepalive_requests 1000000000;',
    'map_hash_bucket_size 256;',
    'tcp_nodelay on;',
    ...['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (kind) => `${kind}_temp_path ${directory}/${kind};`,
    ),
    ...http(port),
    '}',
  ]
  await writeFile(join(directory, 'nginx.conf'), configuration.join('\n'))
  // nginx itself prints nothing when it is ready: the shell says so for it, and then becomes it.
  const start = `echo ready; exec ${nginx} -p ${directory} -c ${directory}/nginx.conf`
  const { pid } = await startChild(stack, { command: ['sh', '-c', start], isTested, readyWhen: /^ready$/ })
  return { url: `http://127.0.0.1:${port}`, pid }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return address !== null && typeof address === 'object' ? address.port : 0
}

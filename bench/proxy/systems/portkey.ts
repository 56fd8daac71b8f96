import { execFile } from 'node:child_process'
import { access, mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { startChild } from '../child-process.ts'
import { credential, upstreamPath } from '../exchange.ts'
import type { Entrance, System } from '../system.ts'

const version = '1.15.2'
/** With the 1.19 that a plain install brings, Portkey 1.15.2 answers streams with HTTP 500 ("immutable"). */
const nodeServerVersion = '1.8.2'
const installWithinMs = 120_000
const port = 47_861

/**
 * Portkey's gateway, installed by npm into a temporary directory that later runs find again.
 * @throws {Error} when npm cannot install it.
 */
export async function startPortkey(
  stack: AsyncDisposableStack,
  upstreams: { json: string; stream: string },
): Promise<System> {
  const script = await install()
  const { pid } = await startChild(stack, {
    command: [process.execPath, script, '--headless', `--port=${port}`],
    env: { NODE_ENV: 'production', TRUSTED_CUSTOM_HOSTS: '127.0.0.1' },
    isTested: true,
    readyWhen: /Ready for connections|running at|localhost/i,
  })
  const entrance = (upstream: string): Entrance => ({
    url: `http://127.0.0.1:${port}`,
    path: upstreamPath,
    headers: {
      authorization: `Bearer ${credential}`,
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `${upstream}/v1`,
    },
  })
  return {
    name: 'portkey',
    pid,
    json: entrance(upstreams.json),
    stream: { ...entrance(upstreams.stream), pid },
    asides: [],
  }
}

async function install(): Promise<string> {
  const directory = join(tmpdir(), `hasp-bench-portkey-${version}`)
  const script = join(directory, 'node_modules/@portkey-ai/gateway/build/start-server.js')
  if (await exists(script)) return script
  await mkdir(directory, { recursive: true })
  const manifest = {
    private: true,
    dependencies: { '@portkey-ai/gateway': version },
    overrides: { '@hono/node-server': nodeServerVersion },
  }
  await writeFile(join(directory, 'package.json'), JSON.stringify(manifest))
  await promisify(execFile)('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: directory,
    timeout: installWithinMs,
  })
  return script
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}

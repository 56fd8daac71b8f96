import { credential, upstreamPath } from './exchange.ts'
import { startServer } from './child-process.ts'
import { startCustomers } from './systems/customer-aws.ts'
import { startHasp } from './systems/hasp.ts'
import { findNginx, startNginxProxy, startNginxUpstream } from './systems/nginx.ts'
import { startPortkey } from './systems/portkey.ts'
import { startPostgres } from './systems/postgres.ts'
import { systemNames, type Entrance, type System, type SystemName } from './system.ts'

type Started = Readonly<{ systems: readonly System[]; skipped: readonly string[] }>

/** Starts upstreams and systems; what is not installed on this machine is left out, and said. */
export async function startSystems(
  stack: AsyncDisposableStack,
  only: readonly string[] = systemNames,
): Promise<Started> {
  const nginx = findNginx()
  const node = await startServer(stack, server('upstream'), [], { isTested: false })
  const direct = nginx === undefined ? node : await startNginxUpstream(stack, nginx)
  const upstreams = { json: direct.url, stream: node.url }
  const systems: System[] = []
  const skipped: string[] = []
  const wants = (name: SystemName) => only.includes(name)

  if (nginx === undefined) skipped.push('nginx: not installed; node:http is the upstream')
  if (wants('direct')) {
    const stream = { ...entrance(upstreams.stream), pid: node.pid }
    systems.push({ name: 'direct', pid: direct.pid, json: entrance(upstreams.json), stream, asides: [] })
  }
  if (wants('nginx') && nginx !== undefined) {
    const { url, pid } = await startNginxProxy(stack, nginx, upstreams)
    const stream = { ...entrance(url, `/streams${upstreamPath}`), pid }
    systems.push({ name: 'nginx', pid, json: entrance(url), stream, asides: [] })
  }
  if (wants('pass-through')) systems.push(await startPassThrough(stack, upstreams))
  systems.push(...(await startHasps(stack, upstreams, wants)))
  if (wants('portkey')) {
    await startPortkey(stack, upstreams).then(
      (portkey) => systems.push(portkey),
      () => skipped.push('Portkey: npm could not install or start it'),
    )
  }
  return { systems, skipped }
}

async function startPassThrough(
  stack: AsyncDisposableStack,
  upstreams: { json: string; stream: string },
): Promise<System> {
  const start = (upstream: string) =>
    startServer(stack, server('pass-through'), [upstream], { isTested: true })
  const json = await start(upstreams.json)
  const stream = await start(upstreams.stream)
  return {
    name: 'pass-through',
    pid: json.pid,
    json: entrance(json.url),
    stream: { ...entrance(stream.url), pid: stream.pid },
    asides: [],
  }
}

/** PostgreSQL and the customers' AWS are started only for a Hasp. */
async function startHasps(
  stack: AsyncDisposableStack,
  upstreams: { json: string; stream: string },
  wants: (name: SystemName) => boolean,
): Promise<System[]> {
  const modes = (['cached', 'shared', 'strict'] as const).filter(wants)
  if (modes.length === 0) return []
  const postgres = await startPostgres(stack)
  const { newCustomer } = await startCustomers(stack)
  const hasps: System[] = []
  for (const mode of modes) hasps.push(await startHasp(stack, { postgres, newCustomer, upstreams }, mode))
  return hasps
}

function entrance(url: string, path = upstreamPath): Entrance {
  return { url, path, headers: { authorization: `Bearer ${credential}` } }
}

function server(name: string): URL {
  return new URL(`servers/${name}.ts`, import.meta.url)
}

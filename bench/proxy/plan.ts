/** How much is measured; the whole is about ten minutes in full and one and a half when quick. */
export type Plan = Readonly<{
  name: 'full' | 'quick'
  rounds: number
  connections: readonly number[]
  /** Of each measurement: one system at one number of connections, in one round. */
  seconds: number
  /** Under load, for each system, before the first round: V8 goes on compiling for some 20 s of it. */
  warmUpSeconds: number
  streams: Readonly<{ few: number; many: number; opensPerSecond: number; holdMs: number }>
}>

export const fullPlan: Plan = {
  name: 'full',
  rounds: 3,
  connections: [1, 16, 64],
  seconds: 3,
  warmUpSeconds: 25,
  streams: { few: 200, many: 1000, opensPerSecond: 250, holdMs: 4000 },
}

export const quickPlan: Plan = {
  name: 'quick',
  rounds: 1,
  connections: [1, 64],
  seconds: 2,
  warmUpSeconds: 2,
  streams: { few: 50, many: 300, opensPerSecond: 250, holdMs: 1000 },
}

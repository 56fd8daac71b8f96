import type { Sample } from '../measure/rounds.ts'
import { comparedOf, type Results, type Spread } from './results.ts'

export type Aim = Readonly<{ what: string; measured: Spread | undefined; aim: string; isMet: boolean }>

/** The aims of the project for CPU time per request, at the largest number of connections of the plan. */
export function aimsOf(results: Results): Aim[] {
  const most = Math.max(...results.plan.connections)
  const ratio = (sample: Sample, base: Sample) => sample.cpuUs / base.cpuUs
  const overNginx = comparedOf(results, ['cached', 'nginx'], most, ratio)
  const portkeyOver = comparedOf(results, ['portkey', 'cached'], most, ratio)
  const strictMore = comparedOf(results, ['strict', 'cached'], most, (one, base) => one.cpuUs - base.cpuUs)
  return [
    {
      what: 'Hasp `cached` ÷ nginx `proxy_pass`, CPU per request',
      measured: overNginx,
      aim: 'at most 3.5',
      isMet: overNginx !== undefined && overNginx.median <= 3.5,
    },
    {
      what: 'Portkey gateway ÷ Hasp `cached`, CPU per request',
      measured: portkeyOver,
      aim: 'at least 9',
      isMet: portkeyOver !== undefined && portkeyOver.median >= 9,
    },
    {
      what: 'Hasp `strict` − `cached`, µs of CPU per request',
      measured: strictMore,
      aim: 'at most 60',
      isMet: strictMore !== undefined && strictMore.median <= 60,
    },
  ]
}

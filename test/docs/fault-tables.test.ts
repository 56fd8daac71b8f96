import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import * as aws from '#kms/aws/aws-faults.ts'
import { AwsRefusal } from '#kms/aws/aws-refusal.ts'
import { EntraRefusal } from '#kms/azure/azure-refusal.ts'
import { entraFaultOf } from '#kms/azure/entra-faults.ts'
import * as gcp from '#kms/gcp/gcp-faults.ts'
import { GcpRefusal, type GcpStatus, refusalOf } from '#kms/gcp/gcp-refusal.ts'
import type { KekFault, KekFaultKind } from '#kms/kek-fault.ts'
import { awsFaultFixtures } from '../unit/kms/aws/fault-fixtures.ts'
import { azureFaultFixtures } from '../unit/kms/azure/fault-fixtures.ts'
import { gcpFaultFixtures } from '../unit/kms/gcp/fault-fixtures.ts'
import { root } from './pages.ts'

type Cloud = Readonly<{
  page: string
  /** Answers whose circumstances decide, not their name alone. */
  faults: readonly KekFault[]
  /** What is made of an answer by its name, whatever its status; undefined where the name does not decide. */
  kindOf: (name: string) => KekFaultKind | undefined
}>

const clouds: readonly Cloud[] = [
  {
    page: 'kms-aws.md',
    faults: awsFaultFixtures.map((fixture) => fixture.faultOf()),
    kindOf: (name) =>
      onlyOne(
        [400, 429],
        (status) => aws.judgeRefusal(new AwsRefusal(name, '', status), 'Encrypt', false)?.kind,
      ),
  },
  {
    page: 'kms-azure.md',
    faults: azureFaultFixtures.map((fixture) => fixture.faultOf()),
    kindOf: (name) =>
      name.startsWith('AADSTS')
        ? onlyOne([400, 429], (status) => entraFaultOf(new EntraRefusal(status, [numberOf(name)])).kind)
        : undefined,
  },
  {
    page: 'kms-gcp.md',
    faults: [
      ...gcpFaultFixtures.flatMap(({ error, operation }) => {
        const refusal = refusalOf(error)
        return refusal === undefined ? [] : [gcp.faultOf(gcp.judgeRefusal(refusal, operation), refusal, 'r')]
      }),
      statusAlone('UNAUTHENTICATED'),
    ],
    kindOf: (reason) =>
      onlyOne(
        ['PERMISSION_DENIED', 'UNKNOWN'] as const,
        (status) => gcp.judgeRefusal(new GcpRefusal(status, '', { reason }), 'Encrypt').kind,
      ),
  },
]

it('a name that no cloud has is in no row', () => {
  for (const { kindOf } of clouds) expect(kindOf('NonsenseException')).toBeUndefined()
  expect(clouds[1]?.kindOf('AADSTS99999999')).toBeUndefined()
})

describe.each(clouds)('the table of faults in docs/$page', ({ page, faults, kindOf }) => {
  it('has each name of an error in the row of what Hasp makes of it', async () => {
    const made = new Set(faults.map(({ code, kind }) => `${code} is ${kind}`))
    const stated = (await rowsOf(page)).flatMap(([kind, names]) => names.map((name) => ({ kind, name })))
    expect(stated.length).toBeGreaterThan(20)
    const untrue = stated.filter(({ kind, name }) => kindOf(name) !== kind && !made.has(`${name} is ${kind}`))
    expect(untrue).toEqual([])
  })
})

function onlyOne<Status>(
  statuses: readonly Status[],
  kindOf: (status: Status) => KekFaultKind | undefined,
): KekFaultKind | undefined {
  const kinds = new Set(statuses.map((status) => kindOf(status)))
  return kinds.size === 1 ? [...kinds][0] : undefined
}

function numberOf(aadsts: string): number {
  return Number(aadsts.slice('AADSTS'.length))
}

function statusAlone(status: GcpStatus): KekFault {
  const refusal = new GcpRefusal(status, '')
  return gcp.faultOf(gcp.judgeRefusal(refusal, 'Decrypt'), refusal, 'r')
}

/** Each kind with the names in its row: `DisabledException`, `KEY_DISABLED`, AADSTS numbers. */
async function rowsOf(page: string): Promise<[kind: string, names: string[]][]> {
  const text = await readFile(`${root}docs/${page}`, 'utf8')
  const kinds = 'revoked|unreachable|throttled|misconfigured|tampered|ours'
  return [...text.matchAll(new RegExp(`^\\| \`(${kinds})\` \\|[^|]*\\|(.*)\\|$`, 'gm'))].map(
    ([, kind = '', row = '']) => [
      kind,
      [
        ...[...row.matchAll(/`([A-Z]\w+)`/g)].map(([, name = '']) => name),
        ...[...row.matchAll(/\b(\d{5,7})\b/g)].map(([, number]) => `AADSTS${number}`),
      ],
    ],
  )
}

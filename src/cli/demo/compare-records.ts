import { setTimeout as sleep } from 'node:timers/promises'
import type { CloudTrailRecord } from '#emulators/aws/trail/record.ts'
import { readAll, readListing } from '#cli/api/pages.ts'
import type { Entry } from '#cli/api/replies.ts'
import type { CutReceipts } from './revoke.ts'
import type { Scene } from './scene.ts'
import { demand, type Screen } from './screen.ts'

/** What the demo reads of a receipt (`GET /receipts`). */
type Receipt = Readonly<{
  receiptId: string
  operation: string
  model: string | null
  unwrap: Readonly<{ unwrapId: string; kmsRequestId: string }>
  outcome: Readonly<{ end: string }> | null
}>

const settledWithinMs = 3_000

/** Hasp's records beside the customer's own: each receipt with the event that its unwrap left in CloudTrail. */
export async function compareRecords(screen: Screen, scene: Scene, cut: CutReceipts): Promise<void> {
  screen.act(
    'The proof: Hasp’s receipts beside the customer’s CloudTrail',
    'Two logs of two parties. The KMS request id of the one is the requestID of the other.',
  )
  const receipts = await settledReceipts(scene)
  const decrypts = scene.customer.decrypts()
  for (const receipt of receipts) await compare(screen, scene, receipt, decrypts)

  await screen.claim('No credential was unwrapped without a receipt', () => {
    const known = new Set(receipts.map(({ unwrap }) => unwrap.kmsRequestId))
    const served = decrypts.filter(
      (event) => event.errorCode === undefined && purposeOf(event) === 'credential',
    )
    const unknown = served.filter(({ requestID }) => requestID === undefined || !known.has(requestID))
    demand(unknown.length === 0, `${unknown.length} Decrypts of the trail have none`)
    demand(served.length === receipts.length, `${served.length} Decrypts, ${receipts.length} receipts`)
    return `${served.length} Decrypts of credentials in the trail, ${receipts.length} receipts`
  })
  await screen.claim('The receipts of the cut streams say so', () => {
    const ends = cut.map((id) => receipts.find(({ receiptId }) => receiptId === id)?.outcome?.end)
    demand(
      ends.every((end) => end === 'cut-on-revocation'),
      `they say ${ends.join(', ')}`,
    )
    return `${ends.length} of ${ends.length}: cut-on-revocation`
  })
  await showRefusals(screen, scene, decrypts)
}

async function compare(
  screen: Screen,
  { customer, hasp }: Scene,
  { receiptId, operation, model, unwrap, outcome }: Receipt,
  decrypts: readonly CloudTrailRecord[],
): Promise<void> {
  await screen.claim(`${operation}  ${model ?? ''}  ${outcome?.end ?? 'end unknown'}`, () => {
    const [event, ...more] = decrypts.filter(({ requestID }) => requestID === unwrap.kmsRequestId)
    demand(event !== undefined && more.length === 0, `${more.length} CloudTrail events have its request id`)
    demand(event.errorCode === undefined, `the event says ${event.errorCode}`)
    demand(contextOf(event)['hasp:org'] === hasp.orgId, 'the event is of another organisation')
    demand(event.resources?.[0]?.ARN === customer.keyArn, 'the event is of another key')
    return ''
  })
  screen.facts([
    ['Hasp', `receipt ${receiptId}  unwrap ${unwrap.unwrapId}`],
    ['KMS', `request ${unwrap.kmsRequestId} = CloudTrail requestID`],
    ['AWS', `Decrypt  encryptionContext hasp:org ${hasp.orgId}`],
  ])
}

/** What AWS refused, as the customer sees it, and as Hasp wrote it down. */
async function showRefusals(
  screen: Screen,
  { hasp: { api } }: Scene,
  decrypts: readonly CloudTrailRecord[],
): Promise<void> {
  const refused = decrypts.filter((event) => event.errorCode !== undefined)
  await screen.claim(
    'Every refused Decrypt of the customer’s trail stands in Hasp’s ledger too',
    async () => {
      demand(refused.some(isOfDisabledKey), 'no Decrypt was refused because of the disabled key')
      const query = { kind: 'unwrap.refused' }
      const { items } = await readListing<Entry>(api, '/ledger', { limit: 1000, query })
      const known = new Set(items.map(({ details }) => details['kmsRequestId']))
      const unknown = refused.filter(({ requestID }) => !known.has(requestID))
      demand(unknown.length === 0, `${unknown.length} of ${refused.length} do not`)
      return `${refused.length} refusals, by their requestID`
    },
  )
  const ofKey = refused.filter(isOfDisabledKey)
  const shown = ofKey.find((event) => purposeOf(event) === 'credential') ?? ofKey[0]
  if (shown === undefined) return
  screen.line('One of them, as the customer sees it:')
  screen.facts([
    ['eventName', shown.eventName],
    ['errorCode', shown.errorCode ?? ''],
    ['errorMessage', shown.errorMessage ?? ''],
    ['requestID', shown.requestID ?? ''],
    ['userIdentity', String(shown.userIdentity['arn'])],
    ...Object.entries(contextOf(shown)).map(([name, value]) => [name, String(value)] as const),
  ])
}

function isOfDisabledKey({ errorCode }: CloudTrailRecord): boolean {
  return errorCode === 'DisabledException'
}

/** Oldest first, once every one of them knows its end: ends are written after the answer. */
async function settledReceipts({ hasp: { api } }: Scene): Promise<Receipt[]> {
  const deadlineMs = performance.now() + settledWithinMs
  for (;;) {
    const receipts = await readAll<Receipt>(api, '/receipts')
    const isSettled = receipts.every(({ outcome }) => outcome !== null)
    if (isSettled || performance.now() > deadlineMs) return receipts.toReversed()
    await sleep(50)
  }
}

function contextOf({ requestParameters }: CloudTrailRecord): Readonly<Record<string, unknown>> {
  const context = requestParameters?.['encryptionContext']
  return typeof context === 'object' && context !== null ? { ...context } : {}
}

function purposeOf(event: CloudTrailRecord): unknown {
  return contextOf(event)['hasp:purpose']
}

import type { Command } from 'commander'
import { namesById } from '#cli/api/find-named.ts'
import { readListing } from '#cli/api/pages.ts'
import type { Receipt } from '#cli/api/replies.ts'
import type { Session } from '#cli/api/session.ts'
import { addCommand, withPaging, withSession, type Cli, type ListOptions } from '#cli/command.ts'
import { formatTable } from '#cli/output/table.ts'
import { moment, moreHint } from '#cli/output/words.ts'
import { filterQuery, withFilters, type Filters } from './filters.ts'

/** `hasp receipts` */
export function addReceipts(program: Command, cli: Cli): void {
  const command = addCommand(program, 'receipts', {
    summary: 'List proxied calls, newest first: what was lent to whom, by which unwrap, and how each ended.',
    details:
      'A receipt is written before the credential leaves Hasp. KMS REQUEST finds the unwrap in the log of your own KMS; where Hasp gave the call that id, SERVICE REQUEST is the one that the cloud gave it (Azure).',
    examples: [
      'hasp receipts',
      'hasp receipts --vkey my-agent --limit 20',
      'hasp receipts --target openai --json',
    ],
  })
  command.option('--receipt <id>', 'only this one: the x-hasp-receipt of an answer')
  withPaging(withFilters(command)).action(withSession(cli, list))
}

async function list(
  { api, out }: Session,
  options: ListOptions & Filters & Readonly<{ receipt?: string }>,
): Promise<void> {
  const { limit, cursor } = options
  const query = { receiptId: options.receipt, ...(await filterQuery(api, options)) }
  const [page, targetName, vkeyName] = await Promise.all([
    readListing<Receipt>(api, '/receipts', { limit, cursor, query }),
    out.isJson ? (id: string) => id : namesById(api, 'target'),
    out.isJson ? (id: string) => id : namesById(api, 'vkey'),
  ])
  out.answer(page, () => {
    if (page.items.length === 0 && Object.values(query).some((filter) => filter !== undefined)) {
      return `No receipt fits. Leave filters out to see more: ${out.hasp} receipts`
    }
    if (page.items.length === 0) {
      return `No receipts. Every call that an agent makes with a virtual key leaves one:\n\n  ${out.hasp} vkey issue --name my-agent --targets all`
    }
    const isServiceKnown = page.items.some(({ unwrap }) => unwrap.serviceRequestId !== undefined)
    const table = formatTable(columns(targetName, vkeyName, isServiceKnown), page.items, out.columns)
    return table + moreHint(page.nextCursor)
  })
}

function columns(
  targetName: (id: string) => string,
  vkeyName: (id: string) => string,
  isServiceKnown: boolean,
) {
  const cells: Record<string, (receipt: Receipt) => string> = {
    TIME: (receipt) => moment(receipt.occurredAt),
    TARGET: (receipt) => targetName(receipt.targetId),
    VKEY: (receipt) => vkeyName(receipt.virtualKeyId),
    MODEL: (receipt) => receipt.model ?? '—',
    UNWRAP: ({ unwrap }) => (unwrap.isReused ? `${unwrap.mode}, reused` : unwrap.mode),
    STATUS: ({ outcome }) => String(outcome?.status ?? '—'),
    END: ({ outcome }) => outcome?.end ?? 'under way, or lost',
    TOOK: ({ outcome }) => (outcome === null ? '—' : `${Math.round(outcome.durationMs)} ms`),
    'KMS REQUEST': ({ unwrap }) => unwrap.kmsRequestId,
    RECEIPT: (receipt) => receipt.receiptId,
    ...(isServiceKnown ? { 'SERVICE REQUEST': ({ unwrap }: Receipt) => unwrap.serviceRequestId ?? '—' } : {}),
  }
  const cut = new Set(['TARGET', 'VKEY', 'MODEL'])
  const spare = new Set(['UNWRAP', 'TOOK', 'KMS REQUEST', 'RECEIPT', 'SERVICE REQUEST'])
  return Object.entries(cells).map(([header, cell]) => ({
    header,
    cell,
    isSpare: spare.has(header),
    ...(cut.has(header) ? { widthMin: 8 } : {}),
  }))
}

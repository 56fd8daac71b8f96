import { InvalidArgumentError, Option, type Command } from 'commander'
import { findNamed } from '#cli/api/find-named.ts'
import { readListing } from '#cli/api/pages.ts'
import type { IssuedLink, Kek, Link } from '#cli/api/replies.ts'
import type { OutputOptions, Session } from '#cli/api/session.ts'
import { addCommand, withSession, type Cli } from '#cli/command.ts'
import { formatTable } from '#cli/output/table.ts'
import { moment, shellWord } from '#cli/output/words.ts'
import { requireId } from '#cli/parse/id.ts'
import { parseExpiry } from '#cli/parse/options.ts'

type Options = OutputOptions & Readonly<{ expires?: string; list?: boolean; revoke?: string }>

/** `hasp kek link` */
export function addKekLink(group: Command, cli: Cli): void {
  addCommand(group, 'link <kek>', {
    summary: 'Make a link to a page that shows what to grant and verifies it, without an account.',
    details:
      'For whoever grants on your side. Whoever has the link can see what to grant for this one KEK and have it verified, and nothing else. It is shown once; it ends by itself (7 days where nothing is said, 90 at most) or when you revoke it.',
    examples: [
      'hasp kek link prod',
      'hasp kek link prod --expires 24h',
      'hasp kek link prod --list',
      'hasp kek link prod --revoke 01980f3e-7a00-7000-8000-000000000004',
    ],
  })
    .option('--expires <when>', 'when it ends: 24h, 30d, a day or a time', parseEnd)
    .addOption(new Option('--list', 'list the links that were made').conflicts('expires'))
    .addOption(new Option('--revoke <id>', 'end a link at once').conflicts(['list', 'expires']))
    .action(withSession(cli, link))
}

async function link(session: Session, named: string, options: Options): Promise<void> {
  const { api, out } = session
  const toRevoke =
    options.revoke === undefined
      ? undefined
      : requireId(options.revoke, 'link', `hasp kek link ${shellWord(named)} --list`)
  const kek = await findNamed(api, 'kek', named)
  const path = `/keks/${kek.id}/onboarding-links`
  if (options.list === true) return list(session, kek, path)
  if (toRevoke !== undefined) {
    const revoked = await api.send<Link>('POST', `${path}/${toRevoke}/revoke`)
    return out.answer(revoked, () => `The link ${revoked.hint} opens nothing any more.`)
  }
  const body = options.expires === undefined ? {} : { expiresAt: options.expires }
  const issued = await api.send<IssuedLink>('POST', path, body)
  const url = issued.url ?? (issued.path === null ? null : api.url + issued.path)
  out.answer({ ...issued, url }, () => url ?? 'This link was made by a request before: make another.')
  out.note(
    `\nIt ends ${moment(issued.expiresAt)} and is shown this once. Take it back: ${out.hasp} kek link ${shellWord(kek.name)} --revoke ${issued.id}`,
  )
}

async function list({ api, out }: Session, { name }: Kek, path: string): Promise<void> {
  const listing = await readListing<Link>(api, path, { limit: 1000 })
  const now = new Date().toISOString()
  out.answer(listing, () => {
    if (listing.items.length === 0)
      return `No links to "${name}" yet. Make one: ${out.hasp} kek link ${shellWord(name)}`
    return formatTable<Link>(
      [
        { header: 'LINK', cell: ({ hint }) => hint },
        { header: 'STATE', cell: (made) => stateOf(made, now) },
        { header: 'MADE', cell: ({ createdAt }) => moment(createdAt) },
        { header: 'ENDS', cell: ({ expiresAt }) => moment(expiresAt) },
        { header: 'REVOKED', cell: ({ revokedAt }) => moment(revokedAt), isSpare: true },
        { header: 'ID', cell: ({ id }) => id },
      ],
      listing.items,
      out.columns,
    )
  })
}

function stateOf({ expiresAt, revokedAt }: Link, now: string): string {
  if (revokedAt !== null) return 'revoked'
  return expiresAt > now ? 'open' : 'ended'
}

function parseEnd(text: string): string {
  if (text === 'never') throw new InvalidArgumentError('A link ends: it takes a time such as 24h or 30d.')
  return parseExpiry(text)
}

import type { Verification } from '#cli/api/replies.ts'
import { wrap } from '#cli/output/wrap.ts'

type Finding = Verification['findings'][number]

const words: Readonly<Record<Finding['severity'], string>> = {
  dangerous: 'DANGEROUS',
  warning: 'More than needed',
  notice: 'Worth knowing',
}
const verdicts: Readonly<Record<Verification['verdict'], string>> = {
  least: 'nothing was found that is more than needed',
  surplus: 'allows more than is needed',
  dangerous: 'lets others in',
  failed: 'does not work',
  unknown: 'not known: the KMS gave no answer',
}
const indent = '  '

/** What a grant allows beyond the least, worst first: what it would allow, and what to change, once for all that it mends. */
export function formatFindings(findings: readonly Finding[], width: number): string {
  const order = Object.keys(words)
  const sorted = findings.toSorted((a, b) => order.indexOf(a.severity) - order.indexOf(b.severity))
  const indented = (text: string) => wrap(text, width - indent.length).map((line) => indent + line)
  return [...Map.groupBy(sorted, ({ severity, fix }) => `${severity} ${fix}`).values()]
    .map((alike) =>
      [
        ...alike.flatMap(({ code, severity, allows }) => [
          `${words[severity]}: ${code}`,
          ...indented(allows),
        ]),
        ...indented(alike[0]?.fix ?? ''),
      ].join('\n'),
    )
    .join('\n\n')
}

/** In one line, what the last verification said of the grant. */
export function verdictLine({ verdict, findings }: Pick<Verification, 'verdict' | 'findings'>): string {
  const codes = findings.map(({ code }) => code).join(', ')
  return `${verdict}: ${verdicts[verdict]}${codes === '' ? '' : ` (${codes})`}`
}

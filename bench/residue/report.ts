import type { Measurement } from './measure.ts'
import type { Finding, Scan } from './scan-process.ts'
import type { Secret } from './secret-forms.ts'

/** Whole copies of provider credentials in both scans of a run: must be 0. */
export function credentialCopies({ afterStoring, afterLoad }: Measurement): Finding[] {
  return [...afterStoring.findings, ...afterLoad.findings].filter(
    ({ secret, part }) => secret.kind === 'credential' && part === 'whole',
  )
}

/** One run as lines of a Markdown table; the columns are {@link tableHead}'s. */
export function tableRow(measurement: Measurement): string {
  const { setup, afterStoring, afterLoad, lent } = measurement
  const cells = [
    setup.mode,
    setup.upstream,
    lent,
    credentials(afterStoring),
    credentials(afterLoad),
    counts(afterLoad, 'dek'),
    counts(afterLoad, 'record-key'),
    counts(afterLoad, 'virtual-key'),
    counts(afterLoad, 'admin-token'),
    Math.round(afterLoad.bytesRead / 1e6),
  ]
  return `| ${cells.join(' | ')} |`
}

const columns = [
  'unwrap mode',
  'upstream',
  'credentials lent',
  'credential copies (fragments), after storing',
  'credential copies (fragments), after the load',
  'DEK plain / base64 / other',
  'record key',
  'virtual key',
  'admin token',
  'MB read',
]
export const tableHead = `| ${columns.join(' | ')} |\n|${'---|'.repeat(columns.length)}`

/** One finding on one line, for whoever looks for its cause. The surroundings may show other secrets of the run. */
export function describeFinding({ secret, encoding, part, address, mapping, surroundings }: Finding): string {
  const where = `0x${address.toString(16)} ${mapping.permissions} ${mapping.name}`
  return `${secret.kind} "${secret.name}" ${encoding} ${part} at ${where}\n    ${surroundings}`
}

function credentials({ findings }: Scan): string {
  const found = findings.filter(({ secret }) => secret.kind === 'credential')
  const whole = found.filter(({ part }) => part === 'whole').length
  return `${whole} (${found.length - whole})`
}

function counts({ findings }: Scan, kind: Secret['kind']): string {
  const whole = findings.filter(({ secret, part }) => secret.kind === kind && part === 'whole')
  const plain = whole.filter(({ encoding }) => encoding === 'plain').length
  const base64 = whole.filter(({ encoding }) => encoding.startsWith('base64')).length
  return `${plain} / ${base64} / ${whole.length - plain - base64}`
}

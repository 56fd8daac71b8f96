import type { Kek } from '#keks/kek.ts'
import type { Verdict, VerificationCheck, VerificationRecord } from '#keks/verification.ts'
import type { FindingSeverity, GrantFinding } from '#kms/kek-grant-linter.ts'
import { markup, type Markup } from './markup.ts'

/** What the last verification found, worst first, of a KEK in `state` today. */
export function verificationSection(record: VerificationRecord, state: Kek['state']): Markup {
  const { tone, words } = verdictWords[record.verdict]
  const isToMend = record.findings.some(({ severity }) => severity !== 'notice')
  return markup`<div class="notice ${tone}" id="result">
      <p><strong>${words}</strong></p>
      ${record.verdict === 'dangerous' ? markup`<p>${dangerousUse(state)}</p>` : null}
      ${isRefused(record) && state === 'active' ? markup`<p>${refusedUse}</p>` : null}
      ${state === 'suspended' ? markup`<p>${suspendedUse}</p>` : null}
      ${
        isToMend
          ? markup`<p>
              Below: what it allows too much. Put exactly what stands under <a href="#grant">1. Grant</a> in its
              place, then verify again.
            </p>`
          : null
      }
      <p class="hint">${record.verifiedAt.toISOString().slice(0, 19).replace('T', ' ')} UTC</p>
    </div>
    ${findingsList(record.findings)}
    <h3>What was tried</h3>
    <ul class="checks">
      ${record.checks.map(checkItem)}
    </ul>
    ${
      record.probes.length === 0
        ? null
        : markup`<details>
            <summary>${record.probes.length} calls that should be refused</summary>
            <ul class="checks">
              ${record.probes.map(
                (probe) =>
                  markup`<li>
                    <span class="${probe.outcome === 'refused' ? 'good' : 'warn'}" aria-hidden="true"
                      >${probe.outcome === 'refused' ? '✓' : '!'}</span
                    >
                    <div>
                      ${probe.action}: ${probe.outcome}
                      <small
                        >${probe.answer}${probe.kmsRequestId === null ? '' : `, request ${probe.kmsRequestId}`}</small
                      >
                    </div>
                  </li>`,
              )}
            </ul>
          </details>`
    }`
}

function findingsList(findings: readonly GrantFinding[]): Markup[] {
  const order: readonly FindingSeverity[] = ['dangerous', 'warning', 'notice']
  return order.flatMap((severity) => {
    const byFix = Map.groupBy(
      findings.filter((finding) => finding.severity === severity),
      ({ fix }) => fix,
    )
    return [...byFix].map(
      ([fix, alike]) =>
        markup`<div class="notice ${severity === 'dangerous' ? 'bad' : 'warn'}">
          ${alike.map(
            ({ code, allows }) =>
              markup`<p><strong>${severityWords[severity]}</strong> <code>${code}</code></p>
                <p>${allows}</p>`,
          )}
          <p>${fix}</p>
        </div>`,
    )
  })
}

function checkItem({ name, isPassed, finding, kmsRequestId }: VerificationCheck): Markup {
  return markup`<li>
    <span class="${isPassed ? 'good' : 'bad'}" aria-hidden="true">${isPassed ? '✓' : '✗'}</span>
    <div>
      ${checkWords[name]}: ${isPassed ? 'passed' : 'failed'}. ${finding}
      ${kmsRequestId === null ? null : markup`<small>request ${kmsRequestId}</small>`}
    </div>
  </li>`
}

const verdictWords: Readonly<Record<Verdict, { tone: 'good' | 'bad' | 'warn'; words: string }>> = {
  least: { tone: 'good', words: 'The grant works, and nothing was found that is more than needed.' },
  surplus: { tone: 'warn', words: 'The grant works, and allows more than is needed.' },
  dangerous: { tone: 'bad', words: 'The grant lets others in.' },
  failed: { tone: 'bad', words: 'The grant does not work.' },
  unknown: { tone: 'warn', words: 'Nothing is known: your KMS gave no answer. Try again shortly.' },
}

function isRefused({ checks }: VerificationRecord): boolean {
  return checks.some(({ fault }) => fault?.kind === 'revoked')
}

const refusedUse =
  'The key was in use before. It is suspended once an unwrap is refused as well, which Hasp’s next probe or request finds out: load this page again to see how it stands.'

const suspendedUse =
  'Hasp opens nothing under the key as long as your KMS refuses it. Once it serves the key again, Hasp notices by itself within seconds, or at once when you verify.'

/** A verification takes nothing out of use: only the KMS does (docs/onboarding.md, "Evidence"). */
function dangerousUse(state: Kek['state']): string {
  return state === 'pre-activation'
    ? 'Hasp does not take the key into use like this.'
    : 'The key was in use before and stays so: mend the grant now, or take it away.'
}

const severityWords: Readonly<Record<FindingSeverity, string>> = {
  dangerous: 'Dangerous',
  warning: 'More than needed',
  notice: 'Worth knowing',
}

const checkWords: Readonly<Record<VerificationCheck['name'], string>> = {
  describe: 'The KMS knows the key',
  ownership: 'The key is yours',
  'wrap-and-unwrap': 'Wrap and unwrap',
  'wrong-context-refused': 'Another record’s context is refused',
  'foreign-context-refused': 'Another organisation’s context is refused',
  'least-privilege': 'Nothing dangerous was found',
}

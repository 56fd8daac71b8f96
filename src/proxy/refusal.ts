import { refusalRules, type RefusalCode, type RefusalRule, type RefusalStatus } from './refusal-rules.ts'

/** The longest wait that is asked for: Anthropic's SDK sleeps for as long as it is told. */
const retryAfterSecondsMax = 30

export type RefusalDetails = Readonly<{
  /** Replaces the rule's message. Never a credential, a header's value, or a part of a body. */
  message?: string
  /** Whole seconds until another try may help; held to 30. Ignored on terminal refusals. */
  retryAfterSeconds?: number
  /** The methods that the endpoint does take, for `method_not_allowed`. */
  allow?: string
}>

/** Why Hasp itself does not answer a proxied request with the provider's reply. `message` is for the caller. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly code: RefusalCode
  /** HTTP status of the answer. */
  readonly status: RefusalStatus
  /** Whether the same request can not succeed before somebody changes something. */
  readonly isTerminal: boolean
  readonly retryAfterSeconds: number | undefined
  readonly allow: string | undefined

  constructor(code: RefusalCode, details: RefusalDetails = {}) {
    const rule: RefusalRule = refusalRules[code]
    super(
      details.message ??
        (details.allow === undefined ? rule.message : `${rule.message} It takes ${details.allow}.`),
    )
    this.code = code
    this.status = refusalRules[code].status
    this.isTerminal = rule.isTerminal
    this.allow = details.allow
    const seconds = details.retryAfterSeconds ?? rule.retryAfterSeconds
    this.retryAfterSeconds =
      rule.isTerminal || seconds === undefined
        ? undefined
        : Math.min(Math.max(Math.ceil(seconds), 1), retryAfterSecondsMax)
  }
}

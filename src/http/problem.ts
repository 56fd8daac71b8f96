import type { FastifyError } from 'fastify'
import { AccessError } from '#access/access-error.ts'
import { CursorError } from '#db/keyset.ts'
import { IntegrityError } from '#integrity/assert-row-mac.ts'
import { LifecycleJobError } from '#jobs/lifecycle-job-error.ts'
import { KekError } from '#keks/kek-error.ts'
import { KekFault } from '#kms/kek-fault.ts'
import { LedgerError } from '#ledger/ledger-error.ts'
import { TargetError } from '#targets/target-error.ts'
import { problems, type ErrorCode } from './errors-to-http.ts'
import { RequestError } from './request-error.ts'
import { adviceOnTampered } from './tampered-advice.ts'
import { validationDetail } from './validation-detail.ts'

/** RFC 9457 problem details. */
export type Problem = Readonly<{
  type: string
  title: string
  status: number
  code: ErrorCode
  detail: string
  requestId: string
}>

/** Turns whatever was thrown into what the caller may know of it. An unknown error says nothing of itself. */
export function problemOf(
  error: unknown,
  requestId: string,
): { problem: Problem; retryAfterSeconds: number | undefined } {
  const { code, detail } = explain(error)
  const entry: { status: number; title: string; retryAfterSeconds?: number } = problems[code]
  return {
    problem: {
      type: `https://hasp.dev/problems/${code}`,
      title: entry.title,
      status: entry.status,
      code,
      detail,
      requestId,
    },
    retryAfterSeconds: entry.retryAfterSeconds,
  }
}

function explain(error: unknown): { code: ErrorCode; detail: string } {
  if (
    error instanceof AccessError ||
    error instanceof CursorError ||
    error instanceof KekError ||
    error instanceof LifecycleJobError ||
    error instanceof RequestError ||
    error instanceof TargetError
  ) {
    return { code: error.code, detail: error.message }
  }
  if (error instanceof IntegrityError) {
    return { code: error.code, detail: `${error.message} ${adviceOnTampered(error.table)}` }
  }
  if (error instanceof KekFault) return { code: `kek_${error.kind}`, detail: error.message }
  if (error instanceof LedgerError && error.code === 'actor_gone') {
    return { code: 'unauthenticated', detail: error.message }
  }
  return (
    fromFastify(error) ?? {
      code: 'internal',
      detail: 'Something failed inside Hasp. The request id finds it in the service log.',
    }
  )
}

/** Fastify's own refusals, in our codes. Its texts may quote the request, so only validation messages are kept. */
function fromFastify(error: unknown): { code: ErrorCode; detail: string } | undefined {
  if (!(error instanceof Error)) return undefined
  // Fastify's errors are Errors with these optional fields.
  const { code, validation, validationContext, statusCode } = error as Partial<FastifyError>
  if (validation !== undefined) {
    return { code: 'body_invalid', detail: validationDetail(validation, validationContext) }
  }
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return { code: 'body_too_large', detail: 'The body is larger than this operation takes.' }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return {
        code: 'media_type_unsupported',
        detail: 'This operation takes a body of type application/json.',
      }
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return {
        code: 'body_malformed',
        detail: 'The body is not valid JSON, or its length is not what the header says.',
      }
    default:
      return statusCode === 400
        ? { code: 'body_malformed', detail: 'The request could not be read.' }
        : undefined
  }
}

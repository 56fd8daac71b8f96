/** A refusal by the management API: RFC 9457 problem details as they came. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly status: number
  readonly code: string
  readonly requestId: string | null
  /** What to do next, where the command that asked knows better than the code alone tells. */
  readonly hint: string | undefined

  constructor(
    problem: Readonly<{ status: number; code: string; detail: string; requestId: string | null }>,
    hint?: string,
  ) {
    super(problem.detail)
    this.status = problem.status
    this.code = problem.code
    this.requestId = problem.requestId
    this.hint = hint
  }
}

/** Waits for `answer`; a refusal gets what `hintFor` says of its code. */
export async function withHint<Answer>(
  answer: Promise<Answer>,
  hintFor: (code: string) => string | undefined | Promise<string | undefined>,
): Promise<Answer> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof ApiProblem)) throw error
    const { status, code, message: detail, requestId } = error
    throw new ApiProblem({ status, code, detail, requestId }, (await hintFor(code)) ?? error.hint)
  }
}

/** Reads a reply's body as a problem; null when it is none of Hasp's. */
export function problemIn(status: number, body: unknown): ApiProblem | null {
  if (typeof body !== 'object' || body === null) return null
  const { code, title, detail, requestId } = body as Record<string, unknown>
  if (typeof code !== 'string' || typeof title !== 'string' || typeof detail !== 'string') return null
  return new ApiProblem({
    status,
    code,
    detail,
    requestId: typeof requestId === 'string' ? requestId : null,
  })
}

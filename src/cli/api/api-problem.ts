/** A refusal by the management API: RFC 9457 problem details as they came. */
export class ApiProblem extends Error {
  override readonly name = 'ApiProblem'
  readonly status: number
  readonly code: string
  readonly title: string
  readonly requestId: string | null

  constructor(problem: {
    status: number
    code: string
    title: string
    detail: string
    requestId: string | null
  }) {
    super(problem.detail)
    this.status = problem.status
    this.code = problem.code
    this.title = problem.title
    this.requestId = problem.requestId
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
    title,
    detail,
    requestId: typeof requestId === 'string' ? requestId : null,
  })
}

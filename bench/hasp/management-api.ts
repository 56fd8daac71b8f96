/** One call of the management API that must succeed. @throws {Error} with the problem, for every other answer. */
export type ManagementApi = (method: string, path: string, body?: unknown) => Promise<ApiAnswer>

type ApiAnswer = Readonly<Record<string, unknown>>

export function managementApi(url: string, token: string): ManagementApi {
  return async (method, path, body) => {
    const { status, text } = await callApi(
      url,
      token,
      method,
      path,
      body === undefined ? undefined : JSON.stringify(body),
    )
    if (status >= 300) throw new Error(`${method} ${path}: HTTP ${status} ${text}`)
    // Every answer of the management API is a JSON object.
    return text === '' ? {} : (JSON.parse(text) as ApiAnswer)
  }
}

/** One call as it is, whatever comes of it. */
export async function callApi(
  url: string,
  token: string,
  method: string,
  path: string,
  body?: string,
): Promise<{ status: number; text: string }> {
  const reply = await fetch(`${url}/api/v1${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
  })
  return { status: reply.status, text: await reply.text() }
}

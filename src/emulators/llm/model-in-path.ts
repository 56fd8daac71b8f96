/** The model that `GET /v1/models/{id}` asks for, decoded; undefined where the path is another. */
export function modelInPath(path: string): string | undefined {
  const [, id] = /^\/v1\/models\/([^/]+)$/.exec(path) ?? []
  if (id === undefined) return undefined
  try {
    return decodeURIComponent(id)
  } catch {
    return undefined
  }
}

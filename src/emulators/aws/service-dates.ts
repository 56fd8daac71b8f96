/** `20260131T235959Z`, as signatures and their error messages write it. */
export function amzDate(ms: number): string {
  return new Date(ms).toISOString().replace(/[-:]|\.\d{3}/g, '')
}

/** `2026-01-31T23:59:59Z`: CloudTrail and STS give whole seconds. */
export function isoSeconds(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

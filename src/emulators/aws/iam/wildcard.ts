/**
 * Matches IAM's `*` and `?` in time linear in pattern × text: a policy from outside must not be able to make a
 * backtracking matcher slow.
 */
export function matchesWildcard(pattern: string, text: string): boolean {
  let at = 0
  let inPattern = 0
  let star = -1
  let resumeAt = 0
  while (at < text.length) {
    const symbol = pattern[inPattern]
    if (symbol === '*') {
      star = inPattern++
      resumeAt = at
    } else if (symbol !== undefined && (symbol === '?' || symbol === text[at])) {
      inPattern++
      at++
    } else if (star !== -1) {
      inPattern = star + 1
      at = ++resumeAt
    } else {
      return false
    }
  }
  while (pattern[inPattern] === '*') inPattern++
  return inPattern === pattern.length
}

/** ARN operators match each of the six colon-delimited parts apart, so that `*` never crosses a part's border. */
export function matchesArn(pattern: string, arn: string): boolean {
  const wanted = arnParts(pattern)
  const given = arnParts(arn)
  return wanted.length === given.length && wanted.every((part, i) => matchesWildcard(part, given[i] ?? ''))
}

function arnParts(arn: string): string[] {
  const parts = arn.split(':')
  return [...parts.slice(0, 5), parts.slice(5).join(':')]
}

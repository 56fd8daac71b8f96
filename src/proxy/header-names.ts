/** A compiled list of header names in lower case, of which some end in `*` and stand for all that begin so. */
export type HeaderNames = Readonly<{ exact: ReadonlySet<string>; prefixes: readonly string[] }>

export function compileHeaderNames(patterns: readonly string[]): HeaderNames {
  const prefixes = patterns.filter((pattern) => pattern.endsWith('*')).map((pattern) => pattern.slice(0, -1))
  return { exact: new Set(patterns.filter((pattern) => !pattern.endsWith('*'))), prefixes }
}

/** `name` is in lower case. */
export function includesHeader(names: HeaderNames, name: string): boolean {
  if (names.exact.has(name)) return true
  for (const prefix of names.prefixes) if (name.startsWith(prefix)) return true
  return false
}

/** RFC 9110 §5.6.2: one or more token characters. */
export function isHeaderName(name: string): boolean {
  for (let at = 0; at < name.length; at++) if (tokenCharacters[name.charCodeAt(at)] !== 1) return false
  return name !== ''
}

/** RFC 9110 §5.5 without obs-fold: no control character but tab. */
export function isHeaderValue(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const code = value.charCodeAt(at)
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false
  }
  return true
}

export function isAscii(value: string): boolean {
  for (let at = 0; at < value.length; at++) if (value.charCodeAt(at) > 0x7e) return false
  return true
}

const tokenCharacters = new Uint8Array(128)
for (const character of "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") {
  tokenCharacters[character.charCodeAt(0)] = 1
}

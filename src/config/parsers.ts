/** How the text of each kind of setting is read; undefined for text that does not fit. */

export function integer(min: number, max: number) {
  return (text: string): number | undefined => {
    const value = Number(text)
    return /^\d+$/.test(text) && value >= min && value <= max ? value : undefined
  }
}

export function oneOf<const Values extends readonly string[]>(values: Values) {
  return (text: string): Values[number] | undefined => values.find((value) => value === text)
}

export function boolean(text: string): boolean | undefined {
  if (text === 'true' || text === '1') return true
  return text === 'false' || text === '0' ? false : undefined
}

export function httpUrl(text: string): string | undefined {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined
  return url.username === '' && url.password === '' && url.search === '' && url.hash === ''
    ? text.replace(/\/$/, '')
    : undefined
}

/** A list of origins (`https://host[:port]`), separated by commas. */
export function origins(text: string): readonly string[] | undefined {
  const parsed = text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => (httpUrl(part) === undefined ? undefined : URL.parse(part)?.origin))
  return parsed.every((origin) => origin !== undefined) ? parsed : undefined
}

export function rootSecret(text: string): string | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.length >= 32 && /^[A-Za-z0-9+/_=-]+$/.test(text) ? text : undefined
}

export function text(textMax: number) {
  return (value: string): string | undefined =>
    value.length > 0 && value.length <= textMax ? value : undefined
}

export function guid(value: string): string | undefined {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(value) ? value.toLowerCase() : undefined
}

export function httpsOrigin(value: string): string | undefined {
  const origin = httpUrl(value) === undefined ? undefined : URL.parse(value)?.origin
  return origin?.startsWith('https:') === true ? origin : undefined
}

export function hostAndPort(value: string): { host: string; port: number } | undefined {
  const [, host = '', port = ''] = /^([A-Za-z0-9.-]{1,255}):(\d{1,5})$/.exec(value) ?? []
  const number = integer(1, 65_535)(port)
  return host === '' || number === undefined ? undefined : { host, port: number }
}

export function databaseUrl(value: string): string | undefined {
  return /^postgres(ql)?:\/\//.test(value) && value.length <= 4096 ? value : undefined
}

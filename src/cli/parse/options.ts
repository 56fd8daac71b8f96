import { InvalidArgumentError } from 'commander'

const units: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

/** `500ms`, `60s`, `5m`, `12h`, `30d` or `0`, in milliseconds. */
export function parseDurationMs(text: string): number {
  if (text === '0') return 0
  const [, digits = '', unit = ''] = /^(\d{1,9})(ms|s|m|h|d)$/.exec(text) ?? []
  const factor = units[unit]
  if (factor === undefined)
    throw new InvalidArgumentError('It takes a duration such as 500ms, 60s, 5m, 12h or 30d.')
  return Number(digits) * factor
}

/**
 * When something ends: `never`, a duration from now, a day (its end, UTC) or an ISO 8601 time. Not null for never:
 * commander takes a null for no answer, and makes it ''.
 */
export function parseExpiry(text: string): string {
  if (text === 'never') return text
  const moment = /^\d+(ms|s|m|h|d)$/.test(text)
    ? Date.now() + parseDurationMs(text)
    : Date.parse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T23:59:59Z` : zoned(text))
  if (Number.isNaN(moment) || Math.abs(moment) > 8.64e15) {
    throw new InvalidArgumentError(
      'It takes never, a duration such as 12h or 30d, a day (2027-01-31) or a time with its zone (2027-01-31T18:00:00Z).',
    )
  }
  if (moment <= Date.now()) throw new InvalidArgumentError('That has passed already.')
  return new Date(moment).toISOString()
}

/** A moment with its zone, as ISO 8601 has it. */
export function parseMoment(text: string): string {
  const ms = Date.parse(zoned(text))
  if (Number.isNaN(ms))
    throw new InvalidArgumentError('It takes a time with its zone, such as 2027-01-31T18:00:00Z.')
  return new Date(ms).toISOString()
}

/** A list separated by commas. */
export function parseList(text: string): string[] {
  const entries = text.split(',').map((entry) => entry.trim())
  if (entries.some((entry) => entry === ''))
    throw new InvalidArgumentError('It takes names separated by commas.')
  return [...new Set(entries)]
}

/** `all`, or a list separated by commas. */
export function parseScope(text: string): 'all' | string[] {
  return text === 'all' ? 'all' : parseList(text)
}

/** A whole number from 1. */
export function parseCount(text: string): number {
  const count = Number(text)
  if (!/^\d{1,9}$/.test(text) || count < 1) throw new InvalidArgumentError('It takes a whole number from 1.')
  return count
}

/** A whole number from 1, or `none`: commander takes a null for no answer. */
export function parseCountOrNone(text: string): number | 'none' {
  return text === 'none' ? 'none' : parseCount(text)
}

/** `365d`, in days, or `none`. */
export function parseDaysOrNone(text: string): number | 'none' {
  if (text === 'none') return 'none'
  const [, digits = ''] = /^(\d{1,5})d$/.exec(text) ?? []
  const days = Number(digits)
  if (digits === '' || days < 1 || days > 36_500) {
    throw new InvalidArgumentError('It takes a number of days such as 365d (at most 36500d), or none.')
  }
  return days
}

/** A TCP port; 0 takes a free one. */
export function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535)
    throw new InvalidArgumentError('It takes a port from 0 to 65535.')
  return port
}

/** A time without a zone would mean something else on another machine. */
function zoned(text: string): string {
  return /(Z|[+-]\d\d:\d\d)$/.test(text) ? text : ''
}

/** As the API takes it: null for never, undefined for not given. */
export function expiresAtOf(expiry: string | undefined): string | null | undefined {
  return expiry === 'never' ? null : expiry
}

/**
 * Between protobuf's JSON (as REST has it) and the plain messages that the methods take: checksums and 64-bit numbers
 * are text, times RFC 3339, durations seconds with an `s`, bytes base64 (which protobufjs reads by itself).
 */
export function fromJson(json: unknown): unknown {
  return walked(json, (name, value) => {
    if (isChecksum(name)) return { value: String(value) }
    const seconds = typeof value === 'string' ? /^(\d+)(?:\.\d+)?s$/.exec(value)?.[1] : undefined
    return name.endsWith('Duration') && seconds !== undefined
      ? { seconds: Number(seconds), nanos: 0 }
      : undefined
  })
}

export function toJson(message: unknown): unknown {
  return walked(message, (name, value) => {
    if (Buffer.isBuffer(value)) return value.toString('base64')
    if (typeof value !== 'object' || value === null) return undefined
    if (isChecksum(name) && 'value' in value) return String(value.value)
    if (!('seconds' in value)) return undefined
    const seconds = Number(value.seconds)
    if (name.endsWith('Duration')) return `${seconds}s`
    const nanos = 'nanos' in value ? Number(value.nanos) : 0
    return name.endsWith('Time') ? new Date(seconds * 1000 + nanos / 1e6).toISOString() : undefined
  })
}

function walked(value: unknown, convert: (name: string, value: unknown) => unknown): unknown {
  const walk = (name: string, one: unknown): unknown => {
    const converted = convert(name, one)
    if (converted !== undefined) return converted
    if (Array.isArray(one)) return one.map((each) => walk(name, each))
    if (typeof one !== 'object' || one === null) return one
    return Object.fromEntries(Object.entries(one).map(([member, inner]) => [member, walk(member, inner)]))
  }
  return walk('', value)
}

function isChecksum(name: string): boolean {
  return name.endsWith('Crc32c') && !name.startsWith('verified')
}

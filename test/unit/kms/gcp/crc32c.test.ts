import { describe, expect, it } from 'vitest'
import { crc32c as emulated } from '#emulators/google/wire/crc32c.ts'
import { crc32c } from '#kms/gcp/crc32c.ts'

describe('CRC-32C', () => {
  // RFC 3720 §B.4
  it.each([
    ['32 zeroes', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['rising bytes', Buffer.from(Array.from({ length: 32 }, (_, at) => at)), 0x46dd794e],
    ['falling bytes', Buffer.from(Array.from({ length: 32 }, (_, at) => 31 - at)), 0x113fdb5c],
    ['nothing', Buffer.alloc(0), 0],
  ])('of %s is what RFC 3720 says, ours and the emulator’s', (_, bytes, checksum) => {
    expect(crc32c(bytes)).toBe(checksum)
    expect(emulated(bytes)).toBe(checksum)
  })
})

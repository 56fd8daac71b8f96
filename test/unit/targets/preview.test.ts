import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SecretBytes } from '#envelope/secret-bytes.ts'
import { isPreview, previewOf } from '#targets/preview.ts'

const secretOf = (text: string) => SecretBytes.take(Buffer.from(text))

describe('the preview of a credential', () => {
  it('shows four characters of each end of a long one', () => {
    expect(previewOf(secretOf('sk-test-0123456789-wxyz'))).toBe('sk-t…wxyz')
  })

  it.each([0, 1, 8, 19])('shows nothing of one of %i characters', (length) => {
    const text = 'abcdefghijklmnopqrstu'.slice(0, length)
    expect(previewOf(secretOf(text))).toBe('••••')
  })

  it('never holds more than eight characters of any', () => {
    fc.assert(
      fc.property(
        fc.string({
          minLength: 20,
          maxLength: 200,
          unit: fc.integer({ min: 33, max: 126 }).map((code) => String.fromCharCode(code)),
        }),
        (text) => {
          expect(previewOf(secretOf(text))).toBe(`${text.slice(0, 4)}…${text.slice(-4)}`)
        },
      ),
    )
  })

  it.each(['sk-t…wxyz', '••••', 'sk-***', 'sk-proj-••••1234'])('is known when it comes back: %s', (text) => {
    expect(isPreview(secretOf(text))).toBe(true)
  })

  it.each(['sk-test-0123456789', 'a*b*c', 'sk-...x'])('is not taken for a credential: %s', (text) => {
    expect(isPreview(secretOf(text))).toBe(false)
  })
})

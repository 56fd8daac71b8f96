import { describe, expect, it } from 'vitest'
import { CredentialSlots, type CredentialSlot } from '#proxy/upstream/credential-slots.ts'

function slot(): CredentialSlot {
  const unheard = () => {}
  return {
    lengthMax: 8,
    openInto: () => 0,
    markCredentialSent: unheard,
    markBodyHanded: unheard,
    markBodyLeft: unheard,
  }
}

const unavailable = expect.objectContaining({ code: 'credential-unavailable' })

describe('a placeholder', () => {
  it('stands for the slot that it was bound to, whatever was bound and released in between', () => {
    const slots = new CredentialSlots()
    const early = slots.bind(slot())
    const wanted = slot()
    const placeholder = slots.bind(wanted)
    slots.release(early)
    slots.bind(slot())
    expect(slots.take(`authorization: Bearer ${placeholder}\r\n`).slot).toBe(wanted)
    expect(slots.size).toBe(1)
  })

  it.each(['taken', 'released'])('is worthless once %s, though another has its place', (how) => {
    const slots = new CredentialSlots()
    const old = slots.bind(slot())
    if (how === 'taken') slots.take(old)
    else slots.release(old)
    const next = slot()
    const placeholder = slots.bind(next)
    expect(() => slots.take(old)).toThrow(unavailable)
    slots.release(old)
    expect(slots.take(placeholder).slot).toBe(next)
    expect(slots.size).toBe(0)
  })

  it('is not good in another process, nor with another place written into it', () => {
    const slots = new CredentialSlots()
    const [first, second] = [slots.bind(slot()), slots.bind(slot())]
    expect(() => new CredentialSlots().take(first)).toThrow(unavailable)
    const mixed = first.slice(0, 32) + second.slice(32, 38) + first.slice(38)
    expect(() => slots.take(mixed)).toThrow(unavailable)
  })
})

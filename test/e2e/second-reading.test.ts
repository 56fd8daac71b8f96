import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { callModel } from '../support/agent-calls.ts'
import { startLendingHasp } from '../support/lending-hasp.ts'

let lendingHasp: Awaited<ReturnType<typeof startLendingHasp>>
beforeEach(async () => {
  lendingHasp = await startLendingHasp({ kekRules: { probeIntervalMs: 0 } })
})
afterEach(() => lendingHasp[Symbol.asyncDispose]())

const call = (dialect: 'openai' | 'anthropic') => {
  const { hasp, lending } = lendingHasp
  return callModel({ url: hasp.url, virtualKey: lending.virtualKey }, dialect)
}
const stateOf = async () => {
  const { hasp, lending } = lendingHasp
  return (await hasp.api('GET', `/keks/${lending.kekId}`)).body.state
}
/** Puts policies on the role beside those that Hasp asked for. */
const deny = (statement: object) => {
  const { hasp, surroundings } = lendingHasp
  const { keyArn, roleArn } = surroundings
  const condition = { StringEquals: { 'kms:EncryptionContext:hasp:org': hasp.orgId } }
  const granted = [
    { Effect: 'Allow', Action: ['kms:Encrypt', 'kms:Decrypt'], Resource: keyArn, Condition: condition },
    { Effect: 'Allow', Action: 'kms:DescribeKey', Resource: keyArn },
  ]
  surroundings.emulator.control.putPolicies({
    principalArn: roleArn,
    policies: [
      { Version: '2012-10-17', Statement: [...granted, { Effect: 'Deny', Resource: keyArn, ...statement }] },
    ],
  })
}

describe('a denial that may not be meant for the whole KEK', () => {
  it('of one record refuses that record alone: the KEK stays active and lends the others', async () => {
    const { openaiTargetId } = lendingHasp.lending
    deny({
      Action: 'kms:Decrypt',
      Condition: { StringEquals: { 'kms:EncryptionContext:hasp:record': openaiTargetId } },
    })
    expect(await call('openai')).toMatchObject({ status: 403, code: 'kek_revoked' })
    expect(await stateOf()).toBe('active')
    expect((await call('anthropic')).status).toBe(200)
    expect(await call('openai')).toMatchObject({ status: 403, code: 'kek_revoked' })
  })

  it('of every Decrypt suspends the KEK at the first refusal', async () => {
    deny({ Action: 'kms:Decrypt' })
    expect(await call('openai')).toMatchObject({ status: 403, code: 'kek_revoked' })
    expect(await stateOf()).toBe('suspended')
  })

  it('is refused at once and concluded from nothing while the KMS can not be asked again', async () => {
    const { control } = lendingHasp.surroundings.emulator
    const once = {
      type: 'error',
      code: 'AccessDeniedException',
      message: 'is not authorized',
      httpStatus: 400,
    } as const
    control.injectFault({ operation: 'Decrypt', effect: once })
    control.injectFault({ operation: 'Decrypt', effect: { type: 'reset' }, times: 4 })
    control.injectFault({ operation: 'DescribeKey', effect: { type: 'reset' }, times: 4 })
    expect(await call('openai')).toMatchObject({ status: 403, code: 'kek_revoked' })
    expect(await stateOf()).toBe('active')
    control.clearFaults()
    expect((await call('openai')).status).toBe(200)
  })

  it('is not waited with where the KMS says that the key is disabled', async () => {
    const { emulator, keyArn } = lendingHasp.surroundings
    const describes = () => emulator.control.events({ eventName: 'DescribeKey' }).length
    const before = describes()
    emulator.control.setKeyState({ keyId: keyArn, state: 'Disabled' })
    expect(await call('openai')).toMatchObject({ status: 403, code: 'kek_revoked' })
    expect(await stateOf()).toBe('suspended')
    expect(describes()).toBe(before)
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { versionStates } from '#emulators/google/kms/resources.ts'
import { startOneProject } from './one-project.ts'

describe('versions of a key', () => {
  let project: Awaited<ReturnType<typeof startOneProject>>
  beforeEach(async () => {
    project = await startOneProject()
  })
  afterEach(() => project[Symbol.asyncDispose]())

  const encrypt = () => project.owner('POST', `${project.keyName}:encrypt`, { plaintext: 'AAAA' })
  const setState = (state: string) =>
    project.owner('PATCH', `${project.versionName}?updateMask=state`, { state })

  it.each(versionStates.filter((state) => state !== 'ENABLED'))(
    'in state %s serve neither way, and say so in text and violation',
    async (state) => {
      const { ciphertext } = (await encrypt()).body
      project.control.setVersionState({ keyName: project.keyName, state })
      for (const reply of [
        await encrypt(),
        await project.owner('POST', `${project.keyName}:decrypt`, { ciphertext }),
      ]) {
        expect(reply.status).toBe(400)
        expect(reply.body.error).toMatchObject({
          status: 'FAILED_PRECONDITION',
          message: `${project.versionName} is not enabled, current state is: ${state}.`,
        })
        expect(reply.body.error.details[0]).toMatchObject({
          '@type': 'type.googleapis.com/google.rpc.PreconditionFailure',
          violations: [{ type: `KEY_${state}`, subject: project.versionName }],
        })
      }
    },
  )

  it('disable with a delay of effect, and enable at once', async () => {
    project.control.setDelays({ effectDelayMs: 60_000 })
    expect((await setState('DISABLED')).body.state).toBe('DISABLED')
    expect((await encrypt()).status).toBe(200)
    project.control.advanceClock({ ms: 60_000 })
    expect((await encrypt()).status).toBe(400)
    expect((await setState('ENABLED')).body.state).toBe('ENABLED')
    expect((await encrypt()).status).toBe(200)
    // An enabling ends a disabling that was still on its way.
    await setState('DISABLED')
    await setState('ENABLED')
    project.control.advanceClock({ ms: 60_000 })
    expect((await encrypt()).status).toBe(200)
  })

  it('are destroyed when their date has come, and come back disabled when restored before', async () => {
    const { control, owner } = project
    const { keyName } = control.createKey({
      projectId: 'acme-prod',
      cryptoKey: 'brief',
      destroyScheduledMs: 60_000,
    })
    const version = `${keyName}/cryptoKeyVersions/1`
    const { ciphertext } = (await owner('POST', `${keyName}:encrypt`, { plaintext: 'AAAA' })).body
    expect((await owner('POST', `${version}:destroy`, {})).body.state).toBe('DESTROY_SCHEDULED')
    expect((await owner('POST', `${version}:restore`, {})).body.state).toBe('DISABLED')
    await owner('POST', `${version}:destroy`, {})
    control.advanceClock({ ms: 60_000 })
    const { body } = await owner('GET', version)
    expect(body.state).toBe('DESTROYED')
    expect(body.destroyEventTime).toMatch(/^\d{4}-/)
    const restored = await owner('POST', `${version}:restore`, {})
    expect(restored.body.error.status).toBe('FAILED_PRECONDITION')
    const opened = await owner('POST', `${keyName}:decrypt`, { ciphertext })
    expect(opened.body.error.message).toContain('DESTROYED')
  })

  it('rotate: a new version becomes primary by request, and old ciphertext opens still', async () => {
    const before = (await encrypt()).body
    const created = await project.owner('POST', `${project.keyName}/cryptoKeyVersions`, {})
    expect(created.body.name).toBe(`${project.keyName}/cryptoKeyVersions/2`)
    expect((await encrypt()).body.name).toBe(project.versionName)
    await project.owner('POST', `${project.keyName}:updatePrimaryVersion`, { cryptoKeyVersionId: '2' })
    expect((await encrypt()).body.name).toBe(created.body.name)
    const opened = await project.owner('POST', `${project.keyName}:decrypt`, {
      ciphertext: before.ciphertext,
    })
    expect(opened.body).toMatchObject({ plaintext: 'AAAA', usedPrimary: false })
    const { cryptoKeyVersions } = (await project.owner('GET', `${project.keyName}/cryptoKeyVersions`)).body
    expect(cryptoKeyVersions.map(({ state }: { state: string }) => state)).toEqual(['ENABLED', 'ENABLED'])
  })
})

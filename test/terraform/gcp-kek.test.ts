import { describe, expect, it } from 'vitest'
import { GcpClients } from '#kms/gcp/gcp-clients.ts'
import { GcpKekProvider } from '#kms/gcp/gcp-kek-provider.ts'
import { gcpGrantDocuments, newGcpAudience } from '#kms/gcp/grant-documents.ts'
import { GcpGrantLinter } from '#kms/gcp/lint-grant.ts'
import { startGoogleProject } from '../support/google-project.ts'
import { refusalOf, renderModule } from '../support/terraform.ts'
import { isServing } from '../support/record-context.ts'

const PROJECT = 'customer-one'
const NONCE = 'hasp-01980f3e-7a00-7000-8000-000000000003'
type Shape = 'federated' | 'service-account'

/** An emulated Google Cloud in which Terraform's own output is all that was granted. */
async function startWithRenderedGrant(shape: Shape) {
  await using stack = new AsyncDisposableStack()
  const hasp = stack.use(await startGoogleProject())
  const { control, own } = hasp
  const { projectNumber } = control.createProject({ projectId: PROJECT })
  const audience = newGcpAudience()
  const rendered = await renderModule('gcp-kek/grant', {
    project: PROJECT,
    location: 'europe-west3',
    key_ring: 'hasp',
    crypto_key: 'kek',
    ...(shape === 'federated'
      ? { project_number: projectNumber, audience, hasp_subject: own.uniqueId }
      : { hasp_service_account: own.email, owner_nonce: NONCE }),
  })
  const { keyName } = control.createKey({ projectId: PROJECT, cryptoKey: 'kek', labels: rendered['labels'] })
  const { member, role } = rendered
  control.addBinding({ resource: keyName, binding: { role, members: [member] } })
  const identityProvider = `projects/${projectNumber}/locations/global/workloadIdentityPools/hasp-pool/providers/hasp`
  if (shape === 'federated') {
    control.createIdentityProvider({
      name: identityProvider,
      oidc: { issuerUri: 'https://accounts.google.com', allowedAudiences: [rendered['allowed_audience']] },
      attributeCondition: rendered['attribute_condition'],
    })
  } else {
    const custom = `projects/${PROJECT}/roles/haspReadsLabel`
    control.createRole({ name: custom, permissions: rendered['label_permissions'] })
    control.addBinding({ resource: keyName, binding: { role: custom, members: [member] } })
  }
  const clients = stack.use(new GcpClients(hasp.reach))
  const federation = shape === 'federated' ? { identityProvider, audience } : null
  const owned = stack.move()
  return {
    rendered,
    keyName,
    grant: gcpGrantDocuments({
      keyName,
      identityProvider: shape === 'federated' ? identityProvider : null,
      audience,
      ownerNonce: NONCE,
      serviceAccount: own.email,
      subject: own.uniqueId,
    }),
    provider: new GcpKekProvider({ keyName, federation }, clients),
    linter: new GcpGrantLinter({ keyName, federation }, clients),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

describe.each(['federated', 'service-account'] as const)(
  'the grant that terraform/gcp-kek makes (%s)',
  (shape) => {
    it('lets exactly our own calls pass, and nothing that the linter knows', async () => {
      await using gcp = await startWithRenderedGrant(shape)
      expect(await isServing(gcp.provider)).toBe(true)
      await gcp.linter.proveOwnership(NONCE)
      const { findings, probes } = await gcp.linter.lint()
      expect(findings.filter(({ severity }) => severity !== 'notice')).toEqual([])
      expect(probes.filter(({ outcome }) => outcome !== 'refused')).toEqual([])
      expect(probes.length).toBeGreaterThan(15)
    })

    it('is the same as what Hasp prints', async () => {
      await using gcp = await startWithRenderedGrant(shape)
      const binding = gcp.grant.documents.find(({ title }) => title.startsWith('Binding'))
      expect(JSON.parse(binding?.body ?? '')).toEqual({
        role: gcp.rendered['role'],
        members: [gcp.rendered['member']],
      })
      expect(gcp.rendered['key_name']).toBe(gcp.keyName)
      if (shape === 'federated') {
        const provider = JSON.parse(gcp.grant.documents[0]?.body ?? '')
        expect(provider.oidc.allowedAudiences).toEqual([gcp.rendered['allowed_audience']])
        expect(provider.attributeCondition).toBe(gcp.rendered['attribute_condition'])
      }
    })
  },
)

it.each([
  ['project', '123456789012', 'not its number'],
  ['audience', 'chosen-by-myself', 'made for this KEK'],
  ['hasp_subject', 'hasp@hasp-service.iam.gserviceaccount.com', 'not its e-mail'],
  ['hasp_service_account', 'allUsers', 'one service account'],
  ['crypto_key', '*', 'letters'],
])('terraform/gcp-kek makes no grant of a %s such as %s', async (name, value, sentence) => {
  const good = { project: PROJECT, location: 'europe-west3', key_ring: 'hasp', crypto_key: 'kek' }
  expect(await refusalOf('gcp-kek/grant', { ...good, [name]: value })).toContain(sentence)
})

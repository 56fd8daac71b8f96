import type { AzureEmulatorControl, MadeApplication } from './control.ts'
import type { Seed } from './inputs.ts'

export type Planted = Readonly<{
  tenants: readonly Readonly<{
    tenantId: string
    applications: readonly MadeApplication[]
    stores: readonly Readonly<{ host: string; resourceId: string; keyIds: readonly string[] }>[]
  }>[]
}>

/** Plants each tenant with its applications, its stores and their keys. */
export async function plantSeed(control: AzureEmulatorControl, seed: Seed): Promise<Planted> {
  const tenants = []
  for (const { tenantId: wanted, applications = [], stores = [] } of seed.tenants) {
    const { tenantId } = control.createTenant(wanted === undefined ? {} : { tenantId: wanted })
    const made = applications.map((application) => control.createApplication({ tenantId, ...application }))
    const planted = []
    for (const { keys = [], ...store } of stores) {
      const { host, resourceId } = control.createStore({ tenantId, ...store })
      const keyIds = []
      for (const wantedKey of keys)
        keyIds.push((await control.createKey({ store: host, ...wantedKey })).keyId)
      planted.push({ host, resourceId, keyIds })
    }
    tenants.push({ tenantId, applications: made, stores: planted })
  }
  return { tenants }
}

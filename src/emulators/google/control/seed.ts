import type { ServiceAccountKeyFile } from '#emulators/google/tokens/service-accounts.ts'
import type { GoogleEmulatorControl } from './control.ts'
import type { Seed } from './inputs.ts'

export type Planted = Readonly<{
  projects: readonly Readonly<{ projectId: string; projectNumber: string; ownerToken: string }>[]
  serviceAccounts: readonly Readonly<{ email: string; uniqueId: string; keyFile: ServiceAccountKeyFile }>[]
  keys: readonly Readonly<{ keyName: string }>[]
}>

/** Plants projects, then service accounts, then keys. */
export function plantSeed(control: GoogleEmulatorControl, { projects }: Seed): Planted {
  const planted = {
    projects: projects.map(({ projectId }) => control.createProject({ projectId })),
    serviceAccounts: projects.flatMap(({ projectId, serviceAccounts = [] }) =>
      serviceAccounts.map((account) => control.createServiceAccount({ projectId, ...account })),
    ),
    keys: projects.flatMap(({ keys = [], projectId }) =>
      keys.map((wanted) => control.createKey({ projectId, ...wanted })),
    ),
  }
  for (const { isDataAccessLogged, projectId } of projects) {
    if (isDataAccessLogged === true) control.logDataAccess({ projectId })
  }
  return planted
}

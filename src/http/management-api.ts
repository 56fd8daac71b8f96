import type { ApiDeps, ApiServer } from './api-server.ts'
import { requireAdminToken } from './authenticate.ts'
import { adminTokenRoutes } from './routes/admin-tokens/admin-tokens.ts'
import { deleteTargetRoute, retireCredentialRoute } from './routes/api-targets/delete.ts'
import { listTargetsRoute } from './routes/api-targets/list.ts'
import { readTargetRoute } from './routes/api-targets/read.ts'
import { storeTargetRoute } from './routes/api-targets/store.ts'
import { testTargetRoute } from './routes/api-targets/test.ts'
import { updateTargetRoute } from './routes/api-targets/update.ts'
import { endDrillRoute, markDrillRoute } from './routes/drills/mark.ts'
import { readDrillRoute } from './routes/drills/read.ts'
import { startDrillRoute } from './routes/drills/start.ts'
import {
  issueOnboardingLinkRoute,
  listOnboardingLinksRoute,
  revokeOnboardingLinkRoute,
} from './routes/keks/onboarding-link.ts'
import { listKeksRoute, readKekRoute } from './routes/keks/read.ts'
import { registerKekRoute } from './routes/keks/register.ts'
import { retireKekRoute, updateKekRoute } from './routes/keks/update.ts'
import { listVerificationsRoute, verifyKekRoute } from './routes/keks/verify.ts'
import { cancelLifecycleJobRoute } from './routes/lifecycle-jobs/cancel.ts'
import {
  listCryptoperiodsRoute,
  listDueRecordsRoute,
  readCryptoperiodRoute,
} from './routes/lifecycle-jobs/cryptoperiods.ts'
import { listLifecycleJobsRoute, readLifecycleJobRoute } from './routes/lifecycle-jobs/read.ts'
import { startLifecycleJobRoute } from './routes/lifecycle-jobs/start.ts'
import { listEntriesRoute } from './routes/ledger/list.ts'
import { listReceiptsRoute } from './routes/ledger/receipts.ts'
import { readOrganisationRoute } from './routes/organisation/read.ts'
import { issueVirtualKeyRoute } from './routes/virtual-keys/issue.ts'
import { revokeVirtualKeyRoute, updateVirtualKeyRoute } from './routes/virtual-keys/change.ts'
import { listVirtualKeysRoute, readVirtualKeyRoute } from './routes/virtual-keys/read.ts'
import { parseJsonWithoutSecrets } from './secret-body.ts'
import { readWholeNumbers } from './whole-numbers.ts'

const routes = [
  readOrganisationRoute,
  registerKekRoute,
  listKeksRoute,
  readKekRoute,
  updateKekRoute,
  verifyKekRoute,
  listVerificationsRoute,
  issueOnboardingLinkRoute,
  listOnboardingLinksRoute,
  revokeOnboardingLinkRoute,
  retireKekRoute,
  startDrillRoute,
  readDrillRoute,
  markDrillRoute,
  endDrillRoute,
  startLifecycleJobRoute,
  listLifecycleJobsRoute,
  readLifecycleJobRoute,
  cancelLifecycleJobRoute,
  listCryptoperiodsRoute,
  readCryptoperiodRoute,
  listDueRecordsRoute,
  storeTargetRoute,
  listTargetsRoute,
  readTargetRoute,
  updateTargetRoute,
  testTargetRoute,
  deleteTargetRoute,
  retireCredentialRoute,
  issueVirtualKeyRoute,
  listVirtualKeysRoute,
  readVirtualKeyRoute,
  updateVirtualKeyRoute,
  revokeVirtualKeyRoute,
  adminTokenRoutes,
  listEntriesRoute,
  listReceiptsRoute,
]

/** Everything under `/api/v1`: one organisation's, by its admin token. */
export function managementApi(app: ApiServer, deps: ApiDeps): void {
  app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger())
  void app.register(async (scope: ApiServer) => {
    requireAdminToken(scope, deps)
    parseJsonWithoutSecrets(scope)
    readWholeNumbers(scope)
    for (const route of routes) route(scope, deps)
  })
}

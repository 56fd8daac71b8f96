import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Grant } from '#access/virtual-key-directory.ts'
import type { UnwrappedRecord } from '#keks/unwrap-record.ts'
import { openSecretInto } from '#envelope/open.ts'
import type { Receipt, ReceiptOutcome } from '#ledger/receipt.ts'
import { findProvider } from '#providers/providers.ts'
import type { LendableTarget } from '#targets/lendable.ts'
import type { OrganisationView } from '#targets/organisation-view.ts'
import { answerRefusal } from './answer-refusal.ts'
import { chooseTarget, type Wish } from './choose-target.ts'
import { CredentialMark } from './credential-mark.ts'
import type { ProxyDeps } from './deps.ts'
import { readRequestedModel } from './model-name.ts'
import { ProxiedCall } from './proxied-call.ts'
import { Refusal } from './refusal.ts'
import { checkRequestHead } from './request-head.ts'
import { selectRequestHeaders } from './request-headers.ts'
import { parseRequestPath } from './request-path.ts'
import { callerDialect, routeRequest } from './route.ts'
import { findVirtualKey } from './virtual-key-header.ts'

/** How often a decision is made anew when the organisation changes while it is carried out. */
const decisionsMax = 8

/** Serves one proxied request from its head to its end; every failure is answered in the caller's dialect. */
export async function serve(
  deps: ProxyDeps,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  try {
    await lend(deps, request, response)
  } catch (error) {
    answerRefusal(deps, request, response, error)
  }
}

/**
 * The protocol: authenticate → route → read → decide (target, unwrap, receipt) → forward. The credential is opened
 * only when the request's head is written to the provider's socket, and its receipt is durable before that.
 */
async function lend(deps: ProxyDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (deps.stopping.aborted) throw new Refusal('hasp_stopping')
  if (deps.calls.isFull)
    throw new Refusal('too_many_bodies', {
      message: 'Hasp has as many calls under way as it may. Try again shortly.',
    })
  const { rawHeaders, method = 'GET', url = '/' } = request
  const head = checkRequestHead(rawHeaders)
  const token = findVirtualKey(head.headers)
  const grant = deps.virtualKeys.grantInHand(token) ?? (await authenticate(deps, token))

  const { path, query } = parseRequestPath(url)
  const route = routeRequest(method, path, callerDialect(path, rawHeaders))
  if (route === null) throw new Refusal('endpoint_unknown')
  using seat = deps.shares.enter(grant.virtualKey.orgId)
  using body = await deps.bodies.read(request, head, seat.share)
  const requested = readRequestedModel(
    route.operation?.modelIn,
    head.contentType,
    body.bytes ?? Buffer.alloc(0),
  )
  const wish: Wish = { route, model: route.model ?? requested.model, targetName: head.targetName }
  if (wish.model === undefined && route.kind === 'unified' && route.operation.modelIn !== 'none') {
    throw new Refusal('model_missing')
  }

  for (let attempt = 0; attempt < decisionsMax; attempt += 1) {
    const decision = await decide(deps, token, grant, wish, `${method} ${route.upstreamPath}`)
    const { lendable, receipt } = decision
    const provider = findProvider(lendable.target.provider)
    if (provider === undefined) throw new Refusal('no_target')
    const mark = new CredentialMark()
    const call = new ProxiedCall(deps, {
      response,
      dialect: route.dialect,
      provider,
      lendable,
      receipt,
      requestBytes: body.bytes?.length ?? 0,
      isStream: requested.isStream,
      mark,
      isOvertaken: () => isKekOvertaken(deps, decision),
    })
    const end = await call.exchange({
      origin: lendable.origin,
      method,
      path: lendable.pathPrefix + route.upstreamPath + query,
      headers: selectRequestHeaders(head.headers, provider, { isStream: requested.isStream }),
      credential: credentialFor(deps, decision, provider.credentialHeader, mark),
      body: body.bytes,
      headersTimeoutMs: deps.upstreamHeadersTimeoutMs,
      bodyTimeoutMs: deps.upstreamIdleTimeoutMs,
    })
    if (end === 'ended') return
  }
  throw changedTooFast()
}

/**
 * @throws {Refusal} `virtual_key_unknown`, `virtual_key_expired`, `virtual_key_revoked`, `virtual_key_tampered`,
 *   `virtual_key_busy`
 */
async function authenticate(deps: ProxyDeps, token: string, view?: OrganisationView): Promise<Grant> {
  const found = await deps.virtualKeys.authenticate(token, view)
  if (found.outcome !== 'granted') throw new Refusal(`virtual_key_${found.outcome}`)
  return found.grant
}

/** What a call is made under. `revocations`: how many of its KEK this node knew of. */
type Decision = Readonly<{
  lendable: LendableTarget
  unwrapped: UnwrappedRecord
  receipt: Receipt
  revocations: number
}>

/**
 * Chooses the target, has its record unwrapped and the receipt committed, all under one epoch of the organisation:
 * whatever changes meanwhile (a virtual key revoked, a target deleted, a KEK suspended) makes the receipt stale, and
 * the decision is made anew on what holds now.
 */
async function decide(
  deps: ProxyDeps,
  token: string,
  firstGrant: Grant,
  wish: Wish,
  operation: string,
): Promise<Decision> {
  let grant = firstGrant
  for (let decision = 0; decision < decisionsMax; decision += 1) {
    const { orgId } = grant.virtualKey
    const found = deps.views.find(orgId)
    const view = found instanceof Promise ? await found : found
    if (view.epoch !== grant.epoch || grant.readAtMs < view.readAtMs) {
      grant = await authenticate(deps, token, view)
      if (grant.epoch !== view.epoch) deps.views.forget(view)
      continue
    }
    // It may have expired while the body arrived.
    const { expiresAt } = grant.virtualKey
    if (expiresAt !== null && expiresAt <= deps.now()) throw new Refusal('virtual_key_expired')
    const lendable = lendableOrRefusal(grant, view, wish)
    if (lendable instanceof Refusal) {
      if (await deps.views.isCurrent(view)) throw lendable
    } else {
      const { unwrapper, receipts } = deps
      const revocations = unwrapper.revocationsOf(lendable.kek.id)
      const unwrapping = unwrapper.unwrap(lendable.record, view.epoch)
      const unwrapped = unwrapping instanceof Promise ? await unwrapping : unwrapping
      if (unwrapped !== 'stale') {
        const receipt = receiptOf(deps, grant, lendable, unwrapped, wish, operation)
        const isCommitted = (await receipts.commit(receipt)) === 'committed'
        // A receipt on its way to the disk may land beside a change, which this node knows by now.
        const decision: Decision = { lendable, unwrapped, receipt, revocations }
        if (isCommitted && !isOvertaken(deps, decision)) return decision
        if (isCommitted) receipts.settle(unusedOutcome(receipt))
      }
    }
    deps.stats.staleDecisions += 1
    deps.views.forget(view)
  }
  throw changedTooFast()
}

function changedTooFast(): Refusal {
  return new Refusal('internal', {
    message: 'Your organisation is being changed faster than this request could be decided. Try again.',
  })
}

/** Whether this node knows of a change since the decision. */
function isOvertaken(deps: ProxyDeps, decision: Decision): boolean {
  const { orgId, epoch } = decision.receipt
  return isKekOvertaken(deps, decision) || deps.views.isOvertaken(orgId, epoch)
}

function isKekOvertaken({ unwrapper }: ProxyDeps, { lendable, revocations }: Decision): boolean {
  return unwrapper.revocationsOf(lendable.kek.id) !== revocations
}

/** How a receipt ends under which nothing was sent. */
function unusedOutcome(receipt: Receipt): ReceiptOutcome {
  const { receiptId, orgId, virtualKeyId, targetId, kekId } = receipt
  return {
    receiptId,
    orgId,
    virtualKeyId,
    targetId,
    kekId,
    end: 'refused',
    status: null,
    requestBytes: 0,
    responseBytes: 0,
    durationMs: 0,
    upstreamRequestId: null,
  }
}

function lendableOrRefusal(grant: Grant, view: OrganisationView, wish: Wish): LendableTarget | Refusal {
  try {
    const lendable = chooseTarget(grant, view, wish)
    return lendable.kek.state === 'active' ? lendable : new Refusal('kek_revoked')
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

function receiptOf(
  deps: ProxyDeps,
  grant: Grant,
  { target, kek }: LendableTarget,
  { use }: UnwrappedRecord,
  wish: Wish,
  operation: string,
): Receipt {
  if (use.isReused) deps.stats.unwrapsReused += 1
  else deps.stats.unwrapsFresh += 1
  return {
    receiptId: deps.newReceiptId(),
    orgId: target.orgId,
    epoch: grant.epoch,
    occurredAt: deps.now(),
    virtualKeyId: grant.virtualKey.id,
    targetId: target.id,
    kekId: kek.id,
    credentialGeneration: target.generation,
    provider: target.provider,
    operation,
    model: wish.model ?? null,
    unwrap: use,
  }
}

/**
 * The credential as the transport takes it: a way to open it into the outgoing bytes, not the bytes. The call may have
 * waited for its socket since it was decided, and its KEK may be gone.
 */
function credentialFor(
  deps: ProxyDeps,
  decision: Decision,
  header: { name: string; prefix: string },
  mark: CredentialMark,
) {
  const { lendable, unwrapped } = decision
  return {
    headerName: header.name,
    prefix: header.prefix,
    lengthMax: lendable.credentialBytesMax,
    openInto: (out: Buffer, offset: number) => {
      if (isKekOvertaken(deps, decision)) throw new Refusal('kek_revoked')
      const { recordKey } = unwrapped
      const length = openSecretInto(recordKey, lendable.record.envelope, lendable.aad, out, offset)
      mark.note(out, offset, length)
      return length
    },
  }
}

import { findRefusal } from '#emulators/aws/iam/authorize.ts'
import { parsePolicy, type PolicyDocument } from '#emulators/aws/iam/policy-document.ts'
import { requirePrincipalsExist } from '#emulators/aws/iam/policy-principals.ts'
import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import { flag, optionalText, requiredText, type JsonObject } from './input.ts'
import { invalidState } from './key-state.ts'
import { authorizedKey, requestContext, type KmsCall, type KmsDeps, type Operation } from './operation.ts'

const POLICY_LENGTH_MAX = 32_768

/** A KMS key has one policy, named `default`. */
export const policyOperations: Readonly<Record<string, Operation>> = {
  PutKeyPolicy: { isReadOnly: false, run: putKeyPolicy },
  GetKeyPolicy: { isReadOnly: true, run: getKeyPolicy },
  ListKeyPolicies: { isReadOnly: true, run: listKeyPolicies },
  ListGrants: { isReadOnly: true, run: listGrants },
}

function putKeyPolicy(deps: KmsDeps, call: KmsCall): JsonObject {
  requireDefaultName(call)
  const text = requiredText(call.input, 'Policy', POLICY_LENGTH_MAX)
  const kmsKey = authorizedKey(deps, call, 'own-account')
  if (kmsKey.state.recorded() === 'PendingDeletion') throw invalidState(kmsKey, 'is pending deletion')
  const document = requireValidKeyPolicy(deps, text)
  if (!flag(call.input, 'BypassPolicyLockoutSafetyCheck')) requireNoLockout(call, document, kmsKey.accountId)
  kmsKey.policy.set(document, call.nowMs, deps.settings.effectDelayMs)
  return {}
}

function getKeyPolicy(deps: KmsDeps, call: KmsCall): JsonObject {
  requireDefaultName(call)
  const kmsKey = authorizedKey(deps, call, 'own-account')
  return { Policy: kmsKey.policy.recorded().text, PolicyName: 'default' }
}

function listKeyPolicies(deps: KmsDeps, call: KmsCall): JsonObject {
  authorizedKey(deps, call, 'own-account')
  return { PolicyNames: ['default'], Truncated: false }
}

/** CreateGrant is not carried out: there are none. */
function listGrants(deps: KmsDeps, call: KmsCall): JsonObject {
  authorizedKey(deps, call, 'cross-account')
  return { Grants: [], Truncated: false }
}

function requireDefaultName(call: KmsCall): void {
  const name = optionalText(call.input, 'PolicyName', 128) ?? 'default'
  if (name !== 'default') throw new ServiceError('NotFoundException', 'No such policy exists')
}

/** @throws {ServiceError} MalformedPolicyDocumentException, also for principals that do not exist */
export function requireValidKeyPolicy(deps: KmsDeps, text: string): PolicyDocument {
  const document = parsePolicy(text, 'key')
  requirePrincipalsExist(document, deps.identities)
  return document
}

/** The safety check: whoever sets a policy must be able to set the next one. */
export function requireNoLockout(call: KmsCall, document: PolicyDocument, accountId: string): void {
  const refusal = findRefusal({
    caller: call.caller,
    action: 'kms:PutKeyPolicy',
    resourceArn: `arn:aws:kms:${call.region}:${accountId}:key/*`,
    resourceAccountId: accountId,
    resourcePolicy: document,
    context: requestContext(call.caller, [], undefined),
    nowMs: call.nowMs,
  })
  if (refusal !== undefined) {
    throw new ServiceError(
      'MalformedPolicyDocumentException',
      'The new key policy will not allow you to update the key policy in the future.',
    )
  }
}

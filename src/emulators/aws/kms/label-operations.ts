import { ServiceError, validationError } from '#emulators/aws/wire/service-error.ts'
import { requiredText, tagPairs, type JsonObject } from './input.ts'
import { invalidState } from './key-state.ts'
import {
  authorizeAccountAction,
  authorizedKey,
  type KmsCall,
  type KmsDeps,
  type Operation,
} from './operation.ts'

const TAGS_MAX = 50

/** Tags and aliases: names that an owner hangs on a KMS key. */
export const labelOperations: Readonly<Record<string, Operation>> = {
  TagResource: { isReadOnly: false, run: tagResource },
  ListResourceTags: { isReadOnly: true, run: listTags },
  CreateAlias: { isReadOnly: false, run: createAlias },
  ListAliases: { isReadOnly: true, run: listAliases },
}

function tagResource(deps: KmsDeps, call: KmsCall): JsonObject {
  const kmsKey = authorizedKey(deps, call, 'own-account')
  if (kmsKey.state.recorded() === 'PendingDeletion') throw invalidState(kmsKey, 'is pending deletion')
  const merged = new Map([...kmsKey.tags, ...tagPairs(call.input, TAGS_MAX)])
  if (merged.size > TAGS_MAX)
    throw new ServiceError('LimitExceededException', `A key has at most ${TAGS_MAX} tags.`)
  for (const [name, value] of merged) kmsKey.tags.set(name, value)
  return {}
}

function listTags(deps: KmsDeps, call: KmsCall): JsonObject {
  const kmsKey = authorizedKey(deps, call, 'own-account')
  return { Tags: [...kmsKey.tags].map(([TagKey, TagValue]) => ({ TagKey, TagValue })), Truncated: false }
}

function createAlias(deps: KmsDeps, call: KmsCall): JsonObject {
  const name = requiredText(call.input, 'AliasName', 256)
  if (!/^alias\/[a-zA-Z0-9/_-]+$/.test(name)) {
    throw validationError(
      'aliasName',
      'Member must satisfy regular expression pattern: ^alias/[a-zA-Z0-9/_-]+$',
      name,
    )
  }
  if (name.startsWith('alias/aws/')) throw new ServiceError('NotAuthorizedException')
  const aliasArn = `arn:aws:kms:${call.region}:${call.caller.principal.accountId}:${name}`
  authorizeAccountAction(call, aliasArn)
  const kmsKey = authorizedKey(deps, call, 'own-account', 'TargetKeyId')
  if (!deps.keys.addAlias(name, kmsKey)) {
    throw new ServiceError('AlreadyExistsException', `An alias with the name ${aliasArn} already exists`)
  }
  return {}
}

function listAliases(deps: KmsDeps, call: KmsCall): JsonObject {
  authorizeAccountAction(call)
  const wanted = call.input['KeyId'] === undefined ? undefined : authorizedKey(deps, call, 'own-account')
  const aliases = deps.keys.aliases(call.caller.principal.accountId, call.region)
  return {
    Aliases: aliases
      .filter((alias) => wanted === undefined || alias.keyId === wanted.keyId)
      .map((alias) => ({ AliasName: alias.name, AliasArn: alias.arn, TargetKeyId: alias.keyId })),
    Truncated: false,
  }
}

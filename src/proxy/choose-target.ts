import type { Grant } from '#access/virtual-key-directory.ts'
import type { Operation } from '#providers/operations.ts'
import type { Provider } from '#providers/provider.ts'
import { findProvider, providers, servesModel } from '#providers/providers.ts'
import type { LendableTarget } from '#targets/lendable.ts'
import type { OrganisationView } from '#targets/organisation-view.ts'
import { baseUrls } from './refusal-rules.ts'
import { Refusal } from './refusal.ts'
import type { Route } from './route.ts'

/** What of a request decides which target serves it. */
export type Wish = Readonly<{
  route: Route
  /** The model that it names, in path or body. */
  model: string | undefined
  /** Value of `x-hasp-target`: name or id of the one target that may serve it. */
  targetName: string | undefined
}>

/**
 * The target that serves a request: in the scope of its virtual key, of the right provider, serving its model; the
 * first stored among several.
 * @throws {Refusal} telling apart what there is not, and what this virtual key may not use.
 */
export function chooseTarget(grant: Grant, view: OrganisationView, wish: Wish): LendableTarget {
  assertModelAllowed(grant, wish)
  let isServedOutOfScope = false
  let hasProvider = false
  for (const candidate of view.targets) {
    if (!isOfRoute(candidate, wish.route) || !isNamed(candidate, wish.targetName)) continue
    hasProvider = true
    if (!serves(candidate, wish.model)) continue
    if (isInScope(grant, candidate.target.id)) return candidate
    isServedOutOfScope = true
  }
  if (isServedOutOfScope) throw new Refusal('target_not_allowed')
  if (hasTampered(grant, view)) throw new Refusal('credential_tampered')
  if (!hasProvider && wish.targetName !== undefined) throw noneOfThisName()
  throw hasProvider ? noneServes(wish) : new Refusal('no_target')
}

/** A virtual key limited to models may only make calls of which it is known which model they run. */
function assertModelAllowed({ virtualKey }: Grant, { route, model }: Wish): void {
  if (virtualKey.models.length === 0) return
  // A field `model` in the body of an endpoint that Hasp does not know need not be the model that it runs.
  if (model !== undefined && route.operation !== null) {
    if (!servesModel(virtualKey.models, model)) throw new Refusal('model_not_allowed')
    return
  }
  if (route.operation?.modelIn !== 'none') {
    throw new Refusal('model_not_allowed', {
      message:
        'This Hasp virtual key is limited to certain models, and this request does not say which model it runs.',
    })
  }
}

function isOfRoute({ target }: LendableTarget, route: Route): boolean {
  if (route.kind === 'native') return target.provider === route.provider.name
  const provider = findProvider(target.provider)
  if (provider === undefined || !provider.operations.includes(route.operation)) return false
  // Both providers list models; the caller's dialect says whose list is meant.
  return route.operation.modelIn !== 'none' || provider.dialect === route.dialect
}

function isNamed({ target }: LendableTarget, name: string | undefined): boolean {
  return name === undefined || target.name === name || target.id === name
}

function serves({ target }: LendableTarget, model: string | undefined): boolean {
  if (model === undefined) return true
  const patterns = target.models.length > 0 ? target.models : (findProvider(target.provider)?.models ?? [])
  return servesModel(patterns, model)
}

function isInScope({ targetIds }: Grant, targetId: string): boolean {
  return targetIds === 'all' || targetIds.has(targetId)
}

function hasTampered(grant: Grant, view: OrganisationView): boolean {
  for (const id of view.tamperedTargetIds) if (isInScope(grant, id)) return true
  return false
}

function noneOfThisName(): Refusal {
  return new Refusal('no_target', {
    message:
      'No target for this endpoint has the name or id that x-hasp-target gives. Check its spelling, or leave the header out.',
  })
}

/** Tells a wrong endpoint from a wrong model: whoever has the one corrected in vain tries the other. */
function noneServes({ route, model = '', targetName }: Wish): Refusal {
  if (targetName !== undefined) {
    return new Refusal('model_unknown', {
      message:
        'The target that x-hasp-target names does not serve this model. Name another, or leave the header out.',
    })
  }
  const here = route.kind === 'native' ? [route.provider] : providersOf(route.operation)
  const makers = providers.filter((provider) => servesModel(provider.models, model))
  const [maker] = makers
  if (maker === undefined || makers.some((provider) => here.includes(provider))) {
    return new Refusal('model_unknown')
  }
  const endpoint = here.map(({ label }) => `${label}’s`).join(' and ')
  return new Refusal('model_unknown', {
    message: `This endpoint is ${endpoint} and the model ${maker.label}’s: Hasp translates between them in no way. Call it with an SDK of ${maker.label}’s. ${baseUrls}`,
  })
}

function providersOf(operation: Operation): Provider[] {
  return providers.filter((provider) => provider.operations.includes(operation))
}

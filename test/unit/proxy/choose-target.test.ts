import { describe, expect, it } from 'vitest'
import type { Grant } from '#access/virtual-key-directory.ts'
import { chooseTarget, type Wish } from '#proxy/choose-target.ts'
import { Refusal } from '#proxy/refusal.ts'
import { callerDialect, routeRequest } from '#proxy/route.ts'
import type { LendableTarget } from '#targets/lendable.ts'
import type { OrganisationView } from '#targets/organisation-view.ts'
import type { Target } from '#targets/target.ts'

function target(id: string, fields: Partial<Target> = {}): LendableTarget {
  return {
    target: { id, name: `name of ${id}`, provider: 'openai', models: [], ...fields },
  } as LendableTarget
}

function view(targets: LendableTarget[], tampered: string[] = []): OrganisationView {
  return { orgId: 'org', epoch: '1', readAtMs: 0, targets, tamperedTargetIds: new Set(tampered) }
}

function grant(targetIds: string[] | 'all' = 'all', models: string[] = []): Grant {
  return {
    virtualKey: { models },
    epoch: '1',
    readAtMs: 0,
    targetIds: targetIds === 'all' ? 'all' : new Set(targetIds),
  } as unknown as Grant
}

function wish(request: string, model?: string, targetName?: string, headers: string[] = []): Wish {
  const [method = '', path = ''] = request.split(' ')
  const route = routeRequest(method, path, callerDialect(path, headers))
  if (route === null) throw new Error(`${path} is not routed`)
  return { route, model: route.model ?? model, targetName }
}

function choose(...request: Parameters<typeof chooseTarget>): string {
  try {
    return chooseTarget(...request).target.id
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
}

const chat = 'POST /v1/chat/completions'

describe('choosing the target of a request', () => {
  const all = view([target('a', { models: ['gpt-5'] }), target('b'), target('c', { provider: 'anthropic' })])

  it('takes the first stored among those that serve the model', () => {
    expect(choose(grant(), all, wish(chat, 'gpt-5'))).toBe('a')
    expect(choose(grant(), all, wish(chat, 'gpt-4o'))).toBe('b')
    expect(choose(grant(), all, wish('POST /v1/messages', 'claude-opus-5'))).toBe('c')
    expect(choose(grant(), all, wish('POST /openai/v1/responses', 'gpt-5'))).toBe('a')
  })

  it('goes by scope first, so that an allowed target serves where the first is not', () => {
    expect(choose(grant(['b']), all, wish(chat, 'gpt-5'))).toBe('b')
  })

  it('takes the one that is named, by name or id, or none', () => {
    expect(choose(grant(), all, wish(chat, 'gpt-5', 'b'))).toBe('b')
    expect(choose(grant(), all, wish(chat, 'gpt-5', 'name of b'))).toBe('b')
    expect(choose(grant(), all, wish(chat, 'gpt-5', 'name'))).toBe('no_target')
    expect(choose(grant(), all, wish(chat, 'gpt-5', ''))).toBe('no_target')
    expect(choose(grant(), all, wish(chat, 'gpt-4o', 'a'))).toBe('model_unknown')
    expect(choose(grant(), all, wish(chat, 'gpt-5', 'c'))).toBe('no_target')
  })

  it('lists the models of the caller’s dialect', () => {
    expect(choose(grant(), all, wish('GET /v1/models'))).toBe('a')
    expect(
      choose(grant(), all, wish('GET /v1/models', undefined, undefined, ['anthropic-version', '2023-06-01'])),
    ).toBe('c')
  })

  it('tells apart what there is not and what this key may not use', () => {
    expect(choose(grant(), view([]), wish(chat, 'gpt-5'))).toBe('no_target')
    expect(choose(grant(), all, wish(chat, 'mistral'))).toBe('model_unknown')
    expect(choose(grant(['c']), all, wish(chat, 'gpt-5'))).toBe('target_not_allowed')
    expect(choose(grant([]), all, wish(chat, 'gpt-5'))).toBe('target_not_allowed')
  })

  describe('where nothing serves the model', () => {
    const messageOf = (asked: Wish): string => {
      try {
        chooseTarget(grant(), all, asked)
      } catch (error) {
        if (error instanceof Refusal && error.code === 'model_unknown') return error.message
        throw error
      }
      throw new Error('chosen')
    }

    it.each([
      ['POST /v1/chat/completions', 'claude-opus-5', 'OpenAI’s and the model Anthropic’s'],
      ['POST /openai/v1/messages', 'claude-opus-5', 'OpenAI’s and the model Anthropic’s'],
      ['POST /v1/messages', 'gpt-5', 'Anthropic’s and the model OpenAI’s'],
      ['POST /anthropic/v1/messages', 'gpt-5', 'Anthropic’s and the model OpenAI’s'],
    ])('tells the caller of %s with %s where that model is called', (request, model, told) => {
      const message = messageOf(wish(request, model))
      expect(message).toContain(`This endpoint is ${told}`)
      expect(message).toContain('/openai/v1 for OpenAI SDKs, /anthropic for Anthropic SDKs')
    })

    it('blames the name of a model that nobody makes, and the header that chose the target', () => {
      expect(messageOf(wish(chat, 'mistral'))).toContain('Check the name')
      expect(messageOf(wish(chat, 'gpt-4o', 'a'))).toContain('x-hasp-target')
      expect(messageOf(wish('GET /v1/models/mistral'))).toContain('Check the name')
    })
  })

  describe('for a virtual key that is limited to models', () => {
    const limited = grant('all', ['gpt-5', 'gpt-4o*'])

    it.each([
      ['gpt-5', 'a'],
      ['gpt-4o-mini', 'b'],
      ['gpt-5-mini', 'model_not_allowed'],
      ['GPT-5', 'model_not_allowed'],
      ['gpt-4', 'model_not_allowed'],
      ['claude-opus-5', 'model_not_allowed'],
    ])('%s: %s', (model, outcome) => {
      expect(choose(limited, all, wish(chat, model))).toBe(outcome)
    })

    it('lets no request through whose model Hasp does not see', () => {
      for (const request of [
        'POST /openai/v1/batches',
        'POST /openai/v1/threads/runs',
        'PUT /openai/v1/chat/completions',
        'GET /openai/v1/files',
      ])
        for (const model of [undefined, 'gpt-5'])
          expect(choose(limited, all, wish(request, model))).toBe('model_not_allowed')
      expect(choose(limited, all, wish('POST /openai/v1/chat/completions'))).toBe('model_not_allowed')
    })

    it('lets models be listed, and one of them be looked at', () => {
      expect(choose(limited, all, wish('GET /v1/models'))).toBe('a')
      expect(choose(limited, all, wish('GET /v1/models/gpt-5'))).toBe('a')
      expect(choose(limited, all, wish('GET /v1/models/gpt-5-mini'))).toBe('model_not_allowed')
    })
  })

  describe('where rows were tampered with', () => {
    it('says so to whoever could have used them, and to nobody else', () => {
      const tampered = view([target('b', { models: ['gpt-4o'] })], ['a'])
      expect(choose(grant(), tampered, wish(chat, 'gpt-5'))).toBe('credential_tampered')
      expect(choose(grant(['a']), tampered, wish(chat, 'gpt-5'))).toBe('credential_tampered')
      expect(choose(grant(['b']), tampered, wish(chat, 'gpt-5'))).toBe('model_unknown')
    })

    it('still serves from what is whole', () => {
      expect(choose(grant(), view([target('b')], ['a']), wish(chat, 'gpt-5'))).toBe('b')
    })
  })
})

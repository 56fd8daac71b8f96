import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readRequestedModel } from '#proxy/model-name.ts'
import { Refusal } from '#proxy/refusal.ts'

const json = 'application/json'

function read(text: string | Buffer) {
  return readRequestedModel('json', json, Buffer.from(text))
}

function codeOf(run: () => unknown): string {
  try {
    run()
    return 'read'
  } catch (error) {
    return error instanceof Refusal ? error.code : String(error)
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

describe('the model of a JSON body', () => {
  it.each<[string, string | undefined, boolean]>([
    ['{"model":"gpt-5","stream":true}', 'gpt-5', true],
    [' \n{ "stream" : false , "model" :\t"gpt-5" }\r\n', 'gpt-5', false],
    ['{"messages":[{"model":"other","stream":true}],"model":"gpt-5"}', 'gpt-5', false],
    ['{"input":"\\"model\\":\\"evil\\"","model":"gpt-5"}', 'gpt-5', false],
    ['{"mod\\u0065l":"gpt\\u002d5"}', 'gpt-5', false],
    ['{"model":"gpt-5","stream":null}', 'gpt-5', false],
    ['{"model_":"x","models":["y"],"mode":"z"}', undefined, false],
    ['{}', undefined, false],
  ])('of %s is read', (text, model, isStream) => {
    expect(read(text)).toEqual({ model, isStream })
  })

  it.each([
    '{"model":"a","model":"b"}',
    '{"model":"a","x":{"model":"c"},"model":"a"}',
    '{"model":"a","mod\\u0065l":"b"}',
    '{"\\u006d\\u006f\\u0064\\u0065\\u006c":"a","model":"b"}',
    '{"model":"a","Model":"b"}',
    '{"MODEL":"a","model":"b"}',
  ])('is refused where %s names it twice', (text) => {
    expect(codeOf(() => read(text))).toBe('model_duplicated')
  })

  it.each([
    '1',
    'null',
    '""',
    '["a"]',
    '{"a":1}',
    'true',
    '"a\\u0000b"',
    '"a\\nb"',
    '"\u00e9"',
    '"a\\q"',
    `"${'a'.repeat(257)}"`,
    `"${'a'.repeat(9999)}"`,
  ])('is refused where it is %s', (value) => {
    expect(codeOf(() => read(`{"model":${value}}`))).toBe('model_unreadable')
  })

  it('is missing where it is only spelt in another case', () => {
    expect(read('{"Model":"a"}').model).toBeUndefined()
  })

  it.each([
    '',
    ' ',
    '[]',
    '"model"',
    'null',
    '{',
    '{"model"',
    '{"model":',
    '{"model":"a"',
    '{"model":"a",}',
    '{,"model":"a"}',
    '{"model":"a"}}',
    '{"model":"a"}{"model":"b"}',
    '{"model":"a"} x',
    "{'model':'a'}",
    '{model:"a"}',
    '{"a":1 /* , "model":"x" */}',
    '{"a":1//\n}',
    '{"a":01}',
    '{"a":+1}',
    '{"a":.5}',
    '{"a":1.}',
    '{"a":1e}',
    '{"a":NaN}',
    '{"a":tru}',
    '{"a":[1 2]}',
    '{"a":[1,]}',
    '{"a":{"b"}}',
    '{"a":[}',
    '{"a":"b}',
    '{"a":"b\\"}',
    '\ufeff{"model":"a"}',
    '{"a":1;"model":"b"}',
    `{"a":${'['.repeat(600)}${']'.repeat(600)}}`,
    `{"a":"${'x'.repeat(100)}\\"}`,
  ])('is refused in the malformed body %s', (text) => {
    expect(codeOf(() => read(text))).toBe('body_malformed')
  })

  it('is refused in a body that is not UTF-8', () => {
    expect(codeOf(() => read(Buffer.from('{"a":"\xe2","model":"b"}', 'latin1')))).toBe('body_malformed')
    expect(codeOf(() => read(Buffer.from('{"model":"b"}', 'utf16le')))).toBe('body_malformed')
  })

  it('is refused by position and without any of the content', () => {
    expect(() => read('{"prompt":"top secret" oops}')).toThrow(
      'The request body is not valid JSON: at byte 23.',
    )
    expect(() => read('{"prompt":"top secret')).toThrow(
      'The request body is not valid JSON: it ends too early.',
    )
  })

  it("agrees with JSON.parse on every JSON object that has no second 'model'", () => {
    const anyObject = fc.dictionary(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('stream', 'a', 'modelx')),
      fc.jsonValue(),
    )
    const model = fc.option(fc.stringMatching(/^[a-z0-9-]{1,20}$/), { nil: undefined })
    fc.assert(
      fc.property(anyObject, model, fc.constantFrom(undefined, 1, '\t'), (object, name, indent) => {
        const members = Object.fromEntries(
          Object.entries(object).filter(([key]) => key.toLowerCase() !== 'model'),
        )
        const value = name === undefined ? members : { ...members, model: name }
        expect(read(JSON.stringify(value, null, indent))).toEqual({
          model: name,
          isStream: members['stream'] === true,
        })
      }),
      { numRuns: 500 },
    )
  })

  it('takes a text that was damaged in one place exactly where JSON.parse takes it, outside of strings', () => {
    const text = '{"a":[1,-2.5e+3,{"b":null,"c":[]},true],"d":{},"model":"m","e":false}'
    const outside = [...text.matchAll(/[^"a-z]|true|null|false/g)].map(({ index }) => index)
    const bytes = fc.constantFrom(
      '',
      ' ',
      ',',
      ':',
      '{',
      '}',
      '[',
      ']',
      '"',
      '0',
      '9',
      '-',
      '+',
      '.',
      'e',
      't',
      '/',
      '\\',
      "'",
      '\n',
    )
    fc.assert(
      fc.property(fc.constantFrom(...outside), bytes, fc.boolean(), (at, byte, isInsert) => {
        const damaged = text.slice(0, at) + byte + text.slice(isInsert ? at : at + 1)
        const outcome = codeOf(() => read(damaged))
        expect(outcome === 'body_malformed').toBe(!isJsonObject(damaged))
      }),
      { numRuns: 2000 },
    )
  })

  it('is found behind strings that are longer than what is walked, however they are escaped', () => {
    const unit = fc.constantFrom('\\\\', '\\"', '\\n', 'x', 'xxxxxxxxxxxxxxxx', '\u00e9')
    fc.assert(
      fc.property(fc.array(unit, { minLength: 20, maxLength: 200 }), (units) => {
        expect(read(`{"a":"${units.join('')}","model":"m"}`).model).toBe('m')
      }),
    )
  })

  it('is found whatever stands where the walk ends and the jumps begin', () => {
    for (let padding = 0; padding < 200; padding++) {
      for (const end of ['', '\\\\', '\\"', '\\\\\\"', '\\\\\\\\', '\\"x', '\\\\x']) {
        expect(read(`{"a":"${'x'.repeat(padding)}${end}","model":"m"}`).model).toBe('m')
        const open = `{"a":"${'x'.repeat(padding)}${end}\\","model":"m"}`
        expect(codeOf(() => read(open))).toBe('body_malformed')
      }
    }
  })

  it('is found behind 32 MiB of escaped quotes, and behind as many backslashes', () => {
    for (const unit of ['\\"', '\\\\']) {
      const body = Buffer.from(`{"a":"${unit.repeat(16 * 1024 * 1024)}","model":"m"}`)
      expect(read(body).model).toBe('m')
    }
  })
})

describe('the model of a form', () => {
  async function form(fields: [string, string | File][]): Promise<[string, Buffer]> {
    const data = new FormData()
    for (const [name, value] of fields) data.append(name, value)
    const request = new Request('http://x', { method: 'POST', body: data })
    return [request.headers.get('content-type') ?? '', Buffer.from(await request.arrayBuffer())]
  }

  it('is read beside a file, as fetch writes it', async () => {
    const audio = new File([Buffer.from('\r\n--x\r\n\0\xff', 'latin1')], 'caf\u00e9 "1".mp3', {
      type: 'audio/mpeg',
    })
    const [type, body] = await form([
      ['file', audio],
      ['timestamp_granularities[]', 'word'],
      ['model', 'whisper-1'],
      ['stream', 'true'],
    ])
    expect(readRequestedModel('multipart', type, body)).toEqual({ model: 'whisper-1', isStream: true })
  })

  it('is refused where it comes twice, even in another case', async () => {
    for (const name of ['model', 'MODEL']) {
      const [type, body] = await form([
        ['model', 'whisper-1'],
        [name, 'evil'],
      ])
      expect(codeOf(() => readRequestedModel('multipart', type, body))).toBe('model_duplicated')
    }
  })

  it('is missing where no field names it, and unreadable where it is no name', async () => {
    const [type, body] = await form([['prompt', 'name="model"']])
    expect(readRequestedModel('multipart', type, body)).toEqual({ model: undefined, isStream: false })
    const [longType, long] = await form([['model', 'x'.repeat(300)]])
    expect(codeOf(() => readRequestedModel('multipart', longType, long))).toBe('model_unreadable')
  })

  const good = '--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n'
  it.each([
    ['a preamble', `x\r\n${good}`],
    ['no last boundary', good.replace('--b--\r\n', '')],
    ['something behind the last boundary', `${good}x`],
    ['bare line feeds', good.replaceAll('\r\n', '\n')],
    ['a boundary behind a bare line feed', good.replace('\r\n\r\nm', '\r\n\r\nm\n--b\n')],
    ['a boundary at once behind the head', good.replace('\r\n\r\nm', '\r\n\r\n--b')],
    ['a longer boundary', good.replace('m\r\n--b--', 'm\r\n--bx--')],
    ['a bare line feed in a head', good.replace('Content', 'Content-Type: a\nX')],
    [
      'a second disposition behind a bare line feed',
      good.replace('\r\n\r\n', '\r\nContent-Type: a\nContent-Disposition: form-data; name="x"\r\n\r\n'),
    ],
    ['two dispositions', good.replace('\r\n\r\n', '\r\nContent-Disposition: form-data; name="x"\r\n\r\n')],
    ['no disposition', good.replace('Content-Disposition', 'Content-Type')],
    ['an unquoted name', good.replace('"model"', 'model')],
    ['an escaped name', good.replace('"model"', '"mo\\del"')],
    ['an extended name', good.replace('name="model"', 'name="x"; name*=utf-8\'\'model')],
    ['two names', good.replace('name="model"', 'name="x"; name="model"')],
    ['a transfer encoding', good.replace('\r\n\r\n', '\r\nContent-Transfer-Encoding: base64\r\n\r\n')],
    ['too many parts', '--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n'.repeat(65) + good],
    ['a long head', good.replace('\r\n\r\n', `\r\nContent-Type: ${'x'.repeat(2000)}\r\n\r\n`)],
    ['nothing', ''],
  ])('is refused with %s', (_, text) => {
    expect(
      codeOf(() => readRequestedModel('multipart', 'multipart/form-data; boundary=b', Buffer.from(good))),
    ).toBe('read')
    expect(
      codeOf(() => readRequestedModel('multipart', 'multipart/form-data; boundary=b', Buffer.from(text))),
    ).toBe('body_malformed')
  })

  it.each([
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=a; boundary=b',
    'multipart/form-data; boundary=b; boundary*0=c',
    'multipart/form-data; boundary="a b"',
  ])('is refused with the content type %s', (type) => {
    expect(codeOf(() => readRequestedModel('multipart', type, Buffer.from(good)))).toBe('body_malformed')
  })
})

describe('which bodies are read', () => {
  it('takes JSON where a form was possible, and a form nowhere else', () => {
    expect(readRequestedModel('multipart', json, Buffer.from('{"model":"m"}')).model).toBe('m')
    expect(
      codeOf(() => readRequestedModel('json', 'multipart/form-data; boundary=b', Buffer.from('--b--'))),
    ).toBe('body_malformed')
  })

  it('reads an unknown endpoint only where it sends JSON', () => {
    expect(
      readRequestedModel(undefined, 'Application/JSON; charset=utf-8', Buffer.from('{"model":"m"}')).model,
    ).toBe('m')
    for (const [type, body] of [
      ['text/plain', '{"model":"m"}'],
      [json, ''],
      [undefined, 'x'],
      ['multipart/form-data; boundary=b', 'x'],
    ] as const) {
      expect(readRequestedModel(undefined, type, Buffer.from(body))).toEqual({
        model: undefined,
        isStream: false,
      })
    }
  })

  it('reads nothing where no model is named in bodies', () => {
    expect(readRequestedModel('none', json, Buffer.from('x')).model).toBeUndefined()
    expect(readRequestedModel('path', json, Buffer.from('x')).model).toBeUndefined()
  })
})

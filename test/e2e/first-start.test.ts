import OpenAI from 'openai'
import { expect, it } from 'vitest'
import { startMockOpenai } from '#emulators/llm/openai.ts'
import { createDataDir } from '../support/data-dir.ts'
import { openaiCredential } from '../support/lending-hasp.ts'
import { Seen, startCli, startTerminal } from '../support/run-cli.ts'

it('the things that a first start prints work as they are printed, at a terminal', async () => {
  const seen = new Seen()
  await using dataDir = await createDataDir()
  await using openai = await startMockOpenai({ acceptedCredentials: [openaiCredential] })
  await using service = startCli(seen, ['serve'], {
    HASP_DATA_DIR: dataDir.path,
    HASP_PORT: '0',
    HASP_LOG_LEVEL: 'warn',
    HASP_ALLOWED_UPSTREAMS: openai.origin,
  })
  await service.printed("'bin/hasp emulate openai' stands in for one.")
  const [, token = ''] = /^ {2}(hasp_admin_\w+)$/m.exec(service.stdout()) ?? []
  const typed = [...service.stdout().matchAll(/^ {2}((?:export|bin\/hasp) .*?)(?: {2,}#.*)?$/gm)].map(
    (match) => match[1] ?? '',
  )
  const [connect = '', register = '', add = '', issue = ''] = typed
  expect(typed).toHaveLength(4)

  await using terminal = startTerminal(seen, {})
  const type = (text: string) => terminal.child.stdin.write(text)
  await terminal.printed('$ ')
  type(`${connect}\n`)
  await terminal.printed('export HASP_TOKEN')
  type(`${token}\n`)
  type(`${register}\n`)
  await terminal.printed('"trial" is active.')
  // The real provider is not reached from a test: its address is the one thing that differs.
  type(`${add} --base-url ${openai.origin}\n`)
  await terminal.printed('not shown as you type): ')
  type(`${openaiCredential}\r`)
  await terminal.printed(/Verification +accepted/)
  type(`${issue}\n`)
  await terminal.printed(/hasp_vk_\w+/)
  const [virtualKey = ''] = /hasp_vk_\w+/.exec(terminal.stdout()) ?? []

  type('bin/hasp target delete openai\n')
  await terminal.printed('Continue? [y/N]')
  type('n\n')
  await terminal.printed('nothing was changed')

  const [, url = ''] = /HASP_URL=([^;]+);/.exec(connect) ?? []
  const client = new OpenAI({ baseURL: `${url}/openai/v1`, apiKey: virtualKey })
  const { choices } = await client.chat.completions.create({
    model: 'gpt-5',
    messages: [{ role: 'user', content: 'Hi' }],
  })
  expect(choices[0]?.message.content).not.toBe('')

  type('exit\n')
  await terminal.ended()
  service.child.kill('SIGINT')
  expect((await service.ended()).code).toBe(0)
  expect(terminal.stdout()).not.toContain(openaiCredential)
  expect(service.stdout()).not.toContain(openaiCredential)
}, 120_000)

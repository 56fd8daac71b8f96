import type { IncomingHttpHeaders } from 'node:http'
import type { Static, TSchema } from 'typebox'
import { Value } from 'typebox/value'

export type ControlCommand<Control, Input extends TSchema, Output> = Readonly<{
  input: Input
  run: (control: Control, given: Static<Input>) => Output | Promise<Output>
}>

/** Each is `POST /_emulator/<name>` with its input as JSON. */
type ControlCommands<Control> = Readonly<
  Record<string, Readonly<{ input: TSchema; run: (control: Control, given: never) => unknown }>>
>

/** What a client sends to one of the commands. */
export type ControlInput<Command extends { input: TSchema }> = Static<Command['input']>
/** What the command answers. */
export type ControlOutput<Command extends { run: (...given: never) => unknown }> = Awaited<
  ReturnType<Command['run']>
>

type ControlRequest = Readonly<{ method: string; headers: IncomingHttpHeaders; body: Buffer }>

export type ControlReply = Readonly<{ httpStatus: number; body: unknown }>

/** How the commands of one emulator are written down: `const command = commandsOf<Control>()`. */
export function commandsOf<Control>() {
  return <Input extends TSchema, Output>(
    input: Input,
    run: ControlCommand<Control, Input, Output>['run'],
  ): ControlCommand<Control, Input, Output> => ({ input, run })
}

/** Serves one control request. Only JSON is taken, so that no web page can send one without a preflight. */
export async function runCommand<Control>(
  commands: ControlCommands<Control>,
  control: Control,
  name: string,
  { body, headers, method }: ControlRequest,
): Promise<ControlReply> {
  const found = Object.hasOwn(commands, name) ? commands[name] : undefined
  if (found === undefined) return refuse(404, `There is no control command ${name}.`)
  if (method !== 'POST') return refuse(405, 'Control commands are POSTed.')
  if (headers['content-type'] !== 'application/json')
    return refuse(415, 'Control commands take application/json.')
  try {
    const given: unknown = body.length === 0 ? {} : JSON.parse(body.toString('utf8'))
    if (!Value.Check(found.input, given)) {
      const fault = Value.Errors(found.input, given)[0]
      return refuse(400, `Bad input: ${fault?.instancePath ?? ''} ${fault?.message ?? 'does not fit'}`)
    }
    // The check has just shown that `given` is what this very command takes; the table hides which one it is.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return { httpStatus: 200, body: (await found.run(control, given as never)) ?? {} }
  } catch (error) {
    return refuse(400, error instanceof Error ? error.message : 'The command failed.')
  }
}

function refuse(httpStatus: number, message: string): ControlReply {
  return { httpStatus, body: { error: message } }
}

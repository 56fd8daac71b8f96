import definitions from '@google-cloud/kms/build/protos/protos.js'
import type { Message } from '#emulators/google/wire/protobuf.ts'
import type { Method } from './method.ts'

/** What protobufjs generates for a message, as far as it is used here. */
type MessageClass = Readonly<{
  decode: (bytes: Uint8Array) => object
  encode: (message: object) => { finish: () => Uint8Array }
  fromObject: (plain: object) => object
  toObject: (message: object, options: object) => object
}>

const PLAIN = { longs: String, enums: String, bytes: Buffer, defaults: true }
const SERVICE = 'google.cloud.kms.v1.KeyManagementService'

/** A method of KeyManagementService, with the messages of Google's own client. */
export function kmsMethod(
  name: string,
  { request, reply }: { request: string; reply: string },
  { log, run }: Pick<Method, 'log' | 'run'>,
): Method {
  const requestClass = messageClass(request)
  const replyClass = messageClass(reply)
  return {
    name,
    paths: [`/${SERVICE}/${name}`],
    logName: name,
    requestType: `type.googleapis.com/google.cloud.kms.v1.${request}`,
    log,
    decode: (bytes) => ({ ...requestClass.toObject(requestClass.decode(bytes), PLAIN) }),
    encode: (plain) => Buffer.from(replyClass.encode(replyClass.fromObject(plain)).finish()),
    run,
  }
}

/** REST's way in and out of the same messages. */
export function plainRequest(requestType: string, json: object): Message {
  const type = messageClass(requestType.slice(requestType.lastIndexOf('.') + 1))
  return { ...type.toObject(type.fromObject(json), PLAIN) }
}

function messageClass(name: string): MessageClass {
  const found: unknown = Reflect.get(definitions.google.cloud.kms.v1, name)
  if (found === undefined) throw new Error(`There is no message ${name}.`)
  // Every member of the namespace that is asked for is a generated message class.
  return found as MessageClass
}

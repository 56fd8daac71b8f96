import { randomBytes } from 'node:crypto'

const credentialBytes = 100

/** A credential as random as a real one, and longer than most: `prefix` and 62 possible characters, 100 in all. */
export function randomCredential(prefix: string): string {
  const characters = randomBytes(256).toString('base64').replace(/[+/=]/g, '')
  return (prefix + characters).slice(0, credentialBytes)
}

/** Every credential that is shown to Hasp in one run, by what becomes of it. */
export function makeCredentials() {
  return {
    openai: randomCredential('sk-'),
    openaiRotated: randomCredential('sk-'),
    anthropic: randomCredential('sk-ant-'),
    anthropicRotated: randomCredential('sk-ant-'),
    /** Stored without its provider being asked. */
    unchecked: randomCredential('sk-'),
    /** Its provider does not accept it: nothing is stored. */
    rejected: randomCredential('sk-'),
    /** In a body that is not valid JSON. */
    inMalformedBody: randomCredential('sk-'),
    /** In a body that has a member too many. */
    inRefusedBody: randomCredential('sk-'),
    /** To an address that there is not. */
    toNowhere: randomCredential('sk-'),
    /** From somebody who hangs up at once. */
    fromVanished: randomCredential('sk-'),
    /** From somebody whose admin token is wrong. */
    fromStranger: randomCredential('sk-'),
  }
}

export type Credentials = ReturnType<typeof makeCredentials>

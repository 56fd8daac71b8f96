import { randomBytes } from 'node:crypto'
import { DelayedValue } from '#emulators/common/delayed-value.ts'
import type { PolicyDocument } from './policy-document.ts'
import type { Caller, Credential, Principal, Role } from './principal.ts'

const SESSIONS_MAX = 100_000

/** Everybody who can sign: accounts, users, roles, and the credentials that stand for them. */
export class Identities {
  readonly #principals = new Map<string, Principal | Role>()
  readonly #credentials = new Map<string, Credential>()
  readonly #sessions = new Map<string, Credential>()

  addAccount(accountId: string): Principal {
    return this.#add({
      kind: 'root',
      accountId,
      arn: `arn:aws:iam::${accountId}:root`,
      name: 'root',
      uniqueId: accountId,
      policies: new DelayedValue<readonly PolicyDocument[]>([]),
    })
  }

  addUser(accountId: string, name: string, policies: readonly PolicyDocument[]): Principal {
    return this.#add({
      kind: 'user',
      accountId,
      arn: `arn:aws:iam::${accountId}:user/${name}`,
      name,
      uniqueId: `AIDA${randomId(17)}`,
      policies: new DelayedValue(policies),
    })
  }

  addRole(
    accountId: string,
    name: string,
    role: { trust: PolicyDocument; policies: readonly PolicyDocument[]; sessionSecondsMax: number },
  ): Role {
    return this.#add({
      kind: 'role',
      accountId,
      arn: `arn:aws:iam::${accountId}:role/${name}`,
      name,
      uniqueId: `AROA${randomId(17)}`,
      policies: new DelayedValue(role.policies),
      trust: new DelayedValue(role.trust),
      sessionSecondsMax: role.sessionSecondsMax,
    })
  }

  hasAccount(accountId: string): boolean {
    return this.#principals.has(`arn:aws:iam::${accountId}:root`)
  }

  principal(arn: string): Principal | Role | undefined {
    return this.#principals.get(arn)
  }

  role(arn: string): Role | undefined {
    const found = this.#principals.get(arn)
    return found !== undefined && 'trust' in found ? found : undefined
  }

  /** Forgets the principal; credentials that stand for it are refused from now on. */
  remove(principal: Principal): void {
    this.#principals.delete(principal.arn)
    for (const ring of [this.#credentials, this.#sessions]) {
      for (const credential of ring.values()) {
        if (credential.caller.principal === principal) ring.delete(credential.accessKeyId)
      }
    }
  }

  createAccessKey(
    principal: Principal,
    given?: { accessKeyId: string; secretAccessKey: string },
  ): Credential {
    const accessKeyId = given?.accessKeyId ?? `AKIA${randomId(16)}`
    const credential: Credential = {
      accessKeyId,
      secretAccessKey: given?.secretAccessKey ?? randomBytes(30).toString('base64'),
      sessionToken: undefined,
      expiresAtMs: undefined,
      caller: {
        principal,
        arn: principal.arn,
        principalId: principal.uniqueId,
        accessKeyId,
        session: undefined,
      },
    }
    this.#credentials.set(accessKeyId, credential)
    return credential
  }

  createSession(
    role: Role,
    session: { name: string; nowMs: number; seconds: number; policy: PolicyDocument | undefined },
  ): Credential {
    const accessKeyId = `ASIA${randomId(16)}`
    const caller: Caller = {
      principal: role,
      arn: `arn:aws:sts::${role.accountId}:assumed-role/${role.name}/${session.name}`,
      principalId: `${role.uniqueId}:${session.name}`,
      accessKeyId,
      session: { issuedAtMs: session.nowMs, policy: session.policy },
    }
    const credential: Credential = {
      accessKeyId,
      secretAccessKey: randomBytes(30).toString('base64'),
      sessionToken: randomBytes(150).toString('base64'),
      expiresAtMs: session.nowMs + session.seconds * 1000,
      caller,
    }
    this.#sessions.set(accessKeyId, credential)
    this.#forgetOldestSessions()
    return credential
  }

  deleteAccessKey(accessKeyId: string): void {
    this.#credentials.delete(accessKeyId)
  }

  credential(accessKeyId: string): Credential | undefined {
    return this.#credentials.get(accessKeyId) ?? this.#sessions.get(accessKeyId)
  }

  #add<Kind extends Principal>(principal: Kind): Kind {
    if (this.#principals.has(principal.arn)) throw new Error(`${principal.arn} exists already.`)
    if (principal.kind !== 'root' && !this.hasAccount(principal.accountId)) {
      throw new Error(`There is no account ${principal.accountId}.`)
    }
    this.#principals.set(principal.arn, principal)
    return principal
  }

  #forgetOldestSessions(): void {
    for (const accessKeyId of this.#sessions.keys()) {
      if (this.#sessions.size <= SESSIONS_MAX) return
      this.#sessions.delete(accessKeyId)
    }
  }
}

function randomId(length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
  return Array.from(randomBytes(length), (byte) => alphabet[byte % alphabet.length]).join('')
}

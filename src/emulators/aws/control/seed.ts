import type { AccessKey, AwsEmulatorControl } from './control.ts'
import type { Seed } from './inputs.ts'

export type Planted = Readonly<{
  accounts: readonly Readonly<{ accountId: string; rootArn: string; accessKey: AccessKey }>[]
  users: readonly Readonly<{ arn: string; accessKey: AccessKey }>[]
  roles: readonly Readonly<{ arn: string }>[]
  keys: readonly Readonly<{ keyId: string; keyArn: string }>[]
}>

/** Plants accounts, then users, then roles, then keys: the order that lets policies name each other. */
export function plantSeed(control: AwsEmulatorControl, seed: Seed): Planted {
  const { accounts } = seed
  return {
    accounts: accounts.map(({ accountId }) => control.createAccount({ accountId })),
    users: accounts.flatMap(({ accountId, users = [] }) =>
      users.map((user) => control.createUser({ accountId, ...user })),
    ),
    roles: accounts.flatMap(({ accountId, roles = [] }) =>
      roles.map((role) => control.createRole({ accountId, ...role })),
    ),
    keys: accounts.flatMap(({ accountId, keys = [] }) =>
      keys.map((wanted) => control.createKey({ accountId, ...wanted })),
    ),
  }
}

import type { Seed } from '#emulators/aws/control/inputs.ts'

const haspAccountId = '111111111111'
const customerAccountId = '222222222222'

/**
 * Hasp's account with the user that it runs as, and a customer's with a role and a key; the role trusts nobody until
 * the grant that `hasp kek register` prints is put in place.
 */
export const defaultSeed: Seed = {
  accounts: [
    {
      accountId: haspAccountId,
      users: [{ name: 'hasp', policies: [allow({ Action: 'sts:AssumeRole', Resource: '*' })] }],
    },
    {
      accountId: customerAccountId,
      roles: [
        {
          name: 'hasp-lends',
          trustPolicy: allow({
            Principal: { AWS: `arn:aws:iam::${haspAccountId}:user/hasp` },
            Action: 'sts:AssumeRole',
            Condition: { StringEquals: { 'sts:ExternalId': 'not-granted-yet' } },
          }),
        },
      ],
      keys: [{ description: 'a KEK' }],
    },
  ],
}

function allow(statement: object) {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] }
}

/** What Hasp's own principal may do: take up roles, and nothing with any key. */
export const ownPolicies = [allow({ Action: 'sts:AssumeRole', Resource: '*' })]

/** The trust policy of a customer's role. */
export function trust(principalArn: string, externalId: string) {
  return allow({
    Principal: { AWS: principalArn },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'sts:ExternalId': externalId } },
  })
}

/** The policies of that role, as Hasp asks for them. */
export function wrapAndUnwrap(keyArn: string, orgId: string) {
  const ofOrg = { StringEquals: { 'kms:EncryptionContext:hasp:org': orgId } }
  return [
    allow({ Action: ['kms:Encrypt', 'kms:Decrypt'], Resource: keyArn, Condition: ofOrg }),
    allow({ Action: 'kms:DescribeKey', Resource: keyArn }),
  ]
}

function allow(statement: object) {
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', ...statement }] }
}

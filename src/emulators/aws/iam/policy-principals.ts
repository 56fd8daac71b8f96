import { ServiceError } from '#emulators/aws/wire/service-error.ts'
import type { Identities } from './identities.ts'
import type { PolicyDocument } from './policy-document.ts'

/**
 * A policy that names somebody who does not exist is refused, as AWS does: it would otherwise let in whoever is
 * created under that name later.
 *
 * @throws {ServiceError} MalformedPolicyDocumentException
 */
export function requirePrincipalsExist(document: PolicyDocument, identities: Identities): void {
  for (const statement of document.statements) {
    for (const named of statement.principals) {
      if (named === '*' || named.startsWith('service:')) continue
      if (identities.principal(roleOfSession(named)) === undefined) {
        throw new ServiceError(
          'MalformedPolicyDocumentException',
          'Policy contains a statement with one or more invalid principals.',
        )
      }
    }
  }
}

function roleOfSession(arn: string): string {
  return arn.replace(/^arn:aws:sts::(\d{12}):assumed-role\/([^/]+)\/.*$/, 'arn:aws:iam::$1:role/$2')
}

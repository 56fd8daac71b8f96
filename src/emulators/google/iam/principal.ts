/** Who calls: somebody with an e-mail address, or an identity that a workload identity pool let in. */
export type Principal =
  | Readonly<{ kind: 'serviceAccount'; email: string; keyName: string | undefined }>
  | Readonly<{ kind: 'user'; email: string }>
  | Readonly<{ kind: 'federated'; subject: string; poolName: string; principalSubject: string }>

/** How IAM policies name the principal, besides the names for everybody. */
export function memberNames(principal: Principal): readonly string[] {
  switch (principal.kind) {
    case 'serviceAccount':
      return [`serviceAccount:${principal.email}`]
    case 'user':
      return [`user:${principal.email}`]
    case 'federated':
      return [principal.principalSubject, `principalSet://iam.googleapis.com/${principal.poolName}/*`]
  }
}

export const everybody: readonly string[] = ['allUsers', 'allAuthenticatedUsers']

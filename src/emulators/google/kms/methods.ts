import { cryptoMethods } from './crypto-methods.ts'
import { iamMethods } from './iam-methods.ts'
import { keyMethods } from './key-methods.ts'
import type { Method } from './method.ts'
import { versionMethods } from './version-methods.ts'

const methods = [...cryptoMethods, ...keyMethods, ...versionMethods, ...iamMethods]
const byPath = new Map(methods.flatMap((method) => method.paths.map((path) => [path, method] as const)))
const byName = new Map(methods.map((method) => [method.name, method]))

export function methodAt(path: string): Method | undefined {
  return byPath.get(path)
}

export function methodNamed(name: string): Method | undefined {
  return byName.get(name)
}

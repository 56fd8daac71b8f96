import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Debian keeps nginx where only root looks. */
const extraDirectories = ['/usr/sbin', '/usr/local/sbin']

/** The full path of a program of this machine; undefined when it is not there. */
export function findInstalled(name: string): string | undefined {
  const directories = [...(process.env['PATH'] ?? '').split(delimiter), ...extraDirectories]
  return directories.map((directory) => join(directory, name)).find(isExecutable)
}

export function isInstalled(name: string): boolean {
  return findInstalled(name) !== undefined
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

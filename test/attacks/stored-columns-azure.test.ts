import { describe } from 'vitest'
import { attackStoredColumns } from './support/stored-columns.ts'

describe('a database in the hands of an attacker, with KEKs in Azure key vaults', () =>
  attackStoredColumns('azure'))

import { defineConfig } from 'oxlint'
import theConfig from '../../../oxlint.config.ts'

/** The repository's own rules, for the files below, which the repository's own lint passes over. */
export default defineConfig({ ...theConfig, ignorePatterns: [] })

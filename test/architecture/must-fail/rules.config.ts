import { defineConfig } from 'oxlint'
import theConfig from '../../../oxlint.config.ts'

/**
 * The repository's own rules for the files in src/ beside this one, which its own lint passes over. The name is
 * one that oxlint does not look for by itself.
 */
export default defineConfig({ ...theConfig, ignorePatterns: [] })

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { renderSettings } from '../dist/cli/render-settings.js'
import { profileTable, withSections } from './docs-sections.mjs'

/** `npm run docs`: what is made from the settings, in README.md and config/strata.yaml. A unit test holds both against the source. */

const at = path => fileURLToPath(new URL(`../${path}`, import.meta.url))
const read = path => readFileSync(at(path), 'utf8')

writeFileSync(
  at('README.md'),
  withSections(read('README.md'), {
    settings: renderSettings('markdown'),
    profile: profileTable(read('config/conformance.yaml')),
  }),
)
writeFileSync(at('config/strata.yaml'), renderSettings('yaml'))

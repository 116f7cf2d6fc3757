import { readFileSync } from 'node:fs'
import { LineCounter, parseDocument } from 'yaml'
import type { Fault } from './faults.js'
import { FLAGS } from './flags.js'
import { nearest } from './nearest.js'
import type { Setting } from './settings-table.js'
import { describeSettings } from './settings-table.js'
import { fromText } from './text-value.js'
import type { Tree } from './tree.js'
import { isTree, setAt } from './tree.js'

/** What one source says: its settings, where each came from (dotted path → name of the variable or flag), and its faults. */
export interface Source {
  readonly tree: Tree
  readonly origins: ReadonlyMap<string, string>
  readonly faults: readonly Fault[]
}

export type Environment = Readonly<Record<string, string | undefined>>
export type FlagValues = Readonly<Record<string, string | boolean | undefined>>

/** Variables that are no settings: the file with the settings. `STRATA_TEST_*` belongs to the tests. */
export const CONFIG_FILE_VARIABLE = 'STRATA_CONFIG'
const TEST_PREFIX = 'STRATA_TEST_'

/** A config file, JSON or YAML (of which JSON is a subset). */
export function fromFile(file: string): Source {
  const faults: Fault[] = []
  const origins = new Map<string, string>()
  const text = readText(file)
  if (text.fault !== undefined) return { tree: {}, origins, faults: [{ path: file, message: text.fault }] }
  const lines = new LineCounter()
  const document = parseDocument(text.value, { prettyErrors: false, lineCounter: lines })
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0])
    faults.push({
      path: file,
      message: `is not valid YAML or JSON at line ${line}, column ${col} (${error.code})`,
    })
  }
  if (faults.length > 0) return { tree: {}, origins, faults }
  const value = document.toJS() as unknown
  if (value === null || value === undefined) return { tree: {}, origins, faults }
  if (isTree(value)) return { tree: value, origins, faults }
  return {
    tree: {},
    origins,
    faults: [{ path: file, message: 'must hold settings: an object at its top level' }],
  }
}

/** `STRATA_*` variables. An empty value counts as none, as compose files write `${NAME:-}`. */
export function fromEnvironment(env: Environment): Source {
  const settings = describeSettings()
  const byName = new Map(settings.map(setting => [setting.env, setting]))
  const byFile = new Map(settings.filter(s => s.secret).map(setting => [`${setting.env}_FILE`, setting]))
  const collector = new Collector()
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('STRATA_') || name.startsWith(TEST_PREFIX) || name === CONFIG_FILE_VARIABLE) continue
    const direct = byName.get(name)
    const secret = byFile.get(name)
    if (!direct && !secret) {
      const guess = nearest(name, [...byName.keys(), ...byFile.keys(), CONFIG_FILE_VARIABLE])
      const advice = guess === undefined ? 'unset it (strata settings lists all)' : `did you mean ${guess}?`
      collector.faults.push({ path: name, message: `is no setting of Strata: ${advice}` })
    } else if (text !== undefined && text !== '') {
      if (direct) collector.text(direct, name, text)
      else if (env[secret!.env]) {
        collector.faults.push({ path: name, message: `can't go with ${secret!.env}: keep one of the two` })
      } else collector.file(secret!, name, text)
    }
  }
  return collector
}

/** Flags of the command, by their names without dashes. */
export function fromFlags(flags: FlagValues): Source {
  const byPath = new Map(describeSettings().map(setting => [setting.path, setting]))
  const collector = new Collector()
  for (const flag of FLAGS) {
    const given = flags[flag.name]
    if (given === undefined) continue
    const setting = byPath.get(flag.path)!
    const name = `--${flag.name}`
    if (flag.value !== undefined) collector.value(setting, name, flag.value)
    else if (flag.fromFile) collector.file(setting, name, String(given))
    else if (setting.secret && hasCredentials(String(given))) {
      const message = `must not hold credentials as a flag, where everybody on the machine can read it: use ${setting.env} or ${setting.env}_FILE`
      collector.faults.push({ path: setting.path, message })
    } else collector.text(setting, name, String(given))
  }
  return collector
}

/** A password in a URL; a name alone is none. */
function hasCredentials(text: string): boolean {
  return URL.canParse(text) && new URL(text).password !== ''
}

class Collector implements Source {
  readonly tree: Tree = {}
  readonly origins = new Map<string, string>()
  readonly faults: Fault[] = []

  value(setting: Setting, name: string, value: unknown): void {
    setAt(this.tree, setting.path, value)
    this.origins.set(setting.path, name)
  }

  text(setting: Setting, name: string, text: string): void {
    const parsed = fromText(text, setting.kind)
    if ('fault' in parsed) this.faults.push({ path: setting.path, message: `${parsed.fault} (from ${name})` })
    else this.value(setting, name, parsed.value)
  }

  /** A secret from a file: its text without the line end that editors and `echo` leave. */
  file(setting: Setting, name: string, file: string): void {
    const text = readText(file)
    if (text.fault !== undefined) {
      this.faults.push({ path: setting.path, message: `${name} names a file that ${text.fault}` })
    } else this.text(setting, name, text.value.replace(/\r?\n$/, ''))
  }
}

function readText(file: string): { value: string; fault?: undefined } | { value?: undefined; fault: string } {
  try {
    return { value: readFileSync(file, 'utf8').replace(/^\uFEFF/, '') }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error'
    return { fault: code === 'ENOENT' ? 'does not exist: check the path' : `can't be read (${code})` }
  }
}

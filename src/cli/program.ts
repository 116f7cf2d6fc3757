import { readFileSync } from 'node:fs'
import { Command, CommanderError, Option } from 'commander'
import type { Flag } from '../config/flags.js'
import type { Output } from './output.js'
import type { CreateFlags } from './keys-command.js'
import type { ReconcileFlags } from './reconcile-command.js'
import type { WarmFlags } from './warm-command.js'
import { FLAGS } from '../config/flags.js'
import { messageOf, isStrataError } from '../errors.js'

/** The command `strata`. Settings, adapters and servers are imported by the actions, so that `--help` answers at once. */

/** Exit codes: 0 done, 1 failed while running, 2 wrong settings or usage (nothing was started). */
export const EXIT = { done: 0, failed: 1, usage: 2 } as const

const STANDARD: Output = {
  out: text => void process.stdout.write(text),
  err: text => void process.stderr.write(text),
}

/** Runs the command line and resolves to the exit code; errors are written, never thrown. */
export async function run(argv: readonly string[], output: Output = STANDARD): Promise<number> {
  const program = new Command('strata')
    .description('HTTP response and map-tile cache')
    .version(packageVersion())
    .configureOutput({ writeOut: output.out, writeErr: output.err })
    .exitOverride()
  let code: number = EXIT.done

  withSettings(program.command('serve'))
    .description('run the caching reverse proxy')
    .action(async options => {
      const { serveCommand } = await import('./serve-command.js')
      code = await serveCommand(sourcesOf(options), output)
    })

  withSettings(program.command('reconcile'))
    .description(
      'make metadata and bodies agree: delete bodies that nothing refers to, drop entries without body',
    )
    .option('--dry-run', 'say what would go, and do nothing')
    .option('--grace <duration>', 'leave bodies alone that are younger (sweep.reconcileGraceMs)')
    .option('--rebuild', 'make entries again from bodies in S3, after Redis has lost its data')
    .option('--check-each', 'read a byte of every body, in place of believing the list of bodies')
    .action(async (options: Options & ReconcileFlags) => {
      const { reconcileCommand } = await import('./reconcile-command.js')
      code = await reconcileCommand(sourcesOf(options), options, output)
    })

  withSettings(program.command('warm'))
    .description('have a running node fill its cache: tiles of an area or a list, or URLs')
    .option('--layer <name>', 'map layer, with --bbox, --geojson or --expiry-list')
    .option('--bbox <w,s,e,n>', 'area in degrees: --bbox=5.9,45.8,10.5,47.8')
    .option('--geojson <file>', 'area, GeoJSON with polygons')
    .option('--zoom <range>', 'zooms: 0-12')
    .option('--matrix-set <id>', 'tile matrix set, where the layer has several')
    .option('--param <name=value>', 'a place of the template, again for each', collect)
    .option('--expiry-list <file>', 'tiles, z/x/y a line, as osm2pgsql and Imposm write them')
    .option('--urls <file>', 'URLs, one a line')
    .option('--from-log <file>', 'the most requested URLs of an access log (JSON lines, common, combined)')
    .option('--top <number>', '… and how many of them', '10000')
    .option('--refresh', 'also fetch again what is fresh')
    .option('--dry-run', 'say what it would come to, and do nothing')
    .option('--confirm', 'more than warm.maxTiles')
    .option('--concurrency <number>', 'most requests to the origin at once')
    .option('--rate <number>', '… and in a second')
    .option('--bytes-per-second <size>', '… and bytes in a second')
    .option('--retries <number>', 'times that what has failed is tried again')
    .option('--site <url>', 'under what clients ask: https://maps.example (warm.site)')
    .option('--header <name:value>', 'request field that chooses a variant, again for each', collect)
    .option('--admin <url>', 'admin routes of the node: http://127.0.0.1:8080/admin/cache')
    .option('--failures <file>', 'where to write what failed')
    .option('--detach', 'print the id of the job, and do not wait for it')
    .action(async (options: Options & WarmFlags) => {
      const { warmCommand } = await import('./warm-command.js')
      code = await warmCommand(sourcesOf(options), options, output)
    })

  const keys = program.command('keys').description('API keys of the admin routes')
  withSettings(keys.command('create'))
    .description('make a key and print it, this once')
    .requiredOption('--name <name>', 'what it is for')
    .requiredOption('--scopes <list>', 'scopes and roles: read,purge or operator')
    .option('--expires <duration>', 'how long it is good: 12h, 90d, or never', '90d')
    .action(async (options: Options & CreateFlags) => {
      const { createKey } = await import('./keys-command.js')
      code = await createKey(sourcesOf(options), options, output)
    })
  withSettings(keys.command('list'))
    .description('list the keys, without their secrets')
    .option('--json', 'as JSON')
    .action(async (options: Options & { json?: boolean }) => {
      const { listKeys } = await import('./keys-command.js')
      code = await listKeys(sourcesOf(options), options, output)
    })
  withSettings(keys.command('revoke'))
    .description('make a key useless, at once and on all nodes')
    .argument('<id>', 'its id, as the list has it')
    .action(async (id: string, options: Options) => {
      const { revokeKey } = await import('./keys-command.js')
      code = await revokeKey(sourcesOf(options), id, output)
    })

  const config = program.command('config').description('look at the settings')
  withSettings(config.command('check'))
    .description('say what is wrong with the settings; exit code 2 when something is')
    .action(async options => {
      const { loadConfig, resolveBackend } = await import('../config/index.js')
      const { backend, why } = resolveBackend(loadConfig(sourcesOf(options)))
      output.out(`The settings are fine. Backend: ${backend} (${why}).\n`)
    })
  withSettings(config.command('print'))
    .description('print the settings as they would be used (YAML, secrets redacted)')
    .action(async options => {
      const [{ loadConfig, redact }, { stringify }] = await Promise.all([
        import('../config/index.js'),
        import('yaml'),
      ])
      output.out(stringify(redact(loadConfig(sourcesOf(options)))))
    })

  program
    .command('settings')
    .description('list every setting with its variable, flag and default')
    .addOption(
      new Option('--format <format>', 'how').choices(['text', 'markdown', 'yaml', 'json']).default('text'),
    )
    .action(async ({ format }: { format: Format }) => {
      const { renderSettings } = await import('./render-settings.js')
      output.out(renderSettings(format))
    })

  try {
    await program.parseAsync([...argv])
    return code
  } catch (error) {
    return failed(error, output)
  }
}

export type Format = 'text' | 'markdown' | 'yaml' | 'json'
type Options = Readonly<Record<string, string | boolean | readonly string[] | undefined>>

function failed(error: unknown, output: Output): number {
  // Commander has written its message already; help and version come this way too, with code 0.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage
  if (isStrataError(error, 'STRATA_CONFIG')) {
    output.err(`strata: ${error.message}\n`)
    return EXIT.usage
  }
  const stack = error instanceof Error && !isStrataError(error) ? error.stack : undefined
  output.err(`strata: ${stack ?? messageOf(error)}\n`)
  return EXIT.failed
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value]
}

function withSettings(command: Command): Command {
  command.option('--config <file>', 'settings, JSON or YAML (also STRATA_CONFIG)')
  for (const { name, argument, help } of FLAGS) {
    command.option(argument === undefined ? `--${name}` : `--${name} <${argument}>`, help)
  }
  return command.addHelpText('after', '\nEvery setting has a variable STRATA_…: strata settings lists them.')
}

function sourcesOf(options: Options) {
  const flags = Object.fromEntries(FLAGS.map(flag => [flag.name, given(flag, options)]))
  const file = typeof options.config === 'string' ? options.config : undefined
  return { file, env: process.env, flags }
}

/** Commander keeps `--redis-url` as `redisUrl`, and `--no-access-log` as `accessLog: false`. */
function given({ name }: Flag, options: Options): string | boolean | undefined {
  const negated = name.startsWith('no-')
  const key = name.replace(/^no-/, '').replace(/-([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
  if (negated) return options[key] === false ? true : undefined
  const value = options[key]
  return typeof value === 'object' ? undefined : value
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

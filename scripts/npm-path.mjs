import { delimiter } from 'node:path'

/**
 * The environment in which `npm` is the user's own: a development dependency (http-cache-tests) brings a very old one into
 * node_modules/.bin, which npm itself puts first on the PATH of every script.
 * @param {NodeJS.ProcessEnv} env
 * @returns {NodeJS.ProcessEnv}
 */
export function withOwnNpm(env) {
  const path = (env.PATH ?? '')
    .split(delimiter)
    .filter(folder => !/[\\/]node_modules[\\/]/.test(`${folder}/`))
  // What the outer npm says about its own run goes; what the user configured (npm_config_registry, say) stays.
  const rest = Object.entries(env).filter(
    ([name]) => !/^npm_(?!config_)|^npm_config_local_prefix$/i.test(name),
  )
  return { ...Object.fromEntries(rest), PATH: path.join(delimiter) }
}

// @ts-check
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { startChild } from './child.mjs'

const BUCKET = 'strata-conformance'

/**
 * @typedef {object} StoreServers
 * @property {Record<string, string>} env what Strata has to be told
 * @property {() => Promise<void>} stop
 */

/**
 * Starts the real servers that a backend needs.
 *
 * @param {string} store backend's name
 * @param {string} folder temporary, the caller's to remove
 * @returns {Promise<StoreServers>}
 */
export async function startStore(store, folder) {
  const env = { STRATA_DATA_DIR: join(folder, 'data') }
  if (store !== 'redis' && store !== 's3-redis') return { env, stop: async () => {} }
  const redis = await startRedis(join(folder, 'redis'))
  if (store === 'redis') return { env: { ...env, ...redis.env }, stop: redis.stop }
  try {
    const s3 = await startS3(join(folder, 's3'))
    const stop = async () => {
      await s3.stop()
      await redis.stop()
    }
    return { env: { ...env, ...redis.env, ...s3.env }, stop }
  } catch (error) {
    await redis.stop()
    throw error
  }
}

/** @returns {Promise<number>} a port that was free a moment ago */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
      server.close(() => resolve(port))
    })
  })
}

/** redis-server takes no port 0, so another process may win the race for the port: then another one is tried. @param {string} folder */
async function startRedis(folder, attempts = 5) {
  await mkdir(folder, { recursive: true })
  const port = await freePort()
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'no',
  ]
  try {
    const child = await startChild(
      'redis-server (Debian: apt-get install redis-server)',
      'redis-server',
      args,
      {
        isReady: line => line.includes('Ready to accept connections'),
      },
    )
    return { env: { STRATA_REDIS_URL: `redis://127.0.0.1:${port}` }, stop: child.stop }
  } catch (error) {
    const taken = error instanceof Error && error.message.includes('Address already in use')
    if (!taken || attempts === 1) throw error
    return startRedis(folder, attempts - 1)
  }
}

/** @param {string} folder @returns {Promise<StoreServers>} */
async function startS3(folder) {
  await mkdir(folder, { recursive: true })
  const { steadyS3rver } = await import('../../support/steady-s3rver.mjs')
  const server = steadyS3rver({ directory: folder, bucket: BUCKET })
  const { port } = await server.run()
  const env = {
    STRATA_S3_BUCKET: BUCKET,
    STRATA_S3_ENDPOINT: `http://127.0.0.1:${port}`,
    STRATA_S3_REGION: 'us-east-1',
    STRATA_S3_ACCESS_KEY_ID: 'S3RVER',
    STRATA_S3_SECRET_ACCESS_KEY: 'S3RVER',
    STRATA_S3_FORCE_PATH_STYLE: 'true',
  }
  return { env, stop: () => server.close() }
}

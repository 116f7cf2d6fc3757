import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import S3rver from 's3rver'
import { config, ready } from './support/child.mjs'

/** An S3 endpoint for machines that have none. */

const directory = mkdtempSync(join(tmpdir(), 'strata-bench-s3-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))
const configureBuckets = [{ name: config.bucket, configs: [] }]
const { port } = await new S3rver({
  address: '127.0.0.1',
  port: 0,
  directory,
  silent: true,
  configureBuckets,
}).run()
ready(port)

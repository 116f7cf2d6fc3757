import S3rver from 's3rver'
import { steady } from './steady-s3rver.mjs'

/** s3rver in a process of its own, on the folder and with the bucket that the arguments name; it prints its port, and ends with who started it. */

const [directory = '', bucket = ''] = process.argv.slice(2)
const configureBuckets = [{ name: bucket, configs: [] }]
const s3 = new S3rver({ address: '127.0.0.1', port: 0, directory, silent: true, configureBuckets })
steady(s3)
const { port } = await s3.run()
process.stdin.resume().once('end', () => process.exit())
process.stdout.write(`${port}\n`)

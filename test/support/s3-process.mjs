import { steadyS3rver } from './steady-s3rver.mjs'

/** s3rver in a process of its own, on the folder and with the bucket that the arguments name; it prints its port, and ends with who started it. */

const [directory = '', bucket = ''] = process.argv.slice(2)
const { port } = await steadyS3rver({ directory, bucket }).run()
process.stdin.resume().once('end', () => process.exit())
process.stdout.write(`${port}\n`)

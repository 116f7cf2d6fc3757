#!/usr/bin/env node
import cluster from 'node:cluster'
import { run } from './cli/program.js'

// Whoever reads what it says has enough (`strata warm --help | head`): it ends as other commands do then, by what would be SIGPIPE.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
  process.exit(141)
})

process.exitCode = await run(process.argv)
// Its line to the primary process would keep a worker alive.
if (cluster.isWorker) process.exit()

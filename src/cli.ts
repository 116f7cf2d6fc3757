#!/usr/bin/env node
import cluster from 'node:cluster'
import { run } from './cli/program.js'

process.exitCode = await run(process.argv)
// Its line to the primary process would keep a worker alive.
if (cluster.isWorker) process.exit()

import { readFileSync } from 'node:fs'
import { selfTimes, selfTimeTable } from './report/self-times.mjs'

/** `node bench/top.mjs FILE.cpuprofile [COUNT]`: the functions that took longest themselves, idle time left out. */

const [file, count = '10'] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('node bench/top.mjs FILE.cpuprofile [COUNT]\n')
  process.exitCode = 2
} else {
  process.stdout.write(`${selfTimeTable(selfTimes(JSON.parse(readFileSync(file, 'utf8'))), Number(count))}\n`)
}

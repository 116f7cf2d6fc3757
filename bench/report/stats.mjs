/** What rounds are boiled down to. Pure: numbers in, numbers out. */

/** @param {readonly number[]} values at least one @returns {number} */
export function median(values) {
  return percentile(values, 50)
}

/** Linear between the two nearest ranks. @param {readonly number[]} values at least one @param {number} p 0 to 100 @returns {number} */
export function percentile(values, p) {
  if (values.length === 0) throw new RangeError('no values')
  const sorted = [...values].sort((a, b) => a - b)
  const at = ((sorted.length - 1) * p) / 100
  const low = sorted[Math.floor(at)]
  const high = sorted[Math.ceil(at)]
  return low + (high - low) * (at - Math.floor(at))
}

/**
 * @typedef {object} Sample one round of one side
 * @property {number} rate requests (or bytes, or operations) per second
 * @property {number | undefined} cpu microseconds of the server process per request (or per MiB)
 * @property {number | undefined} p50 microseconds
 * @property {number | undefined} p99 microseconds
 * @property {number | undefined} busy share of one core that the server process took, 0 to 1 and beyond
 */

/**
 * @typedef {object} Summary
 * @property {number} rate
 * @property {number | undefined} cpu
 * @property {number | undefined} p50
 * @property {number | undefined} p99
 * @property {number | undefined} busy
 */

/** Medians over rounds. @param {readonly Sample[]} samples @returns {Summary} */
export function summarise(samples) {
  return {
    rate: median(samples.map(({ rate }) => rate)),
    cpu: medianOf(samples, 'cpu'),
    p50: medianOf(samples, 'p50'),
    p99: medianOf(samples, 'p99'),
    busy: medianOf(samples, 'busy'),
  }
}

/**
 * @typedef {object} Comparison
 * @property {number} ratio median of the rounds' throughput ratios, subject to baseline
 * @property {[number, number]} spread the lowest and the highest of them
 * @property {number | undefined} cpuRatio the same of CPU time per request, turned round: above 1, the subject takes less
 * @property {[number, number] | undefined} cpuSpread
 */

/**
 * Rounds are compared in pairs, each with its neighbour in time: what slows the machine down for a while slows down both.
 *
 * @param {readonly Sample[]} subject
 * @param {readonly Sample[]} baseline as many
 * @returns {Comparison}
 */
export function compareRounds(subject, baseline) {
  if (subject.length !== baseline.length) throw new RangeError('the sides have different numbers of rounds')
  const ratios = subject.map(({ rate }, i) => rate / baseline[i].rate)
  const cpuRatios = subject.map(({ cpu }, i) => ratioOf(baseline[i].cpu, cpu))
  const known = /** @type {number[]} */ (cpuRatios.filter(value => value !== undefined))
  const hasCpu = known.length === subject.length
  return {
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
    cpuRatio: hasCpu ? median(known) : undefined,
    cpuSpread: hasCpu ? [Math.min(...known), Math.max(...known)] : undefined,
  }
}

/** @param {number | undefined} a @param {number | undefined} b */
function ratioOf(a, b) {
  return a === undefined || b === undefined || b === 0 ? undefined : a / b
}

/** @param {readonly Sample[]} samples @param {'cpu' | 'p50' | 'p99' | 'busy'} key */
function medianOf(samples, key) {
  const values = samples.map(sample => sample[key])
  return values.some(value => value === undefined) ? undefined : median(/** @type {number[]} */ (values))
}

/** A budget of bytes shared by all fills that hold small bodies in memory (P9): at the limit, responses pass through unstored. */
export class PendingBytes {
  #bytes = 0
  constructor(private readonly limit: number) {}

  take(bytes: number): boolean {
    if (this.#bytes + bytes > this.limit) return false
    this.#bytes += bytes
    return true
  }

  give(bytes: number): void {
    this.#bytes -= bytes
  }

  get bytes(): number {
    return this.#bytes
  }
}

/** What a proxy does not hand on of the answers of bench origins (RFC 9110 §7.6.1). */
export const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'transfer-encoding'])

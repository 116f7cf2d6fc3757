/** Default of http.ignoredFields: who sends, from where, how to name the request, and what would have it treated as another. */
export const IGNORED_FIELDS: readonly string[] = [
  'Referer',
  'Max-Forwards',
  // Names of requests and traces, a new one each time
  ...['X-Request-Id', 'X-Correlation-Id', 'Request-Id', 'X-Trace-Id', 'X-Request-Start', 'X-Queue-Start'],
  ...['Traceparent', 'Tracestate', 'Baggage', 'B3', 'X-B3-TraceId', 'X-B3-SpanId', 'X-B3-ParentSpanId'],
  ...['X-B3-Sampled', 'X-B3-Flags', 'Uber-Trace-Id', 'Sentry-Trace', 'X-Amzn-Trace-Id', 'X-Amz-Cf-Id'],
  ...['X-Cloud-Trace-Context', 'CF-Ray', 'X-Azure-Ref', 'X-Datadog-Trace-Id', 'X-Datadog-Parent-Id'],
  ...['X-Datadog-Sampling-Priority', 'X-Vercel-Id', 'X-Varnish'],
  // Addresses of clients: from a peer in proxy.trustProxy the standard ones are believed
  ...['X-Forwarded-For', 'Forwarded', 'X-Real-IP', 'X-Client-IP', 'Client-IP', 'True-Client-IP'],
  ...['X-Cluster-Client-IP', 'X-Original-Forwarded-For', 'X-Envoy-External-Address', 'X-Azure-ClientIP'],
  ...['CF-Connecting-IP', 'CF-Connecting-IPv6', 'Fastly-Client-IP', 'Fly-Client-IP'],
  // Overrides of the request line
  ...['X-Original-URL', 'X-Rewrite-URL', 'X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'],
]

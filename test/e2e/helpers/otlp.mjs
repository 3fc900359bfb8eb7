// helpers/otlp.mjs -- a back end of OTLP/HTTP that decodes with OpenTelemetry's own definitions
//
// `spans` and `metrics` are what has come, as objects: ids in hexadecimal, times in nanoseconds (as
// BigInt), attributes as plain objects. `answer` may be a function (signal, count) that gives
// { status, headers, body, wait } instead of 200.

import http from 'node:http';
import https from 'node:https';
import { createRequire } from 'node:module';
import zlib from 'node:zlib';

const require = createRequire(new URL('../../otlp/package.json', import.meta.url));
const { opentelemetry } = require('@opentelemetry/otlp-transformer/build/src/generated/root.js');
const { trace, metrics } = opentelemetry.proto.collector;
const KINDS = {
  '/v1/traces': ['traces', trace.v1.ExportTraceServiceRequest, trace.v1.ExportTraceServiceResponse],
  '/v1/metrics': ['metrics', metrics.v1.ExportMetricsServiceRequest, metrics.v1.ExportMetricsServiceResponse],
};

const value = (any) => {
  const [kind] = Object.keys(any).filter((key) => any[key] !== null && Object.hasOwn(any, key));
  return kind === 'intValue' ? Number(any[kind]) : any[kind];
};
const attributes = (list) => Object.fromEntries((list ?? []).map(({ key, value: any }) => [key, value(any)]));
const hex = (bytes) => Buffer.from(bytes ?? []).toString('hex');
const time = (n) => BigInt(n.toString());

export class Receiver {
  spans = [];
  metrics = [];
  requests = []; // { path, headers, bytes, at }
  bad = []; // what could not be decoded
  answer = null;
  counts = { traces: 0, metrics: 0 };

  /** `tls`: { key, cert }, then it speaks https. */
  async start(t, port = 0, tls = null) {
    const take = (req, res) => this.#request(req, res);
    this.server = tls ? https.createServer(tls, take) : http.createServer(take);
    await new Promise((done) => this.server.listen(port, '127.0.0.1', done));
    this.port = this.server.address().port;
    this.url = `http${tls ? 's' : ''}://127.0.0.1:${this.port}`;
    t.after(() => this.stop());
    return this;
  }

  /** The back end dies. */
  stop() {
    this.server.closeAllConnections();
    return new Promise((done) => this.server.close(done));
  }

  #request(req, res) {
    const parts = [];
    req.on('error', () => {});
    req.on('data', (part) => parts.push(part));
    req.on('end', async () => {
      let bytes = Buffer.concat(parts);
      if (req.headers['content-encoding'] === 'gzip') bytes = zlib.gunzipSync(bytes);
      const [signal, Request, Response] = KINDS[req.url] ?? [];
      this.requests.push({ path: req.url, headers: req.headers, bytes: bytes.length, at: performance.now() });
      if (!signal) return res.writeHead(404).end();
      const count = ++this.counts[signal];
      const { status = 200, headers = {}, body, wait } = (await this.answer?.(signal, count, bytes)) ?? {};
      if (wait) await wait;
      if (status === 200 && req.headers['content-type'] === 'application/x-protobuf') this.#take(signal, Request, bytes);
      res.writeHead(status, { 'content-type': 'application/x-protobuf', ...headers });
      return res.end(body ?? Buffer.from(Response.encode(Response.create({})).finish()));
    });
  }

  #take(signal, Request, bytes) {
    let message;
    try {
      message = Request.decode(bytes);
    } catch (error) {
      this.bad.push(error);
      return;
    }
    for (const { resource, scopeSpans } of message.resourceSpans ?? [])
      for (const { spans } of scopeSpans)
        for (const span of spans)
          this.spans.push({
            traceId: hex(span.traceId),
            spanId: hex(span.spanId),
            parentSpanId: hex(span.parentSpanId),
            traceState: span.traceState ?? '',
            name: span.name,
            kind: span.kind,
            start: time(span.startTimeUnixNano),
            end: time(span.endTimeUnixNano),
            status: span.status?.code ?? 0,
            attributes: attributes(span.attributes),
            resource: attributes(resource.attributes),
          });
    for (const { resource, scopeMetrics } of message.resourceMetrics ?? [])
      for (const { metrics: list } of scopeMetrics)
        for (const metric of list) {
          const kind = ['sum', 'gauge', 'histogram'].find((one) => metric[one]);
          for (const point of metric[kind].dataPoints)
            this.metrics.push({
              name: metric.name,
              unit: metric.unit,
              kind,
              temporality: metric[kind].aggregationTemporality,
              monotonic: metric[kind].isMonotonic,
              start: time(point.startTimeUnixNano ?? 0),
              time: time(point.timeUnixNano),
              value: kind === 'histogram' ? undefined : value({ intValue: point.asInt, doubleValue: point.asDouble, [point.value]: point[point.value] }),
              count: point.count === undefined ? undefined : Number(point.count),
              sum: point.sum,
              buckets: point.bucketCounts?.map(Number),
              bounds: point.explicitBounds,
              attributes: attributes(point.attributes),
              resource: attributes(resource.attributes),
            });
        }
  }

  /** An answer that says that some were refused. */
  static partial(rejectedSpans) {
    const { ExportTraceServiceResponse: Response } = trace.v1;
    return Buffer.from(Response.encode(Response.create({ partialSuccess: { rejectedSpans, errorMessage: 'no' } })).finish());
  }
}

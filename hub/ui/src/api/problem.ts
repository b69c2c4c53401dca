// What a request that failed says: the hub's problem details (RFC 9457), or why no answer came.

/** A request that did not succeed. */
export class ApiError extends Error {
  /** HTTP status; 0 if no answer came. */
  readonly status: number;
  /** The kind of problem without its prefix, such as `not-found`; `network` if no answer came. */
  readonly kind: string;
  /** Whatever else the hub told, by kind. */
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(status: number, kind: string, detail: string, extra: Record<string, unknown> = {}) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.kind = kind;
    this.extra = extra;
  }

  /** Whether the same request may succeed later: no answer came, or the hub is busy or starting. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

const prefix = "urn:pilah:problem:";

/** Reads the body of an answer that is an error. */
export function problemOf(status: number, body: unknown): ApiError {
  if (typeof body === "object" && body !== null && "detail" in body) {
    const { type, title: _title, status: _status, detail, ...extra } = body as Record<string, unknown>;
    const kind = typeof type === "string" && type.startsWith(prefix) ? type.slice(prefix.length) : `status-${status}`;
    return new ApiError(status, kind, String(detail), extra);
  }
  const words = typeof body === "string" && body.length > 0 && body.length < 300 ? body : `HTTP ${status}`;
  return new ApiError(status, `status-${status}`, words);
}

/** Whatever was thrown, as an [ApiError]. */
export function asApiError(thrown: unknown): ApiError {
  if (thrown instanceof ApiError) return thrown;
  return new ApiError(0, "network", thrown instanceof Error ? thrown.message : String(thrown));
}

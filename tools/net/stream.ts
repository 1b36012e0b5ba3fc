/** A connection as sessions see it: a Deno.Conn, a TLS connection, or a test's end of a pipe in memory. */
export interface ByteStream {
  /** Reads at least one byte into `buffer`; null at the end. A buffer belongs to its read until that settles. */
  read(buffer: Uint8Array): Promise<number | null>;
  /** Writes some of `data` and says how much: use `writeAll` or a `Writer`. */
  write(data: Uint8Array): Promise<number>;
  /** Ends our half; reading goes on. */
  closeWrite(): Promise<void>;
  /** Ends both halves, and rejects what is pending. */
  close(): void;
}

// The types of the npm modules in use that ship none: just the functions this
// project calls. `npm:deno-std` is @std/* republished on npm without types.

declare module "@sinonjs/fake-timers" {
  interface Clock {
    tickAsync(milliseconds: number): Promise<number>;
    uninstall(): void;
  }
  const fakeTimers: {
    install(options: { now?: number | Date; toFake?: string[] }): Clock;
  };
  export default fakeTimers;
}

declare module "@std/assert" {
  export function assert(value: unknown, message?: string): asserts value;
  export function assertEquals<T>(
    actual: T,
    expected: T,
    message?: string,
  ): void;
  export function assertMatch(
    actual: string,
    expected: RegExp,
    message?: string,
  ): void;
  export function assertStringIncludes(
    actual: string,
    expected: string,
    message?: string,
  ): void;
  export function assertThrows<E extends Error = Error>(
    fn: () => unknown,
    errorClass?: new (...args: never[]) => E,
    messageIncludes?: string,
    message?: string,
  ): E;
  export function assertRejects<E extends Error = Error>(
    fn: () => PromiseLike<unknown>,
    errorClass?: new (...args: never[]) => E,
    messageIncludes?: string,
    message?: string,
  ): Promise<E>;
  export function fail(message?: string): never;
}

declare module "@std/async/delay" {
  /** Rejects with the signal's reason when that aborts. */
  export function delay(
    ms: number,
    options?: { signal?: AbortSignal },
  ): Promise<void>;
}

declare module "@std/cli/parse-args" {
  export function parseArgs(args: string[], options: {
    boolean?: string[];
    string?: string[];
    collect?: string[];
  }): { _: string[]; [name: string]: string | boolean | string[] | undefined };
}

declare module "@std/cli/prompt-secret" {
  export function promptSecret(message?: string): string | null;
}

declare module "@std/fs/walk" {
  export function walk(root: string, options?: {
    includeDirs?: boolean;
    exts?: string[];
    skip?: RegExp[];
  }): AsyncIterableIterator<{ path: string; name: string }>;
}

declare module "@std/path" {
  export function basename(path: string): string;
  export function dirname(path: string): string;
  export function fromFileUrl(url: string | URL): string;
  export function isAbsolute(path: string): boolean;
  export function join(...paths: string[]): string;
  export function relative(from: string, to: string): string;
  export function resolve(...paths: string[]): string;
}

declare module "cli-progress" {
  export class SingleBar {
    constructor(options: {
      format: (
        options: unknown,
        params: { value: number; total: number; startTime: number },
      ) => string;
      stream?: NodeJS.WritableStream;
      hideCursor?: boolean;
      clearOnComplete?: boolean;
      fps?: number;
    });
    start(total: number, value: number): void;
    update(value: number): void;
    stop(): void;
  }
  const cliProgress: { SingleBar: typeof SingleBar };
  export default cliProgress;
}

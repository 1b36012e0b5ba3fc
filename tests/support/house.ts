/** The rules of the house: which file may import which, never in a circle, and what a grammar may not touch. */

/** The `.ts` files of the project by their paths from its root. */
export type Files = ReadonlyMap<string, string>;

/** The longest file, in lines: more than one idea fits in no head. */
export const LONGEST_FILE = 400;

const REGISTRY = "tools/labsock/registry.ts";

// The shared parts, each of which may import those after it; files and net stand side by side.
const SHARED: Record<string, string[]> = {
  "tools/net": ["tools/program", "tools/protocol"],
  "tools/files": ["tools/program", "tools/protocol"],
  "tools/program": ["tools/protocol"],
  "tools/protocol": [],
};

/** What breaks the rules, one line for each. */
export function faults(files: Files): string[] {
  const each = [...files].flatMap(([path, source]) => {
    const lines = source.trimEnd().split("\n").length;
    return [
      ...lines > LONGEST_FILE ? [`${path} has ${lines} lines`] : [],
      ...isTest(path) ? [] : [
        ...imports(source).flatMap((specifier) => importFault(path, specifier, files)),
        ...isIn(path, "tools/protocol")
          ? impurities(source).map((what) => `${path} uses ${what}`)
          : [],
      ],
    ];
  });
  const circle = circleIn(files);
  return circle.length > 0 ? [...each, `${circle.join(", ")} import each other`] : each;
}

/** Files that import each other, directly or by others: nobody can read one before the other. */
function circleIn(files: Files): string[] {
  const left = new Map(
    [...files].filter(([path]) => !isTest(path)).map(([path, source]) => [
      path,
      imports(source).filter((specifier) => specifier.startsWith("."))
        .map((specifier) => targetOf(path, specifier)),
    ]),
  );
  const remove = (isFree: (path: string, targets: string[]) => boolean): void => {
    for (let size = -1; size !== left.size;) {
      size = left.size;
      for (const [path, targets] of left) if (isFree(path, targets)) left.delete(path);
    }
  };
  // Those that need none of the others, and then those that none of the others needs.
  remove((_, targets) => !targets.some((target) => left.has(target)));
  remove((path) => ![...left.values()].some((targets) => targets.includes(path)));
  return [...left.keys()];
}

function targetOf(path: string, specifier: string): string {
  return new URL(specifier, `file:///${path}`).pathname.slice(1);
}

/** The specifiers that `source` imports; one that is no literal is given as `?`. */
export function imports(source: string): string[] {
  const code = withoutComments(source);
  const literal = /\b(?:from|import)\s*\(?\s*(["'])(.*?)\1/g;
  const computed = /\bimport\s*\((?!\s*["'])/g;
  return [
    ...[...code.matchAll(literal)].map(([, , specifier = ""]) => specifier),
    ...[...code.matchAll(computed)].map(() => "?"),
  ];
}

function withoutComments(source: string): string {
  return source.replace(/\/\*[^]*?\*\/|(?<=^|\s)\/\/.*$/gm, "");
}

/** What a grammar uses that is not its to use: the system, the clock, chance. */
function impurities(source: string): string[] {
  const code = withoutComments(source);
  const forbidden =
    /(?<![\"'])\bDeno\.|\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bset(?:Timeout|Interval)\b|\bperformance\.|\bcrypto\.\w+|\bnode:(?:fs|net|dns|tls|process|os|child_process|timers)\b/g;
  return [...new Set(code.match(forbidden))];
}

function isTest(path: string): boolean {
  return isIn(path, "tests");
}

function isIn(path: string, folder: string): boolean {
  return path.startsWith(`${folder}/`);
}

/** Whether `path` is a program: a file directly in one of the three folders. */
function isProgram(path: string): boolean {
  return /^(clients|servers|tools)\/[^/]+\.ts$/.test(path);
}

/** Why `path` may not import `specifier`, or nothing. */
function importFault(path: string, specifier: string, files: Files): string[] {
  if (specifier === "?") return [`${path} imports what is no literal`];
  if (!specifier.startsWith(".")) {
    // Other modules are named in deno.json alone, so that there is one place to change them.
    return /^(npm|jsr|https?):/.test(specifier) ? [`${path} imports ${specifier}`] : [];
  }
  const target = targetOf(path, specifier);
  if (!files.has(target)) return [`${path} imports ${target}, which is not there`];
  return mayImport(path, target) ? [] : [`${path} imports ${target}`];
}

function mayImport(path: string, target: string): boolean {
  const shared = Object.keys(SHARED).find((folder) => isIn(path, folder));
  if (shared !== undefined) {
    return [shared, ...SHARED[shared] ?? []].some((folder) => isIn(target, folder));
  }
  if (Object.keys(SHARED).some((folder) => isIn(target, folder))) return true;
  if (path === REGISTRY) return isProgram(target) && !isIn(target, "tools");
  // Programs in tools/ and their parts may start others, through the registry.
  if (target === REGISTRY) return isIn(path, "tools");
  // Else a program has its own parts, and they have one another.
  const [place = "", program = ""] = path.replace(/\.ts$/, "").split("/");
  return isIn(target, `${place}/${program}`);
}

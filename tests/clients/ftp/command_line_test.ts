import { assertEquals, assertRejects } from "@std/assert";
import { type Job, type JobOptions, jobsFor } from "../../../clients/ftp/command_line.ts";
import { UsageError } from "../../../tools/program/failure.ts";
import { Secret } from "../../../tools/protocol/secret.ts";

const OPTIONS: JobOptions = {
  output: undefined,
  continueAt: undefined,
  uploadFile: undefined,
  append: false,
  createDirs: false,
  listOnly: false,
  head: false,
  recursive: false,
  delete: false,
  include: [],
  exclude: [],
  dryRun: false,
  parallel: 4,
  ascii: false,
  encoding: "utf-8",
  tls: false,
  port: undefined,
  // A login that is complete: nothing is read from .netrc.
  user: { name: "me", password: new Secret("secret") },
};

function jobs(words: string[], options: Partial<JobOptions> = {}): Promise<Job[]> {
  return jobsFor(words, { ...OPTIONS, ...options });
}

Deno.test("jobsFor() tells what a URL and the options ask for", async () => {
  const download = { kind: "download", resume: false, ascii: false };
  const mirror = {
    up: false,
    remote: "",
    local: ".",
    delete: false,
    include: [],
    exclude: [],
    dryRun: false,
    parallel: 4,
  };
  const upload = { kind: "upload", resume: false, append: false, ascii: false };
  const cases: [url: string, options: Partial<JobOptions>, task: Record<string, unknown>][] = [
    ["ftp://h/a/b", {}, { ...download, name: "b", file: "b" }],
    ["ftp://h/a%20b", {}, { ...download, name: "a b", file: "a b" }],
    ["ftp://h/b", { output: "c/d" }, { ...download, name: "b", file: "c/d" }],
    ["ftp://h/b", { output: "-" }, { ...download, name: "b", file: undefined }],
    ["ftp://h/a%2Fb", { output: "c" }, { ...download, name: "a/b", file: "c" }],
    ["ftp://h/b", { continueAt: "-" }, { ...download, name: "b", file: "b", resume: true }],
    ["ftp://h/b", { ascii: true }, { ...download, name: "b", file: "b", ascii: true }],
    ["ftp://h/b;type=a", {}, { ...download, name: "b", file: "b", ascii: true }],
    ["ftp://h/b;type=i", { ascii: true }, { ...download, name: "b", file: "b" }],
    ["ftp://h/b;type=d", {}, { kind: "names" }],
    ["ftp://h/b", { listOnly: true }, { kind: "names" }],
    ["ftp://h/b", { head: true }, { kind: "facts" }],
    ["ftp://h/b/", {}, { kind: "list" }],
    ["ftp://h/", { output: "-" }, { kind: "list" }],
    ["ftp://h/b/", { recursive: true }, { kind: "mirror", request: mirror }],
    [
      "ftp://h/b/",
      { recursive: true, output: "x", delete: true, include: ["*"], dryRun: true, parallel: 2 },
      {
        kind: "mirror",
        request: { ...mirror, local: "x", delete: true, include: ["*"], dryRun: true, parallel: 2 },
      },
    ],
    [
      "ftp://h/a/b/",
      { recursive: true, uploadFile: "x" },
      { kind: "mirror", request: { ...mirror, up: true, remote: "a/b", local: "x" } },
    ],
    [
      "ftp://h//a/b",
      { recursive: true, uploadFile: "x" },
      { kind: "mirror", request: { ...mirror, up: true, remote: "/a/b", local: "x" } },
    ],
    ["ftp://h/b", { uploadFile: "x/y" }, { ...upload, name: "b", file: "x/y" }],
    ["ftp://h/b/", { uploadFile: "x/y" }, { ...upload, name: "y", file: "x/y" }],
    ["ftp://h/b", { uploadFile: "-" }, { ...upload, name: "b", file: "-" }],
    [
      "ftp://h/b",
      { uploadFile: "y", append: true, ascii: true },
      { ...upload, name: "b", file: "y", append: true, ascii: true },
    ],
  ];
  for (const [url, options, task] of cases) {
    const [job] = await jobs([url], options);
    assertEquals(job?.task as Record<string, unknown>, task, `${url} ${JSON.stringify(options)}`);
  }
});

Deno.test("jobsFor() tells the server", async () => {
  const cases: [url: string, options: Partial<JobOptions>, port: number, tls: string][] = [
    ["ftp://h/", {}, 21, "none"],
    ["ftp://h/", { tls: true }, 21, "explicit"],
    ["ftps://h/", {}, 990, "implicit"],
    ["ftps://h/", { tls: true, port: 9990 }, 9990, "implicit"],
    ["ftp://h:2121/", { port: 21 }, 2121, "none"],
  ];
  for (const [url, options, port, tls] of cases) {
    const [job] = await jobs([url], options);
    assertEquals(job?.server as Record<string, unknown>, { host: "h", port, tls }, url);
  }
});

Deno.test("jobsFor() takes the login of the options before that of the URL", async () => {
  const [mine] = await jobs(["ftp://you:yours@h/"]);
  assertEquals([mine?.login.user, mine?.login.password.reveal()], ["me", "secret"]);
  const [yours] = await jobs(["ftp://you:yours@h/"], { user: undefined });
  assertEquals([yours?.login.user, yours?.login.password.reveal()], ["you", "yours"]);
});

Deno.test("jobsFor() refuses what does not go together", async () => {
  const cases: [words: string[], options: Partial<JobOptions>, message: string][] = [
    [[], { listOnly: true }, "give the URL"],
    [["server"], { listOnly: true }, '"server": give ftp://'],
    [["server", "2121"], {}, "2121: a port goes with its host, as in HOST:2121"],
    [["ftp://h/a", "ftp://h/b"], { output: "c" }, "-o FILE goes with one URL"],
    [["ftp://h/a", "ftp://h/b"], { uploadFile: "c" }, "-T goes with one URL"],
    [["ftp://h/a"], { listOnly: true, head: true }, "-l and -I do not go together"],
    [["ftp://h/a"], { uploadFile: "x", output: "y" }, "-T and -o do not go together"],
    [["ftp://h/a"], { recursive: true, output: "-" }, "-r needs a folder"],
    [["ftp://h/a"], { recursive: true, uploadFile: "x", output: "y" }, "-T and -o do not"],
    [["ftp://h/a"], { recursive: true, listOnly: true }, "-l and -r do not go together"],
    [["ftp://h/a"], { recursive: true, continueAt: "-" }, "-r goes on and makes folders by itself"],
    [["ftp://h/a"], { recursive: true, ascii: true }, "byte for byte"],
    [["ftp://h/a"], { delete: true }, "go with -r"],
    [["ftp://h/a"], { dryRun: true }, "go with -r"],
    [["ftp://h/a"], { exclude: ["x"] }, "go with -r"],
    [["ftp://h/a"], { append: true }, "-a goes with -T"],
    [["ftp://h/a"], { createDirs: true }, "--create-dirs goes with -T"],
    [["ftp://h/a"], { append: true, uploadFile: "x", continueAt: "-" }, "-a and -C"],
    [["ftp://h/a"], { ascii: true, continueAt: "-" }, "-C and --ascii"],
    [["ftp://h/a;type=a"], { continueAt: "-" }, "-C and --ascii"],
    [["ftp://h/"], { uploadFile: "-" }, "no file name to send to"],
    [["ftp://h/"], { head: true }, "no file name, which -I needs"],
    [["ftp://h/a/"], { output: "b" }, "is a folder"],
    [["ftp://h/.."], {}, "use -o FILE"],
    [["ftp://h/a%2Fb"], {}, "use -o FILE"],
    [["ftp://h/a%0ab"], {}, "%00, %0a or %0d"],
    [["ftp://h/%e9"], {}, "character set"],
  ];
  for (const [words, options, message] of cases) {
    await assertRejects(() => jobs(words, options), UsageError, message);
  }
});

Deno.test("jobsFor() keeps the password of a wrong URL to itself", async () => {
  for (const url of ["ftp://u:geheim@h:x/", "ftp://u:ge/heim@h/", "ftp://u:geheim@h/%zz"]) {
    const { message } = await assertRejects(() => jobs([url]), UsageError);
    assertEquals(/ge.?heim/.test(message), false, message);
  }
});

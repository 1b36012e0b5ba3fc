/** The http client against curl and wget: 1 GiB from one nginx, to a file and to nowhere. */
import { PROGRAMS } from "../labsock/registry.ts";
import type { Benchmark, Contender, Measure } from "./benchmark.ts";
import { makeFile, memoryFolder } from "./files.ts";
import { freePort, listens, ours, startServer, timed } from "./processes.ts";

const GIB = 2 ** 30;
const TO_FILE = "1 GiB to a file";
const TO_NULL = "1 GiB to /dev/null";
const SMALL = "5 bytes";

const CONFIG = (port: number, folder: string): string => `
  daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr; worker_processes 1;
  events {}
  http {
    access_log off; sendfile on;
    client_body_temp_path ${folder}; proxy_temp_path ${folder}; fastcgi_temp_path ${folder};
    uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
    server { listen 127.0.0.1:${port}; root ${folder}; }
  }`;

/** Saves `url` in `file`; returns how many seconds that took. */
type Download = (url: string, file: string) => Promise<number>;

/** The benchmark `http`. */
export const benchmark: Benchmark = {
  summary: "downloads from one nginx over loopback, the start of the program included",
  columns: [
    { name: TO_FILE, unit: "MB/s", better: "more" },
    { name: TO_NULL, unit: "MB/s", better: "more" },
    { name: SMALL, unit: "ms", better: "less" },
  ],

  async contenders(stack): Promise<Contender[]> {
    const folder = await memoryFolder(stack);
    const port = freePort();
    await makeFile(`${folder}/large`, GIB);
    await Deno.writeTextFile(`${folder}/small`, "hello");
    await Deno.writeTextFile(`${folder}/nginx.conf`, CONFIG(port, folder));
    const nginx = ["nginx", "-c", `${folder}/nginx.conf`, "-p", folder] as const;
    await startServer(stack, nginx, () => listens(port));

    const url = `http://127.0.0.1:${port}`;
    const saved = `${folder}/saved`;
    const measures = (download: Download): Record<string, Measure> => ({
      async [TO_FILE](): Promise<number> {
        await Deno.remove(saved).catch(() => {});
        const seconds = await download(`${url}/large`, saved);
        const { size } = await Deno.stat(saved);
        if (size !== GIB) throw new Error(`saved ${size} bytes`);
        return GIB / 1e6 / seconds;
      },
      [TO_NULL]: async () => GIB / 1e6 / await download(`${url}/large`, "/dev/null"),
      [SMALL]: async () => 1000 * await download(`${url}/small`, "/dev/null"),
    });
    const contender = (name: string, download: Download, needs?: string): Contender => ({
      name,
      ...(needs === undefined ? {} : { needs }),
      start: () => Promise.resolve(measures(download)),
    });
    return [
      contender("http", (url, file) => timed(ours("http", "-o", file, url))),
      contender("http, without its start", inProcess),
      contender("curl", (url, file) => timed(["curl", "-sS", "-o", file, url]), "curl"),
      contender("wget", (url, file) => timed(["wget", "-q", "-O", file, url]), "wget"),
    ];
  },
};

/** A download by the client in this process. */
async function inProcess(url: string, file: string): Promise<number> {
  const http = await PROGRAMS.find(({ names: [name] }) => name === "http")?.load();
  const start = performance.now();
  const code = await http?.main(["-o", file, url]);
  if (code !== 0) throw new Error(`exit code ${code}`);
  return (performance.now() - start) / 1000;
}

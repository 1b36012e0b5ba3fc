/** The FTP client against curl and lftp: 1 GiB both ways, and a tree of small files, with one vsftpd. */
import type { Benchmark, Contender, Measure } from "./benchmark.ts";
import { makeFile, memoryFolder } from "./files.ts";
import { type CommandLine, freePort, listens, ours, startServer, timed } from "./processes.ts";

const GIB = 2 ** 30;
const FOLDERS = 20;
const FILES_EACH = 100;

const DOWN = "1 GiB down";
const UP = "1 GiB up";
const DOWN_TLS = "down, TLS";
const UP_TLS = "up, TLS";
const MIRROR = "2,000 files";
const MIRROR_4 = "by 4 sessions";
const MIRROR_UP = "2,000 up";

const VSFTPD = (port: number, folder: string): string =>
  `listen=YES
listen_address=127.0.0.1
listen_port=${port}
background=NO
anonymous_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_world_readable_only=NO
anon_umask=022
write_enable=YES
anon_root=${folder}
secure_chroot_dir=${folder}/empty
seccomp_sandbox=NO
`;

const TLS = (folder: string): string =>
  `ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
ssl_ciphers=HIGH
rsa_cert_file=${folder}/cert.pem
rsa_private_key_file=${folder}/key.pem
`;

/** The benchmark `ftp`. */
export const benchmark: Benchmark = {
  summary: "files and folders of one vsftpd over loopback, the start of the program included",
  columns: [
    { name: DOWN, unit: "MB/s", better: "more" },
    { name: UP, unit: "MB/s", better: "more" },
    { name: DOWN_TLS, unit: "MB/s", better: "more" },
    { name: UP_TLS, unit: "MB/s", better: "more" },
    { name: MIRROR, unit: "ms", better: "less" },
    { name: MIRROR_4, unit: "ms", better: "less" },
    { name: MIRROR_UP, unit: "ms", better: "less" },
  ],

  async contenders(stack): Promise<Contender[]> {
    const folder = await memoryFolder(stack);
    const [plain, secure] = await startServers(stack, folder);
    await makeTree(folder);
    const saved = `${folder}/saved`;
    const sent = `${folder}/up/sent`;
    const clean = async (): Promise<void> => {
      for (const path of [saved, sent]) {
        await Deno.remove(path, { recursive: true }).catch(() => {});
      }
    };
    /** MB/s of a command that makes the large file anew. */
    const large = (file: string, command: CommandLine): Measure => async () => {
      await clean();
      const seconds = await timed(command);
      const { size } = await Deno.stat(file);
      if (size !== GIB) throw new Error(`${size} bytes arrived`);
      return GIB / 1e6 / seconds;
    };
    /** Milliseconds of a command that makes the tree anew. */
    const tree = (copy: string, command: CommandLine): Measure => async () => {
      await clean();
      const seconds = await timed(command);
      const files = countFiles(copy);
      if (files !== FOLDERS * FILES_EACH) throw new Error(`${files} files arrived`);
      return seconds * 1000;
    };
    const contender = (
      name: string,
      measures: Record<string, Measure>,
      needs?: string,
    ): Contender => ({
      name,
      ...(needs === undefined ? {} : { needs }),
      start: () => Promise.resolve(measures),
    });
    const tls = ["--tls", "--insecure"];
    const curl = ["curl", "-sS"] as const;
    const curlTls = [...curl, "--ssl-reqd", "--insecure"] as const;
    const lftp = (line: string): CommandLine => ["lftp", "-e", `${line}; bye`, plain];
    return [
      contender("ftp", {
        [DOWN]: large(saved, ours("ftp", "-o", saved, `${plain}/large`)),
        [UP]: large(sent, ours("ftp", "-T", `${folder}/large`, `${plain}/up/sent`)),
        [DOWN_TLS]: large(saved, ours("ftp", ...tls, "-o", saved, `${secure}/large`)),
        [UP_TLS]: large(sent, ours("ftp", ...tls, "-T", `${folder}/large`, `${secure}/up/sent`)),
        [MIRROR]: tree(saved, ours("ftp", "-r", "--parallel", "1", "-o", saved, `${plain}/tree/`)),
        [MIRROR_4]: tree(saved, ours("ftp", "-r", "-o", saved, `${plain}/tree/`)),
        [MIRROR_UP]: tree(
          sent,
          ours("ftp", "-r", "--parallel", "1", "-T", `${folder}/tree`, `${plain}/up/sent/`),
        ),
      }),
      contender("curl", {
        [DOWN]: large(saved, [...curl, "-o", saved, `${plain}/large`]),
        [UP]: large(sent, [...curl, "-T", `${folder}/large`, `${plain}/up/sent`]),
        [DOWN_TLS]: large(saved, [...curlTls, "-o", saved, `${secure}/large`]),
        [UP_TLS]: large(sent, [...curlTls, "-T", `${folder}/large`, `${secure}/up/sent`]),
      }, "curl"),
      contender("lftp", {
        [DOWN]: large(saved, lftp(`get /large -o ${saved}`)),
        [UP]: large(sent, lftp(`put ${folder}/large -o /up/sent`)),
        [MIRROR]: tree(saved, lftp(`mirror /tree ${saved}`)),
        [MIRROR_4]: tree(saved, lftp(`mirror --parallel=4 /tree ${saved}`)),
        [MIRROR_UP]: tree(sent, lftp(`mirror -R ${folder}/tree /up/sent`)),
      }, "lftp"),
    ];
  },
};

/** Starts a server in clear and one with TLS; returns their URLs. */
async function startServers(
  stack: AsyncDisposableStack,
  folder: string,
): Promise<[plain: string, secure: string]> {
  // vsftpd refuses a root that its user may write to.
  for (const name of ["empty", "up", "tree"]) await Deno.mkdir(`${folder}/${name}`);
  await Deno.chmod(folder, 0o755);
  await Deno.chmod(`${folder}/up`, 0o777);
  await timed(
    ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
      .concat("/CN=localhost", "-keyout", `${folder}/key.pem`, "-out", `${folder}/cert.pem`) as [
        string,
      ],
  );
  const start = async (name: string, config: (port: number) => string): Promise<string> => {
    const port = freePort();
    await Deno.writeTextFile(`${folder}/${name}.conf`, config(port));
    await startServer(stack, ["vsftpd", `${folder}/${name}.conf`], () => listens(port));
    return `ftp://127.0.0.1:${port}`;
  };
  return [
    await start("plain", (port) => VSFTPD(port, folder)),
    await start("secure", (port) => VSFTPD(port, folder) + TLS(folder)),
  ];
}

/** The large file, and the tree: files of 4 KiB on the average. */
async function makeTree(folder: string): Promise<void> {
  await makeFile(`${folder}/large`, GIB);
  for (let i = 0; i < FOLDERS; i++) {
    await Deno.mkdir(`${folder}/tree/${i}`);
    for (let j = 0; j < FILES_EACH; j++) {
      await makeFile(`${folder}/tree/${i}/${j}`, j * 83);
    }
  }
}

function countFiles(folder: string): number {
  let files = 0;
  for (const { name, isDirectory } of Deno.readDirSync(folder)) {
    files += isDirectory ? countFiles(`${folder}/${name}`) : 1;
  }
  return files;
}

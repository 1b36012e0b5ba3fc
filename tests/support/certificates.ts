/** Certificates for tests, made by openssl. */
import { runCommand } from "./process.ts";

/** A certificate, its key, and the authority it comes from, as files in PEM. */
export interface Certificate {
  cert: string;
  key: string;
  /** What a client has to trust. */
  ca: string;
}

/** What a certificate says. */
export interface CertificateOptions {
  /** Names and addresses in openssl's form, such as `DNS:localhost,IP:127.0.0.1`. */
  names?: string;
  /** Its time was over in the year 2020. */
  expired?: boolean;
}

/** Makes certificates in `folder`, all from one authority. */
export async function certificateMaker(
  folder: string,
): Promise<(name: string, options?: CertificateOptions) => Promise<Certificate>> {
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const ca = `${folder}/ca.pem`;
  await Deno.writeTextFile(
    `${folder}/ca.conf`,
    `[ca]\ndefault_ca = own\n[own]\ndatabase = ${folder}/index\nnew_certs_dir = ${folder}\n` +
      "rand_serial = yes\ndefault_md = sha256\npolicy = any\ncopy_extensions = copy\n" +
      "[any]\ncommonName = supplied\n",
  );
  await Deno.writeTextFile(`${folder}/index`, "");
  // deno-fmt-ignore
  await openssl("req", "-x509", ...newKey, "-keyout", `${folder}/ca.key`, "-out", ca, "-days", "30",
    "-subj", "/CN=labsock test authority");
  return async (name, { names = "DNS:localhost,IP:127.0.0.1", expired = false } = {}) => {
    const [key, request, cert] = ["key", "csr", "pem"].map((end) => `${folder}/${name}.${end}`) as [
      string,
      string,
      string,
    ];
    // deno-fmt-ignore
    await openssl("req", "-new", ...newKey, "-keyout", key, "-out", request, "-subj", `/CN=${name}`,
      "-addext", `subjectAltName=${names}`, "-addext", "basicConstraints=critical,CA:FALSE");
    const time = expired
      ? ["-startdate", "20200101000000Z", "-enddate", "20200201000000Z"]
      : ["-days", "10"];
    // deno-fmt-ignore
    await openssl("ca", "-batch", "-notext", "-config", `${folder}/ca.conf`, "-cert", ca,
      "-keyfile", `${folder}/ca.key`, ...time, "-in", request, "-out", cert);
    return { cert, key, ca };
  };
}

async function openssl(...args: string[]): Promise<void> {
  const { code, stderr } = await runCommand("openssl", args);
  if (code !== 0) throw new Error(`openssl ${args[0]}: ${stderr}`);
}

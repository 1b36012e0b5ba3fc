/** The transfers of the dialogue, shown as they go and told of afterwards. */
import { EXIT, Failure } from "../../tools/program/failure.ts";
import { type Progress, startProgress } from "../../tools/program/progress.ts";
import { visible } from "../../tools/protocol/text.ts";
import { formatSize } from "../../tools/protocol/units.ts";
import { blame } from "./blame.ts";
import { TransferAborted } from "./client.ts";
import { fetchFile, openSource, remoteFacts, sendFile, unlessRefused } from "./file_transfer.ts";
import type { Shell } from "./shell.ts";
import { LocalFile, StandardOutput } from "./target.ts";

/** Fetches the file `remote` into `local`, which is standard output when it is `-`. */
export async function getFile(
  shell: Shell,
  remote: string,
  local: string,
  resume: boolean,
): Promise<void> {
  const { client, settings: { ascii }, rate } = shell;
  const facts = await remoteFacts(client, remote);
  const target = shell.target = local === "-"
    ? new StandardOutput((data) => shell.console.write(data))
    : await LocalFile.open(shell.local(local), facts, resume);
  const { offset } = target;
  const began = performance.now();
  let bytes: number;
  try {
    using progress = await watch(shell, local === "-", offset, facts.size);
    heedAbort(shell);
    const onProgress = progress.update;
    bytes = await fetchFile(client, remote, target, facts, { ascii, rate, onProgress });
  } catch (error) {
    throw blame(visible(remote), error, shell.keep());
  } finally {
    shell.target = undefined;
  }
  target.finish();
  tell(shell, remote, bytes, offset, performance.now() - began);
}

/** Sends the file `local` into `remote`: anew, to the end of what is there, or just what is missing there. */
export async function putFile(
  shell: Shell,
  local: string,
  remote: string,
  how: "anew" | "append" | "resume",
): Promise<void> {
  const { client, settings: { ascii }, rate } = shell;
  const offset = how === "resume" ? await unlessRefused(client, () => client.size(remote)) ?? 0 : 0;
  using source = await openSource(shell.local(local), offset);
  if (source.size !== undefined && offset > source.size) {
    throw new Failure(
      EXIT.refused,
      `${visible(remote)}: has ${offset} bytes, more than the ${source.size} of ${local}`,
    );
  }
  const began = performance.now();
  let bytes: number;
  try {
    using progress = await watch(shell, false, offset, source.size);
    heedAbort(shell);
    ({ bytes } = await sendFile(client, source, remote, {
      ascii,
      append: how === "append" || offset > 0,
      rate,
      onProgress: (bytes) => progress.update(offset + bytes),
    }));
  } catch (error) {
    throw blame(visible(remote), error);
  }
  tell(shell, local, bytes, offset, performance.now() - began);
}

/** Throws TransferAborted when Ctrl-C came before the transfer. */
function heedAbort({ signal }: Shell): void {
  if (signal.aborted) throw new TransferAborted();
}

/** Shows how a transfer goes: by a bar, or by marks. */
async function watch(
  { settings: { hash }, console }: Shell,
  isShown: boolean,
  offset: number,
  total: number | undefined,
): Promise<Progress> {
  if (isShown) return { update: () => {}, [Symbol.dispose]: () => {} };
  if (hash === 0) return await startProgress(offset, total);
  let marks = Math.floor(offset / hash);
  return {
    update(bytes): void {
      const due = Math.floor(bytes / hash);
      console.mark("#".repeat(Math.max(0, due - marks)));
      marks = Math.max(marks, due);
    },
    [Symbol.dispose]: () => console.say(""),
  };
}

function tell(shell: Shell, name: string, bytes: number, offset: number, time: number): void {
  const rate = formatSize(bytes / Math.max(time, 1) * 1000);
  const rest = offset > 0 ? ` from byte ${offset} on` : "";
  const seconds = (time / 1000).toFixed(2);
  shell.note(`${visible(name)}: ${formatSize(bytes)}${rest} in ${seconds} s (${rate}/s)`);
}

/** Runs a program as the user nobody, after it was loaded by root: `as_nobody.ts PROGRAM [arguments]`. */
import process from "node:process";
import { findProgram } from "../../tools/labsock/registry.ts";

const NOBODY = 65534;

const [name = "", ...args] = Deno.args;
const program = await findProgram(name)?.load();
if (!program) throw new Error(`there is no program ${name}`);
process.setgid?.(NOBODY);
process.setuid?.(NOBODY);
Deno.exit(await program.main(args));

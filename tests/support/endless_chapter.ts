/** Plays a chapter of the tour that never ends. */
import { writeOut } from "../../tools/program/terminal.ts";
import { play } from "../../tools/tour/chapter.ts";

await play({
  title: "A test",
  about: "It is stopped.",
  servers: [{ program: "daytimed", args: ["--host", "127.0.0.1", "--port", "0"] }],
  steps: [{ what: "Go on.", program: "proxy", args: ["0", "{daytimed}"], shows: /nothing/ }],
}, { write: writeOut, patience: 600_000 });

import { assertEquals } from "@std/assert";
import { processTest } from "../../support/permissions.ts";
import { run } from "../../support/process.ts";

processTest(
  "Trace shows whose line it is, in one line that steers no terminal, or nothing",
  async () => {
    assertEquals(await run("tests/support/toy.ts", ["trace"]), {
      code: 0,
      stdout: "",
      stderr: "> HELO true\n< 250 \\x1b[2Jyou\\r\\n251 are\n* so far so good\n>\n",
    });
  },
);

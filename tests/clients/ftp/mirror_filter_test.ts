import { assertEquals } from "@std/assert";
import { mirrorFilter } from "../../../clients/ftp/mirror_filter.ts";

/** Which of some paths take part; folders are those with a slash at the end. */
function left(include: string[], exclude: string[]): string {
  const isWanted = mirrorFilter(include, exclude);
  const paths = ["a.txt", "b.jpg", ".hidden", "doc/", "doc/a.txt", "doc/tmp/", "doc/tmp/c.txt"];
  return paths.filter((path) => isWanted(path.replace(/\/$/, ""), path.endsWith("/"))).join(" ");
}

const ALL = "a.txt b.jpg .hidden doc/ doc/a.txt doc/tmp/ doc/tmp/c.txt";

for (
  const [include, exclude, expected] of [
    [[], [], ALL],
    [[], ["*.txt"], "b.jpg .hidden doc/ doc/tmp/"],
    [[], ["*"], ""],
    [[], ["tmp"], ALL.replace("doc/tmp/ ", "")],
    [[], ["tmp/"], ALL.replace("doc/tmp/ ", "")],
    [[], ["a.txt/"], ALL],
    [[], ["/a.txt"], ALL.replace("a.txt ", "")],
    [[], ["doc/*.txt"], ALL.replace("doc/a.txt ", "")],
    [[], ["doc/*/*.txt"], ALL.replace(" doc/tmp/c.txt", "")],
    [[], ["doc/tmp/"], ALL.replace("doc/tmp/ ", "")],
    // Files alone are included by patterns; the folders on the way are looked at.
    [["*.txt"], [], "a.txt doc/ doc/a.txt doc/tmp/ doc/tmp/c.txt"],
    [["*.jpg", ".h*"], [], "b.jpg .hidden doc/ doc/tmp/"],
    [["*.txt"], ["a*", "tmp"], "doc/ doc/tmp/c.txt"],
  ] as const
) {
  Deno.test(`mirrorFilter() include [${include}], exclude [${exclude}]`, () => {
    assertEquals(left([...include], [...exclude]), expected);
  });
}

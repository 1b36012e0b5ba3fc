import { assertEquals, assertThrows } from "@std/assert";
import { isAllowed, parseNetwork } from "../../../servers/tftp/allow_list.ts";
import { meantPath, wholePath } from "../../../servers/tftp/names.ts";
import { LONGEST_MAPPED, parseMap, remap } from "../../../servers/tftp/remap.ts";
import { limitsFor, type TftpSettings } from "../../../servers/tftp/settings.ts";
import { Log } from "../../../tools/program/log.ts";

const PLAIN = { lowerCase: false, map: [] };
const ROOT = "/srv/tftp";

Deno.test("the file a TFTP client means, however it writes the name", () => {
  const rows: [name: string, path: string][] = [
    ["cake", "/cake"],
    ["/cake", "/cake"],
    ["///cake/", "/cake"],
    ["\\Boot\\x64\\bootmgr.exe", "/Boot/x64/bootmgr.exe"],
    ["D:\\Boot\\bcd", "/Boot/bcd"],
    ["c:/boot/bcd", "/boot/bcd"],
    ["a:b", "/a:b"],
    ["..\\..\\etc\\passwd", "/etc/passwd"],
    ["boot/grub.efi\xff", "/boot/grub.efi"],
    ["boot/GRUB.EFI\xff\x01", "/boot/GRUB.EFI"],
    ["\xff", "/\xff"],
    ["grub.efi.txt", "/grub.efi.txt"],
  ];
  for (const [name, path] of rows) assertEquals(meantPath(name, "192.0.2.1", PLAIN, ROOT), path);
  assertEquals(
    meantPath("\\Boot\\BCD", "192.0.2.1", { ...PLAIN, lowerCase: true }, ROOT),
    "/boot/bcd",
  );
  for (const name of ["a\nb", "a\0", "\x7f", "x".repeat(5000)]) {
    assertThrows(() => meantPath(name, "192.0.2.1", PLAIN, ROOT), RangeError);
  }
});

Deno.test("the whole path of a file on the server means that file", () => {
  const rows: [root: string, name: string, path: string][] = [
    ["/srv/tftp", "/srv/tftp/pxelinux.0", "/pxelinux.0"],
    ["/srv/tftp", "//srv/tftp//sub/a", "/sub/a"],
    ["/srv/tftp", "\\srv\\tftp\\a", "/a"],
    ["/srv/tftp", "/srv/tftp/../../etc/passwd", "/etc/passwd"],
    ["/srv/tftp", "/srv/tftp/srv/tftp/a", "/srv/tftp/a"],
    ["/srv/tftp", "/srv/tftp2/a", "/srv/tftp2/a"],
    ["/srv/tftp", "/SRV/tftp/a", "/SRV/tftp/a"],
    ["/srv/tftp", "srv/tftp/a", "/srv/tftp/a"], // A folder within, as ever.
    ["/", "/srv/a", "/srv/a"],
  ];
  for (const [root, name, path] of rows) {
    assertEquals(meantPath(name, "192.0.2.1", PLAIN, root), path, `${root} ${name}`);
  }
  const lower = { lowerCase: true, map: parseMap("^a$ b") };
  assertEquals(meantPath("/SRV/TFTP/A", "192.0.2.1", lower, "/Srv/tftp"), "/b");
  // A letter that is longer in lower case.
  assertEquals(meantPath("/\u0130/cake", "192.0.2.1", lower, "/\u0130"), "/cake");
});

Deno.test("the whole path of a folder, as clients write it", () => {
  const rows: [folder: string, workingFolder: string, path: string][] = [
    ["/srv/tftp/", "/root", "/srv/tftp"],
    [".", "/srv/tftp", "/srv/tftp"],
    ["../tftp", "/srv/www", "/srv/tftp"],
    ["C:\\tftp\\boot", "D:\\", "/tftp/boot"],
    ["boot", "C:\\tftp", "/tftp/boot"],
    ["a\nb", "/srv", "a\nb"],
  ];
  for (const [folder, workingFolder, path] of rows) {
    assertEquals(wholePath(folder, workingFolder), path);
  }
});

Deno.test("the first rule of a map that matches gives the name", () => {
  const rules = parseMap(
    "# phones\n\n  ^SEP([0-9A-F]{12})  phones/$1\r\n" +
      "^network-confg$\tcisco/{ip}.cfg\n^phones gone\n\\s _\n^up$ ../../etc/passwd",
  );
  const rows: [name: string, to: string][] = [
    ["SEP001122334455.cnf.xml", "phones/001122334455.cnf.xml"],
    ["network-confg", "cisco/192.0.2.7.cfg"],
    ["network-confg2", "network-confg2"],
    ["phones", "gone"],
    ["a b", "a_b"],
    ["cake", "cake"],
  ];
  for (const [name, to] of rows) {
    assertEquals(remap(rules, name, "192.0.2.7"), to);
    assertEquals(
      meantPath(`/${name}`, "192.0.2.7", { lowerCase: false, map: rules }, ROOT),
      `/${to}`,
    );
  }
  const long = `phones${"x".repeat(LONGEST_MAPPED)}`;
  assertEquals(remap(rules, long, "192.0.2.7"), long);
  assertEquals(
    remap(rules, long.slice(0, LONGEST_MAPPED), "192.0.2.7"),
    `gone${long.slice(6, LONGEST_MAPPED)}`,
  );
  assertEquals(meantPath("up", "192.0.2.7", { lowerCase: false, map: rules }, ROOT), "/etc/passwd");
});

Deno.test("under --lower-case a map matches in any case, and its right side stays as it is", () => {
  const rows: [name: string, sensitive: string, lowerCase: string][] = [
    ["SEP0A.cnf", "/phones/SEP0A.cnf", "/phones/SEP0a.cnf"],
    ["sep0a.cnf", "/sep0a.cnf", "/phones/SEP0a.cnf"],
    ["\\Boot\\BCD", "/win/Boot.bcd", "/win/Boot.bcd"],
  ];
  const map = "^SEP(.*) phones/SEP$1\n^Boot/BCD$ win\\Boot.bcd";
  for (const [name, ...paths] of rows) {
    for (const lowerCase of [false, true]) {
      const rules = { lowerCase, map: parseMap(map, lowerCase) };
      assertEquals(meantPath(name, "192.0.2.7", rules, ROOT), paths[Number(lowerCase)]);
    }
  }
});

Deno.test("a map that is wrong is refused by the number of its line", () => {
  const rows: [text: string, reason: string][] = [
    ["a b\nalone", "line 2: give a pattern and a replacement"],
    ["a b c", "line 1: give a pattern and a replacement"],
    ["\n\n(open b", "line 3: (open is no regular expression"],
  ];
  for (const [text, reason] of rows) assertThrows(() => parseMap(text), RangeError, reason);
});

Deno.test("a network holds the addresses that begin as it does", () => {
  const rows: [network: string, address: string, allowed: boolean][] = [
    ["192.0.2.7", "192.0.2.7", true],
    ["192.0.2.7", "192.0.2.8", false],
    ["192.0.2.0/24", "192.0.2.255", true],
    ["192.0.2.0/24", "192.0.3.0", false],
    ["10.128.0.0/9", "10.255.0.1", true],
    ["10.128.0.0/9", "10.127.0.1", false],
    ["0.0.0.0/0", "203.0.113.1", true],
    ["0.0.0.0/0", "2001:db8::1", false],
    ["192.0.2.0/24", "::ffff:192.0.2.1", true],
    ["2001:db8::/33", "2001:db8:7fff::1", true],
    ["2001:db8::/33", "2001:db8:8000::1", false],
    ["::1", "::1", true],
  ];
  for (const [network, address, allowed] of rows) {
    assertEquals(isAllowed([parseNetwork(network)], address), allowed, `${network} ${address}`);
  }
  for (const text of ["", "cake", "192.0.2.0/33", "192.0.2.0/", "::1/129", "1.2.3.4/x", "1.2.3"]) {
    assertThrows(() => parseNetwork(text), RangeError);
  }
});

Deno.test("blocks stay unfragmented on an Ethernet unless the server is told otherwise", () => {
  const settings: TftpSettings = {
    folder: ".",
    writing: "no",
    maxFileSize: Infinity,
    perClient: false,
    names: PLAIN,
    maxWindow: 64,
    singlePort: false,
    allow: [],
    idleTimeout: 1000,
    log: new Log({ name: "tftpd", form: "text", quiet: true }),
  };
  const rows: [address: string, blksize: number][] = [
    ["192.0.2.7", 1468],
    ["2001:db8::7", 1448],
    ["127.0.0.1", 65464],
    ["::1", 65464],
  ];
  for (const [address, blksize] of rows) {
    assertEquals(limitsFor(address, "RRQ", settings), { blksize, windowsize: 64, timeout: 250 });
    assertEquals(limitsFor(address, "RRQ", { ...settings, maxBlksize: 9000 }).blksize, 9000);
  }
});

/** Link-local addresses of IPv6: without a zone, which is an interface here, they lead nowhere (RFC 4007 section 6). */

/** Whether `address` is in fe80::/10 (RFC 4291 section 2.4). */
export function isLinkLocal(address: string): boolean {
  return /^fe[89ab]/i.test(address);
}

/** `address`, one of ours, with its zone if it needs one: no socket of Deno tells it, but the list of interfaces does to those who may see it. */
export function withZone(address: string): string {
  if (!isLinkLocal(address)) return address;
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" });
  if (state !== "granted") return address;
  const own = Deno.networkInterfaces().find((own) => own.address === address);
  return own?.scopeid ? `${address}%${own.scopeid}` : address;
}

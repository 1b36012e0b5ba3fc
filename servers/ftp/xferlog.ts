/** The log of transfers in the form that wu-ftpd gave to all FTP servers: xferlog(5). */

/** A transfer that is over. */
export interface Transferred {
  now: Date;
  seconds: number;
  peer: string;
  bytes: number;
  path: string;
  ascii: boolean;
  incoming: boolean;
  user: string;
  anonymous: boolean;
  /** The whole file moved. */
  done: boolean;
}

/** Its line. The time is UTC; blanks in a name become `_`, since blanks separate the fields. */
export function xferlogLine(transfer: Transferred): string {
  // Such as: Thu, 04 Sep 1986 20:06:25 GMT
  const [day = "", date = "", month, year, time] = transfer.now.toUTCString().split(" ");
  const word = (text: string): string => text.replace(/\s/g, "_");
  return [
    `${day.slice(0, 3)} ${month} ${date.replace(/^0/, " ")} ${time} ${year}`,
    Math.max(1, Math.round(transfer.seconds)),
    transfer.peer,
    transfer.bytes,
    word(transfer.path),
    transfer.ascii ? "a" : "b",
    "_",
    transfer.incoming ? "i" : "o",
    transfer.anonymous ? "a" : "r",
    word(transfer.user),
    "ftp",
    0,
    "*",
    transfer.done ? "c" : "i",
  ].join(" ");
}

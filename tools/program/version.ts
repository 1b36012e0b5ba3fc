/** The version of labsock, the same for all its programs. */
export const VERSION = "0.1.0";

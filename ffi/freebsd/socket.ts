/** The flags of send(2) and recv(2) that the library uses, from sys/socket.h; the same in FreeBSD 13.2 to 15.1. */
export const MSG_EOR = 0x8;
export const MSG_DONTWAIT = 0x80;
export const MSG_NOSIGNAL = 0x20000;

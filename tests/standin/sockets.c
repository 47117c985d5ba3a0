/* Sockets, pipes, and waiting for them. */
#include "standin.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

enum { B_AF_INET6 = 28, B_SOCK_CLOEXEC = 0x10000000, B_SOCK_NONBLOCK = 0x20000000, B_SOL_SOCKET = 0xffff };

static int linux_family(int family) {
  return family == B_AF_INET6 ? AF_INET6 : family == AF_UNIX || family == AF_INET ? family : -1;
}

static int linux_type(int type) {
  return (type & 0xff) | ((type & B_SOCK_CLOEXEC) != 0 ? SOCK_CLOEXEC : 0) |
         ((type & B_SOCK_NONBLOCK) != 0 ? SOCK_NONBLOCK : 0);
}

CALL(int, socket, int family, int type, int protocol) {
  ENTER(socket);
  enum { B_PF_ROUTE = 17 };
  bool connectable = (type & 0xff) == SOCK_STREAM || (type & 0xff) == SOCK_DGRAM || family == AF_UNIX;
  if (release15 && in_capmode() && (linux_family(family) == -1 || !connectable)) return fail(B_ECAPMODE);
  int translated = family == B_PF_ROUTE ? AF_NETLINK : linux_family(family);
  if (translated == -1) return fail(B_EAFNOSUPPORT);
  return (int)fresh(answer(syscall(SYS_socket, translated, linux_type(type), protocol)));
}

CALL(int, socketpair, int family, int type, int protocol, int pair[2]) {
  ENTER(socketpair);
  if (linux_family(family) == -1) return fail(B_EAFNOSUPPORT);
  if (syscall(SYS_socketpair, linux_family(family), linux_type(type), protocol, pair) == -1) return (int)answer(-1);
  fresh(pair[0]);
  fresh(pair[1]);
  return 0;
}

static int make_pipe(int pair[2], int flags) {
  if ((flags & ~(B_O_CLOEXEC | B_O_NONBLOCK | (release15 ? B_O_CLOFORK : 0))) != 0) return fail(B_EINVAL);
  int linux_flags = ((flags & B_O_CLOEXEC) != 0 ? O_CLOEXEC : 0) | ((flags & B_O_NONBLOCK) != 0 ? O_NONBLOCK : 0);
  if (syscall(SYS_pipe2, pair, linux_flags) == -1) return (int)answer(-1);
  fresh(pair[0]);
  fresh(pair[1]);
  return 0;
}

CALL(int, pipe2, int pair[2], int flags) {
  ENTER(pipe2);
  return make_pipe(pair, flags);
}

CALL(int, pipe, int pair[2]) {
  ENTER(pipe);
  return make_pipe(pair, 0);
}

/* FreeBSD's address starts with one byte of length and one of family; Linux's with two bytes of family. */
struct address {
  struct sockaddr_storage linux_form;
  socklen_t length;
};

static int translate_address(const uint8_t *from, uint32_t length, struct address *to) {
  if (from == NULL) return B_EFAULT;
  if (length < 2 || length > sizeof to->linux_form) return B_EINVAL;
  int family = linux_family(from[1]);
  if (family == -1) return B_EAFNOSUPPORT;
  memset(&to->linux_form, 0, sizeof to->linux_form);
  memcpy(&to->linux_form, from, length);
  to->linux_form.ss_family = (sa_family_t)family;
  to->length = length;
  if (family != AF_UNIX) return 0;
  /* FreeBSD's path has at most 104 bytes, and no NUL if it fills them. */
  struct sockaddr_un *un = (struct sockaddr_un *)&to->linux_form;
  if (un->sun_path[0] == 0) return B_EINVAL;
  to->length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(un->sun_path) + 1);
  return 0;
}

static void give_address(const struct address *from, uint8_t *to, uint32_t *room) {
  if (to == NULL || room == NULL) return;
  uint8_t bytes[sizeof from->linux_form];
  memcpy(bytes, &from->linux_form, sizeof bytes);
  socklen_t length = from->length;
  bytes[0] = (uint8_t)length;
  bytes[1] = from->linux_form.ss_family == AF_INET6 ? B_AF_INET6 : (uint8_t)from->linux_form.ss_family;
  memcpy(to, bytes, length < *room ? length : *room);
  *room = length;
}

static int address_call(long number, int fd, const uint8_t *from, uint32_t length, uint64_t right) {
  if (in_capmode()) return fail(B_ECAPMODE);
  int error = check_rights(fd, right, 0);
  struct address address;
  if (error == 0) error = translate_address(from, length, &address);
  return error != 0 ? fail(error) : (int)answer(syscall(number, fd, &address.linux_form, address.length));
}

CALL(int, bind, int fd, const uint8_t *address, uint32_t length) {
  ENTER(bind);
  return address_call(SYS_bind, fd, address, length, CAP_BIND);
}

CALL(int, connect, int fd, const uint8_t *address, uint32_t length) {
  ENTER(connect);
  return address_call(SYS_connect, fd, address, length, CAP_CONNECT);
}

/* bindat(2) and connectat(2): the path of a Unix socket, relative to a directory. */
static int address_call_at(long number, int dirfd, int fd, const uint8_t *from, uint32_t length, bool binds) {
  if (dirfd == B_AT_FDCWD) return address_call(number, fd, from, length, binds ? CAP_BIND : CAP_CONNECT);
  int error = check_rights(fd, binds ? CAP_BIND : CAP_CONNECT, 0);
  struct address address;
  if (error == 0) error = translate_address(from, length, &address);
  if (error == 0 && address.linux_form.ss_family != AF_UNIX) error = in_capmode() ? B_ECAPMODE : B_EAFNOSUPPORT;
  if (error != 0) return fail(error);
  struct sockaddr_un *un = (struct sockaddr_un *)&address.linux_form;
  char path[sizeof un->sun_path + 1] = {0};
  memcpy(path, un->sun_path, sizeof un->sun_path);
  struct lookup l = {.dirfd = dirfd,
                     .path = path,
                     .operation = binds ? CREATE : LOOKUP,
                     .flags = binds ? 0 : FOLLOW,
                     .rights = binds ? CAP_BINDAT : CAP_CONNECTAT};
  error = lookup(&l);
  if (error == 0 && binds && l.found != -1) error = B_EADDRINUSE;
  if (error == 0) {
    int printed = binds ? snprintf(un->sun_path, sizeof un->sun_path, "/proc/self/fd/%d/%s", l.parent, l.name)
                        : snprintf(un->sun_path, sizeof un->sun_path, "/proc/self/fd/%d", l.found);
    if (printed >= (int)sizeof un->sun_path) error = B_ENAMETOOLONG;
    else if (syscall(number, fd, un, sizeof *un) == -1) error = linux_error();
  }
  lookup_end(&l);
  return returned(error);
}

CALL(int, bindat, int dirfd, int fd, const uint8_t *address, uint32_t length) {
  ENTER(bindat);
  return address_call_at(SYS_bind, dirfd, fd, address, length, true);
}

CALL(int, connectat, int dirfd, int fd, const uint8_t *address, uint32_t length) {
  ENTER(connectat);
  return address_call_at(SYS_connect, dirfd, fd, address, length, false);
}

CALL(int, listen, int fd, int backlog) {
  ENTER(listen);
  int error = check_rights(fd, CAP_LISTEN, 0);
  return error != 0 ? fail(error) : (int)answer(syscall(SYS_listen, fd, backlog));
}

static int accept_from(int fd, uint8_t *address, uint32_t *length, int flags) {
  int error = check_rights(fd, CAP_ACCEPT, 0);
  if (error != 0) return fail(error);
  struct address peer = {.length = sizeof peer.linux_form};
  long accepted = syscall(SYS_accept4, fd, &peer.linux_form, &peer.length, linux_type(flags & ~0xff));
  if (accepted == -1) return (int)answer(-1);
  give_address(&peer, address, length);
  inherit(fd, (int)accepted, 0);
  return (int)accepted;
}

CALL(int, accept, int fd, uint8_t *address, uint32_t *length) {
  ENTER(accept);
  return accept_from(fd, address, length, 0);
}

CALL(int, accept4, int fd, uint8_t *address, uint32_t *length, int flags) {
  ENTER(accept4);
  return accept_from(fd, address, length, flags);
}

static int name_call(long number, int fd, uint8_t *address, uint32_t *length, uint64_t right) {
  int error = check_rights(fd, right, 0);
  if (error != 0) return fail(error);
  struct address name = {.length = sizeof name.linux_form};
  if (syscall(number, fd, &name.linux_form, &name.length) == -1) return (int)answer(-1);
  give_address(&name, address, length);
  return 0;
}

CALL(int, getsockname, int fd, uint8_t *address, uint32_t *length) {
  ENTER(getsockname);
  return name_call(SYS_getsockname, fd, address, length, CAP_GETSOCKNAME);
}

CALL(int, getpeername, int fd, uint8_t *address, uint32_t *length) {
  ENTER(getpeername);
  return name_call(SYS_getpeername, fd, address, length, CAP_GETPEERNAME);
}

/* Translates an option of FreeBSD's SOL_SOCKET to Linux's number; -1 if Linux has no such option. */
static int linux_option(int option) {
  switch (option) {
    case 0x2: return SO_ACCEPTCONN;
    case 0x4: return SO_REUSEADDR;
    case 0x8: return SO_KEEPALIVE;
    case 0x10: return SO_DONTROUTE;
    case 0x20: return SO_BROADCAST;
    case 0x80: return SO_LINGER;
    case 0x200: return SO_REUSEPORT;
    case 0x1001: return SO_SNDBUF;
    case 0x1002: return SO_RCVBUF;
    case 0x1005: return SO_SNDTIMEO;
    case 0x1006: return SO_RCVTIMEO;
    case 0x1007: return SO_ERROR;
    case 0x1008: return SO_TYPE;
    default: return -1;
  }
}

static bool translate_option(int *level, int *option) {
  if (*level != B_SOL_SOCKET) return true;
  *level = SOL_SOCKET;
  *option = linux_option(*option);
  return *option != -1;
}

CALL(int, getsockopt, int fd, int level, int option, void *value, uint32_t *length) {
  ENTER(getsockopt);
  int error = check_rights(fd, CAP_GETSOCKOPT, 0);
  if (error == 0 && !translate_option(&level, &option)) error = B_ENOPROTOOPT;
  if (error != 0) return fail(error);
  if (syscall(SYS_getsockopt, fd, level, option, value, length) == -1) return (int)answer(-1);
  if (level == SOL_SOCKET && option == SO_ERROR && *(int *)value != 0) {
    errno = *(int *)value;
    *(int *)value = linux_error();
  }
  return 0;
}

CALL(int, setsockopt, int fd, int level, int option, const void *value, uint32_t length) {
  ENTER(setsockopt);
  int error = check_rights(fd, CAP_SETSOCKOPT, 0);
  if (error == 0 && !translate_option(&level, &option)) error = B_ENOPROTOOPT;
  return error != 0 ? fail(error) : (int)answer(syscall(SYS_setsockopt, fd, level, option, value, length));
}

CALL(int, shutdown, int fd, int how) {
  ENTER(shutdown);
  int error = check_rights(fd, CAP_SHUTDOWN, 0);
  return error != 0 ? fail(error) : (int)answer(syscall(SYS_shutdown, fd, how));
}

int message_flags(int flags) {
  static const int pairs[][2] = {{1, MSG_OOB},      {2, MSG_PEEK},        {4, MSG_DONTROUTE},
                                 {0x40, MSG_WAITALL}, {0x80, MSG_DONTWAIT}, {0x20000, MSG_NOSIGNAL},
                                 {0x40000, MSG_CMSG_CLOEXEC}};
  int result = 0;
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    if ((flags & pairs[i][0]) != 0) result |= pairs[i][1];
  }
  return result;
}

static long send_to(int fd, const void *data, size_t size, int flags, const uint8_t *to, uint32_t length) {
  struct address address = {.length = 0};
  if (to != NULL && in_capmode()) return fail(B_ECAPMODE);
  int error = check_rights(fd, to != NULL ? CAP_WRITE | CAP_CONNECT : CAP_WRITE, 0);
  if (error == 0 && to != NULL) error = translate_address(to, length, &address);
  if (error != 0) return fail(error);
  void *linux_to = to != NULL ? &address.linux_form : NULL;
  return answer(syscall(SYS_sendto, fd, data, shortened(size), message_flags(flags), linux_to, address.length));
}

CALL(long, send, int fd, const void *data, size_t size, int flags) {
  ENTER(send);
  return send_to(fd, data, size, flags, NULL, 0);
}

CALL(long, sendto, int fd, const void *data, size_t size, int flags, const uint8_t *to, uint32_t length) {
  ENTER(sendto);
  return send_to(fd, data, size, flags, to, length);
}

static long receive(int fd, void *data, size_t size, int flags, uint8_t *from, uint32_t *length) {
  int error = check_rights(fd, CAP_READ, 0);
  if (error != 0) return fail(error);
  struct address sender = {.length = sizeof sender.linux_form};
  long got = syscall(SYS_recvfrom, fd, data, shortened(size), message_flags(flags), &sender.linux_form, &sender.length);
  if (got != -1 && sender.length > 0) give_address(&sender, from, length);
  else if (got != -1 && length != NULL) *length = 0;
  return answer(got);
}

CALL(long, recv, int fd, void *data, size_t size, int flags) {
  ENTER(recv);
  return receive(fd, data, size, flags, NULL, NULL);
}

CALL(long, recvfrom, int fd, void *data, size_t size, int flags, uint8_t *from, uint32_t *length) {
  ENTER(recvfrom);
  return receive(fd, data, size, flags, from, length);
}

/* Headers and trailers are not supported. */
CALL(int, sendfile, int file, int fd, int64_t offset, size_t count, const void *headers, int64_t *sent, int flags) {
  ENTER(sendfile);
  (void)flags;
  if (sent != NULL) *sent = 0;
  if (headers != NULL || offset < 0) return fail(B_EINVAL);
  int error = check_rights(file, CAP_PREAD, 0);
  if (error == 0) error = check_rights(fd, CAP_WRITE, 0);
  if (error != 0) return fail(error);
  if (!S_ISSOCK(mode_of(fd))) return fail(check_open(fd) != 0 ? B_EBADF : B_ENOTSOCK);
  int64_t total = 0;
  for (;;) {
    size_t left = count == 0 ? 1 << 30 : count - (size_t)total;
    long moved = left == 0 ? 0 : syscall(SYS_sendfile, fd, file, &offset, left);
    if (moved == -1) return (int)answer(-1);
    total += moved;
    if (sent != NULL) *sent = total;
    if (moved == 0) return 0;
  }
}

/* The low bits of poll(2) events are the same in both systems. */
enum { COMMON_EVENTS = POLLIN | POLLPRI | POLLOUT | POLLERR | POLLHUP | POLLNVAL | POLLRDNORM | POLLRDBAND };
enum { B_POLLWRBAND = 0x100, B_POLLRDHUP = 0x4000 };

static short linux_events(short events) {
  int result = events & COMMON_EVENTS;
  if ((events & B_POLLWRBAND) != 0) result |= POLLWRBAND;
  if ((events & B_POLLRDHUP) != 0) result |= POLLRDHUP;
  return (short)result;
}

static short events_from(short linux_events) {
  int result = linux_events & COMMON_EVENTS;
  if ((linux_events & POLLWRBAND) != 0) result |= B_POLLWRBAND;
  if ((linux_events & POLLRDHUP) != 0) result |= B_POLLRDHUP;
  return (short)result;
}

/* A descriptor without the right EVENT is reported as closed. */
static int poll_linux(struct pollfd *polled, unsigned count, struct timespec *timeout) {
  if (count > 65536) return fail(B_EINVAL);
  struct pollfd *translated = calloc(count + 1, sizeof *translated);
  if (translated == NULL) abort();
  int refused = 0;
  for (unsigned i = 0; i < count; i++) {
    bool allowed = polled[i].fd < 0 || check_rights(polled[i].fd, 0, CAP1_EVENT) == 0;
    translated[i] = (struct pollfd){allowed ? polled[i].fd : -1, linux_events(polled[i].events), 0};
    polled[i].revents = allowed ? 0 : POLLNVAL;
    refused += !allowed;
  }
  struct timespec none = {0, 0};
  long ready = syscall(SYS_ppoll, translated, count, refused > 0 ? &none : timeout, NULL, 8);
  int result = ready == -1 ? (int)answer(-1) : (int)ready + refused;
  for (unsigned i = 0; ready != -1 && i < count; i++) {
    if (polled[i].revents == 0) polled[i].revents = events_from(translated[i].revents);
  }
  free(translated);
  return result;
}

CALL(int, poll, struct pollfd *polled, unsigned count, int milliseconds) {
  ENTER(poll);
  struct timespec timeout = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  return poll_linux(polled, count, milliseconds < 0 ? NULL : &timeout);
}

CALL(int, ppoll, struct pollfd *polled, unsigned count, const struct timespec *timeout, const void *mask) {
  ENTER(ppoll);
  (void)mask;
  struct timespec copy;
  if (timeout != NULL) copy = *timeout;
  return poll_linux(polled, count, timeout != NULL ? &copy : NULL);
}

/* The descriptor can be closed and limited; kevent(2) is not simulated. */
CALL(int, kqueue, void) {
  ENTER(kqueue);
  return (int)fresh(answer(syscall(SYS_epoll_create1, 0)));
}

CALL(int, eventfd, unsigned start, int flags) {
  ENTER(eventfd);
  enum { B_EFD_SEMAPHORE = 1, B_EFD_NONBLOCK = 4, B_EFD_CLOEXEC = 0x100000, LINUX_SEMAPHORE = 1 };
  if ((flags & ~(B_EFD_SEMAPHORE | B_EFD_NONBLOCK | B_EFD_CLOEXEC)) != 0) return fail(B_EINVAL);
  int linux_flags = ((flags & B_EFD_SEMAPHORE) != 0 ? LINUX_SEMAPHORE : 0) |
                    ((flags & B_EFD_NONBLOCK) != 0 ? O_NONBLOCK : 0) | ((flags & B_EFD_CLOEXEC) != 0 ? O_CLOEXEC : 0);
  return (int)fresh(answer(syscall(SYS_eventfd2, start, linux_flags)));
}

/*
 * sendmsg(2) and recvmsg(2), with descriptors. The capabilities of a descriptor travel with it, in a file that is sent as one
 * more descriptor and that the receiver takes out again. Addresses are not simulated.
 */
#include "standin.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { B_SOL_SOCKET = 0xffff, B_MSG_TRUNC = 0x10, B_MSG_CTRUNC = 0x20, MOST = 252 };

struct b_msghdr {
  void *name;
  uint32_t name_length;
  struct iovec *parts;
  int part_count;
  void *control;
  uint32_t control_length;
  int flags;
};
_Static_assert(sizeof(struct b_msghdr) == 48, "struct msghdr");

struct b_cmsghdr {
  uint32_t length;
  int level, type;
  int unused;
  int fds[];
};
_Static_assert(offsetof(struct b_cmsghdr, fds) == 16, "CMSG_DATA");

union control {
  struct cmsghdr header;
  char bytes[CMSG_SPACE(sizeof(int) * (MOST + 1))];
};

static size_t space_for(size_t count) { return 16 + ((count * sizeof(int) + 7) & ~(size_t)7); }

CALL(long, sendmsg, int fd, const struct b_msghdr *message, int flags) {
  ENTER(sendmsg);
  if (message == NULL) return fail(B_EFAULT);
  if (message->name != NULL) return fail(in_capmode() ? B_ECAPMODE : B_EINVAL);
  int error = check_rights(fd, CAP_WRITE, 0);
  if (error != 0) return fail(error);
  struct iovec part = message->part_count == 1 ? message->parts[0] : (struct iovec){0};
  part.iov_len = shortened(part.iov_len);
  struct msghdr linux_message = {.msg_iov = message->part_count == 1 ? &part : message->parts,
                                 .msg_iovlen = (size_t)message->part_count};
  union control control = {0};
  int capabilities = -1;
  if (message->control_length > 0) {
    const struct b_cmsghdr *given = message->control;
    if (message->control_length < sizeof *given || given->length > message->control_length ||
        given->length < sizeof *given || given->level != B_SOL_SOCKET || given->type != SCM_RIGHTS) {
      return fail(B_EINVAL);
    }
    size_t count = (given->length - sizeof *given) / sizeof(int);
    if (count > MOST) return fail(B_EINVAL);
    for (size_t i = 0; i < count; i++) {
      if (check_open(given->fds[i]) != 0) return fail(B_EBADF);
    }
    capabilities = export_capabilities(given->fds, count);
    linux_message.msg_control = &control;
    linux_message.msg_controllen = CMSG_SPACE(sizeof(int) * (count + 1));
    control.header.cmsg_len = CMSG_LEN(sizeof(int) * (count + 1));
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    int *fds = (int *)CMSG_DATA(&control.header);
    memcpy(fds, given->fds, count * sizeof(int));
    fds[count] = capabilities;
  }
  long sent = syscall(SYS_sendmsg, fd, &linux_message, message_flags(flags));
  long result = answer(sent);
  close_quietly(capabilities);
  return result;
}

CALL(long, recvmsg, int fd, struct b_msghdr *message, int flags) {
  ENTER(recvmsg);
  if (message == NULL) return fail(B_EFAULT);
  int error = check_rights(fd, CAP_READ, 0);
  if (error != 0) return fail(error);
  union control control;
  struct iovec part = message->part_count == 1 ? message->parts[0] : (struct iovec){0};
  part.iov_len = shortened(part.iov_len);
  struct msghdr linux_message = {.msg_iov = message->part_count == 1 ? &part : message->parts,
                                 .msg_iovlen = (size_t)message->part_count,
                                 .msg_control = &control,
                                 .msg_controllen = sizeof control};
  long got = syscall(SYS_recvmsg, fd, &linux_message, message_flags(flags));
  if (got == -1) return answer(-1);
  uint32_t room = message->control == NULL ? 0 : message->control_length;
  message->name_length = 0;
  message->control_length = 0;
  message->flags = (linux_message.msg_flags & MSG_TRUNC) != 0 ? B_MSG_TRUNC : 0;
  struct cmsghdr *header = CMSG_FIRSTHDR(&linux_message);
  if (header == NULL || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) return got;
  size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
  int *fds = (int *)CMSG_DATA(header);
  for (size_t i = 0; i < count; i++) fresh(fds[i]);
  if (import_capabilities(fds[count - 1], fds, count - 1)) close_quietly(fds[--count]);
  /* The kernel gives all descriptors of a message, or closes them. */
  if (space_for(count) > room) {
    for (size_t i = 0; i < count; i++) close_quietly(fds[i]);
    if (room > 0) message->flags |= B_MSG_CTRUNC;
    return got;
  }
  struct b_cmsghdr *given = message->control;
  *given = (struct b_cmsghdr){.length = (uint32_t)(sizeof *given + count * sizeof(int)), .level = B_SOL_SOCKET, .type = SCM_RIGHTS};
  memcpy(given->fds, fds, count * sizeof(int));
  message->control_length = (uint32_t)space_for(count);
  return got;
}

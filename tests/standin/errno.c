/* FreeBSD's errno: its cell, its messages, and the translation from Linux's numbers. */
#include "standin.h"

#include <stdio.h>

static __thread int errno_cell;

CALL(int *, __error, void) { return &errno_cell; }

/* Sets errno and returns -1, as a failed call does. */
int fail(int error) {
  if (error == B_ENOTCAPABLE || error == B_ECAPMODE) trap_violation();
  errno_cell = error;
  return -1;
}

/* clang-format off */
static const unsigned char from_linux[] = {
  [11] = 35, [35] = 11, [36] = 63, [37] = 77, [38] = 78, [39] = 66, [40] = 62, [42] = 83,
  [43] = 82, [66] = 71, [67] = 91, [71] = 92, [72] = 90, [74] = 89, [75] = 84, [84] = 86,
  [87] = 68, [88] = 38, [89] = 39, [90] = 40, [91] = 41, [92] = 42, [93] = 43, [94] = 44,
  [95] = 45, [96] = 46, [97] = 47, [98] = 48, [99] = 49, [100] = 50, [101] = 51, [102] = 52,
  [103] = 53, [104] = 54, [105] = 55, [106] = 56, [107] = 57, [108] = 58, [109] = 59, [110] = 60,
  [111] = 61, [112] = 64, [113] = 65, [114] = 37, [115] = 36, [116] = 70, [122] = 69, [125] = 85,
  [130] = 96, [131] = 95,
};

static const char *const texts[] = {
  [1] = "Operation not permitted",
  [2] = "No such file or directory",
  [3] = "No such process",
  [4] = "Interrupted system call",
  [5] = "Input/output error",
  [6] = "Device not configured",
  [7] = "Argument list too long",
  [8] = "Exec format error",
  [9] = "Bad file descriptor",
  [10] = "No child processes",
  [11] = "Resource deadlock avoided",
  [12] = "Cannot allocate memory",
  [13] = "Permission denied",
  [14] = "Bad address",
  [15] = "Block device required",
  [16] = "Device busy",
  [17] = "File exists",
  [18] = "Cross-device link",
  [19] = "Operation not supported by device",
  [20] = "Not a directory",
  [21] = "Is a directory",
  [22] = "Invalid argument",
  [23] = "Too many open files in system",
  [24] = "Too many open files",
  [25] = "Inappropriate ioctl for device",
  [26] = "Text file busy",
  [27] = "File too large",
  [28] = "No space left on device",
  [29] = "Illegal seek",
  [30] = "Read-only file system",
  [31] = "Too many links",
  [32] = "Broken pipe",
  [33] = "Numerical argument out of domain",
  [34] = "Result too large",
  [35] = "Resource temporarily unavailable",
  [36] = "Operation now in progress",
  [37] = "Operation already in progress",
  [38] = "Socket operation on non-socket",
  [39] = "Destination address required",
  [40] = "Message too long",
  [41] = "Protocol wrong type for socket",
  [42] = "Protocol not available",
  [43] = "Protocol not supported",
  [44] = "Socket type not supported",
  [45] = "Operation not supported",
  [46] = "Protocol family not supported",
  [47] = "Address family not supported by protocol family",
  [48] = "Address already in use",
  [49] = "Can't assign requested address",
  [50] = "Network is down",
  [51] = "Network is unreachable",
  [52] = "Network dropped connection on reset",
  [53] = "Software caused connection abort",
  [54] = "Connection reset by peer",
  [55] = "No buffer space available",
  [56] = "Socket is already connected",
  [57] = "Socket is not connected",
  [58] = "Can't send after socket shutdown",
  [59] = "Too many references: can't splice",
  [60] = "Operation timed out",
  [61] = "Connection refused",
  [62] = "Too many levels of symbolic links",
  [63] = "File name too long",
  [64] = "Host is down",
  [65] = "No route to host",
  [66] = "Directory not empty",
  [67] = "Too many processes",
  [68] = "Too many users",
  [69] = "Disc quota exceeded",
  [70] = "Stale NFS file handle",
  [71] = "Too many levels of remote in path",
  [72] = "RPC struct is bad",
  [73] = "RPC version wrong",
  [74] = "RPC prog. not avail",
  [75] = "Program version wrong",
  [76] = "Bad procedure for program",
  [77] = "No locks available",
  [78] = "Function not implemented",
  [79] = "Inappropriate file type or format",
  [80] = "Authentication error",
  [81] = "Need authenticator",
  [82] = "Identifier removed",
  [83] = "No message of desired type",
  [84] = "Value too large to be stored in data type",
  [85] = "Operation canceled",
  [86] = "Illegal byte sequence",
  [87] = "Attribute not found",
  [88] = "Programming error",
  [89] = "Bad message",
  [90] = "Multihop attempted",
  [91] = "Link has been severed",
  [92] = "Protocol error",
  [93] = "Capabilities insufficient",
  [94] = "Not permitted in capability mode",
  [95] = "State not recoverable",
  [96] = "Previous owner died",
  [97] = "Integrity check failed",
};
/* clang-format on */

enum { LINUX_SAME_UP_TO = 34, B_ELAST = 97 };

static int translated(int error) {
  if (error < (int)sizeof from_linux && from_linux[error] != 0) return from_linux[error];
  return error <= LINUX_SAME_UP_TO ? error : B_EINVAL;
}

/* Translates Linux's errno to FreeBSD's. */
int linux_error(void) { return translated(errno); }

/* Returns the result of a Linux call, and sets FreeBSD's errno if it failed. */
long answer(long linux_result) { return linux_result == -1 ? fail(linux_error()) : linux_result; }

CALL(int, strerror_r, int error, char *buffer, size_t length) {
  char text[64];
  bool known = error > 0 && error <= B_ELAST;
  if (known) strcpy(text, texts[error]);
  else if (error == 0) strcpy(text, "No error: 0");
  else snprintf(text, sizeof text, "Unknown error: %d", error);
  size_t size = strlen(text) + 1;
  if (length > 0) {
    size_t fits = size < length ? size : length;
    memcpy(buffer, text, fits);
    buffer[fits - 1] = 0;
  }
  if (!known && error != 0) return B_EINVAL;
  return size > length ? B_ERANGE : 0;
}

CALL(char *, strerror, int error) {
  static __thread char text[64];
  b_strerror_r(error, text, sizeof text);
  return text;
}

/*
 * Attacks on a sandbox of Linux from native code. Each function makes one system call by its number, past glibc, and
 * returns its result or its errno, negated. It is called on the JavaScript thread and on threads of Deno's pool.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long done(long result)
{
	return result == -1 ? -errno : result;
}

/* Up to six arguments; a path or another buffer comes as an address. */
long call(long number, long a, long b, long c, long d, long e, long f)
{
	return done(syscall(number, a, b, c, d, e, f));
}

/* The same with a string as the first or second argument. */
long call_path(long number, const char *path, long b, long c, long d, long e)
{
	return done(syscall(number, path, b, c, d, e));
}

long call_at(long number, int fd, const char *path, long c, long d, long e)
{
	return done(syscall(number, (long)fd, path, c, d, e));
}

/* openat2(2) with a way to resolve. */
long call_openat2(int fd, const char *path, uint64_t flags, uint64_t resolve)
{
	uint64_t how[3] = {flags, 0, resolve};
	return done(syscall(SYS_openat2, (long)fd, path, how, sizeof(how)));
}

/* sendmsg(2) on a socket to the address of a path socket, and without an address. */
long call_sendmsg(int fd)
{
	char text[1] = {'x'};
	struct { void *base; size_t length; } part = {text, 1};
	struct { void *name; unsigned length; void *parts; size_t count; void *control; size_t size; int flags; } message;
	memset(&message, 0, sizeof(message));
	message.parts = &part;
	message.count = 1;
	return done(syscall(SYS_sendmsg, (long)fd, &message, 0L));
}

/** What a failed system call tells, whatever the class of its error. */
export interface Failure {
  class: string;
  code?: string;
  errno?: number;
  syscall?: string;
  path?: string;
  fd?: number;
  missing?: string[];
}

/** What `fn` throws, as plain data without what is undefined; fails where it throws nothing. */
export function failureOf(fn: () => unknown): Failure {
  try {
    fn();
  } catch (error) {
    const { code, errno, syscall, path, fd, missing } = error as Record<string, unknown>;
    const names = (missing as { names?(): string[] } | undefined)?.names?.();
    const known = {
      class: (error as Error).constructor.name,
      code,
      errno,
      syscall,
      path,
      fd,
      missing: names,
    };
    return Object.fromEntries(
      Object.entries(known).filter(([, value]) => value !== undefined),
    ) as unknown as Failure;
  }
  throw new Error("it threw nothing");
}

import { FdFile } from "../mod.ts";
import { openDescriptors } from "./_kernel.ts";

/** The open descriptors without the sockets, which Deno opens for itself at a time of its own. */
export function openFiles(): number[] {
  return openDescriptors().filter((fd) => {
    const file = FdFile.fromFd(fd), { isSocket } = file.statSync();
    file.take();
    return !isSocket;
  });
}

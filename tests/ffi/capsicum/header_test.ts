import { assertEquals, assertGreater } from "@std/assert";
import { Right, type RightName, Rights } from "../../../mod.ts";
import { kernel } from "../../_kernel.ts";
import { test } from "../../_test.ts";
import { rightsOf } from "./_header.ts";

const path = "/usr/include/sys/capsicum.h";
const header = read(path);

function read(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

test("rightsOf() reads macros of one bit, of several, of others, over several lines, and no others", () => {
  const sample = `
/* A header.
#define CAP_COMMENTED CAPRIGHT(0, 0x1ULL)
*/
#define CAPRIGHT(idx, bit) ((1ULL << (57 + (idx))) | (bit))
#define	CAP_READ	CAPRIGHT(0, 0x0000000000000001ULL)
#define CAP_TELL CAPRIGHT(0, 0x4ULL) /* half of it */
#define CAP_SEEK (CAP_TELL | 0x8ULL)
#define CAP_SEEK2 (CAP_TELL | CAPRIGHT(0, 0x8ULL)) // all of it
#define CAP_PREAD (CAP_READ | CAP_SEEK2)
  #  define CAP_IOCTL CAPRIGHT(1, 0x0000000000000080ULL)
#define CAP_CLIENT \\
    (CAP_READ | CAP_TELL | \\
    CAP_LATER)
#define CAP_LATER CAPRIGHT(0, 0x0000010000000000ULL)
#define CAP_SAME CAP_READ
#define CAP_LOOP CAP_LOOP
#define CAP_LIMIT 16
#define CAP_FCNTL_GETFL (1 << F_GETFL)
#define CAP_ALL(rp) do { } while (0)
#define OTHER CAPRIGHT(0, 0x2ULL)
`;
  assertEquals(rightsOf(sample), {
    READ: 0x0200000000000001n,
    TELL: 0x0200000000000004n,
    SEEK2: 0x020000000000000cn,
    PREAD: 0x020000000000000dn,
    IOCTL: 0x0400000000000080n,
    CLIENT: 0x0200010000000005n,
    LATER: 0x0200010000000000n,
    SAME: 0x0200000000000001n,
  });
});

test(`Right and Rights.all() have every value of ${path}`, () => {
  const { ALL0, ALL1, ...rest } = rightsOf(header!);
  assertEquals(Rights.all(kernel.osreldate).toWords(), [ALL0!, ALL1!]);
  const macros = Object.entries(rest).filter(([name]) => !name.startsWith("UNUSED"));
  assertGreater(macros.length, 80);
  const known = (Object.keys(Right) as RightName[]).filter((name) =>
    new Rights([name]).isValid(kernel.major)
  );
  assertEquals(
    Object.fromEntries(macros.sort()),
    Object.fromEntries(known.sort().map((name) => [name, Right[name]])),
  );
}, {
  skip: header === undefined || kernel.simulated
    ? `needs FreeBSD with its headers: ${path} is missing`
    : false,
});

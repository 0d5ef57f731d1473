import { expect, test } from "vitest";
import { mountedAs, networkName, uncServer } from "../../src/ledger/local-file.ts";

test("network file systems are told from local ones by their magic number in Linux", () => {
  const named = (magic: number, name: string | null = null) => networkName({ magic, name });
  expect(named(0x6969)).toBe("NFS");
  expect(named(0xff534d42)).toBe("CIFS");
  expect(named(0xfe534d42)).toBe("SMB2");
  expect(named(0x517b)).toBe("SMB");
  expect(named(0x65735546, "fuse.sshfs")).toBe("SSHFS");
  expect(named(0x65735546, "fuseblk")).toBeNull();
  expect(named(0xef53)).toBeNull();
  expect(named(0x01021994)).toBeNull();
});

test("a Windows path to a server is told from one to a local device", () => {
  expect(uncServer("\\\\nas\\media\\ledger.db")).toBe("nas");
  expect(uncServer("\\\\?\\UNC\\nas\\media")).toBe("nas");
  expect(uncServer("\\\\?\\C:\\Users\\dana")).toBeNull();
  expect(uncServer("\\\\.\\C:\\Users\\dana")).toBeNull();
  expect(uncServer("C:\\Users\\dana\\ledger.db")).toBeNull();
  expect(uncServer("/home/dana/ledger.db")).toBeNull();
});

test("the innermost mount tells what a folder is on", () => {
  const mounts = [
    "/dev/sda1 / ext4 rw 0 0",
    "dana@studio:/srv /home/dana/studio fuse.sshfs rw 0 0",
    "nas:/x /mnt/two\\040words nfs4 rw 0 0",
    "/dev/sdb1 /home/dana/studio/local xfs rw 0 0",
    "",
  ].join("\n");
  expect(mountedAs(mounts, "/home/dana/studio")).toBe("fuse.sshfs");
  expect(mountedAs(mounts, "/home/dana/studio/desk")).toBe("fuse.sshfs");
  expect(mountedAs(mounts, "/home/dana/studio/local/desk")).toBe("xfs");
  expect(mountedAs(mounts, "/home/dana/studio-two")).toBe("ext4");
  expect(mountedAs(mounts, "/mnt/two words/desk")).toBe("nfs4");
  expect(mountedAs("", "/home")).toBeNull();
});

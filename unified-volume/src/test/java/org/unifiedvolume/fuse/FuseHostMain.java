package org.unifiedvolume.fuse;

import java.nio.file.Path;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.testkit.MemoryDevice;

/// A process of its own that serves 8 MiB of memory as a file: one that tests can kill, or run as
/// another user. Ends when its standard input does.
///
/// Argument: the file, perhaps with options (`/tmp/disk.img?allow-other=true`).
final class FuseHostMain {
    private FuseHostMain() {}

    public static void main(String[] arguments) throws Exception {
        try (FuseHost host = new FuseHost(io -> new MemoryDevice(8 << 20, Locality.LOCAL, io))) {
            String[] pathAndOptions = arguments[0].split("(?=\\?)", 2);
            host.mount(
                    Path.of(pathAndOptions[0]),
                    pathAndOptions.length == 1 ? "" : pathAndOptions[1]);
            System.out.println("ready");
            while (System.in.read() >= 0) {
                // until whoever started this lets go
            }
        }
    }
}

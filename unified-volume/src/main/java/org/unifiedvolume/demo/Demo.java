package org.unifiedvolume.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.unifiedvolume.control.Request;

/// The main job to look at: volumes over two hosts, served until the user ends it.
public final class Demo {
    private static final String STRIPE_MEMBER = "2GiB";
    private static final String MIRROR_MEMBER = "1GiB";

    /// The members are sparse: this is for what a user writes to them while looking around.
    private static final long NEEDED_BYTES = 1L << 30;

    private static final int BLOCK_BYTES = 4096;
    private static final long READ_PAUSE_MILLIS = 10;

    private final PrintWriter out;
    private final CountDownLatch stop;
    private final Consumer<Map<String, Object>> iostat;

    /// @param stop ends the demonstration when it reaches zero
    /// @param iostat shows one report
    public Demo(PrintWriter out, CountDownLatch stop, Consumer<Map<String, Object>> iostat) {
        this.out = out;
        this.stop = stop;
        this.iostat = iostat;
    }

    /// Runs until it is to end; leaves nothing behind, however it ends.
    public void run() throws DemoFault, IOException, InterruptedException {
        try (TwoHosts hosts = TwoHosts.prepare(NEEDED_BYTES, STRIPE_MEMBER, MIRROR_MEMBER)) {
            hosts.startFar();
            hosts.startNear();
            explain(hosts);
            List<Thread> readers =
                    Stream.of(TwoHosts.STRIPE, TwoHosts.MIRROR)
                            .map(
                                    volume ->
                                            Thread.ofPlatform()
                                                    .daemon()
                                                    .start(() -> read(hosts, volume)))
                            .toList();
            watch(hosts);
            for (Thread reader : readers) {
                reader.join();
            }
            out.println("ending …");
        }
        out.println("nothing is left behind");
    }

    private void explain(TwoHosts hosts) {
        String state = hosts.nearFolder().resolve("state").toString();
        out.printf(
                """
                Two hosts are running on this machine, each a process of its own:
                  far   process %-8d serves two disks over NBD     %s
                  near  process %-8d joins them with local files   %s

                The near one serves two volumes, each over a local and a remote disk:
                  %s  raid0, 4 GiB   %s  and as the file %s
                  %s  raid1, 1 GiB   %s  and as the file %s

                From another terminal (export UVOL_STATE=%s first):
                  look      uvol status; uvol trace %s
                  mount     uvol mount %s /mnt --mkfs ext4; uvol umount /mnt
                  measure   fio --name=t --ioengine=nbd --uri=%s --rw=randread --bs=4k \
                --iodepth=32 --runtime=10 --time_based
                  break     kill -9 %d; uvol status

                A hundred blocks a second of each volume are read meanwhile, so that there is
                something to see. Ctrl-C ends everything and removes %s.
                """,
                hosts.far().pid(),
                hosts.farConfig(),
                hosts.near().pid(),
                hosts.nearConfig(),
                TwoHosts.STRIPE,
                hosts.nbdUri(TwoHosts.STRIPE),
                hosts.file(TwoHosts.STRIPE),
                TwoHosts.MIRROR,
                hosts.nbdUri(TwoHosts.MIRROR),
                hosts.file(TwoHosts.MIRROR),
                state,
                TwoHosts.STRIPE,
                TwoHosts.STRIPE,
                hosts.nbdUri(TwoHosts.STRIPE),
                hosts.far().pid(),
                hosts.folder());
        out.println();
        out.flush();
    }

    /// Reads a block here and there, so that there is something to see before users do anything.
    private void read(TwoHosts hosts, String volume) {
        Random random = new Random();
        ByteBuffer block = ByteBuffer.allocate(BLOCK_BYTES);
        while (pause(READ_PAUSE_MILLIS)) {
            try (FileChannel file = FileChannel.open(hosts.file(volume))) {
                long blocks = file.size() / BLOCK_BYTES;
                while (blocks > 0 && pause(READ_PAUSE_MILLIS)) {
                    file.read(block.clear(), random.nextLong(blocks) * BLOCK_BYTES);
                }
            } catch (IOException e) {
                // The user may have broken it, as invited: the status says so.
                pause(1000);
            }
        }
    }

    /// @return false when the demonstration is to end
    private boolean pause(long millis) {
        try {
            return !stop.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private void watch(TwoHosts hosts) throws DemoFault, IOException {
        if (stop.getCount() == 0) {
            return;
        }
        hosts.call(
                Request.of("iostat").with("millis", 1000),
                report -> {
                    if (stop.getCount() > 0) {
                        iostat.accept(report);
                    }
                    return stop.getCount() > 0;
                });
    }
}

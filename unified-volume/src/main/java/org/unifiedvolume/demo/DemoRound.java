package org.unifiedvolume.demo;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.control.Request;
import org.unifiedvolume.mount.Tool;
import org.unifiedvolume.terminal.Progress;
import org.unifiedvolume.terminal.Table;

/// The main job once from end to end, checking itself at every step: `uvol demo --once`.
///
/// First a filesystem on a RAID 0 over a local and a remote disk: filled, checked, stopped, started
/// and compared. Then a RAID 1 whose remote leg dies in the middle of writing, and is given what it
/// lacks when it is back.
public final class DemoRound {
    private static final long TREE_BYTES = 520_000_000L;
    private static final String STRIPE_MEMBER = "480MiB";
    private static final String MIRROR_MEMBER = "128MiB";
    private static final long NEEDED_BYTES = 1_500L << 20;
    private static final int BLOCK_BYTES = 256 * 1024;
    private static final int MIRROR_BLOCKS = 384;
    private static final int KILL_AFTER_BLOCKS = 128;
    private static final long STATE_WAIT_NANOS = 20_000_000_000L;

    /// Where the mirror's data begin on members of that size; before that is what it writes down
    /// about itself.
    private static final long MIRROR_DATA_OFFSET = 1 << 20;

    private interface Step {
        /// @return what there is to say about it
        String run() throws DemoFault, IOException, InterruptedException;
    }

    private final PrintWriter out;
    private final boolean onTerminal;
    private final Table table = new Table(1);
    private boolean failed;
    private TwoHosts hosts;
    private SampleTree tree;
    private Map<String, String> checksums;

    public DemoRound(PrintWriter out) {
        this.out = out;
        this.onTerminal = Progress.isTerminal();
        table.row("step", "seconds", "result");
    }

    /// Runs all steps and prints the table.
    ///
    /// @return whether everything went as it should
    public boolean run() {
        try {
            step("find room and files", this::prepare);
            step("start the remote host, serving two disks over NBD", this::startFar);
            step("start this host: raid0 and raid1 over local + remote", this::startNear);
            step("ext4 on the raid0, through FUSE + loop", this::makeFilesystem);
            step("copy a tree of real files in", this::copyIn);
            step("unmount", this::unmount);
            step("e2fsck -f", this::checkFilesystem);
            step("stop the service", this::stopNear);
            step("start it again", this::startNear);
            step("mount, compare every checksum", this::compare);
            step("unmount", this::unmount);
            step("kill the remote host (SIGKILL) while the raid1 is written", this::killFar);
            step("the raid1 is DEGRADED and says why", this::expectDegraded);
            step("every block reads back", this::readBack);
            step("start the remote host again", this::startFar);
            step("the raid1 takes it in by itself, and copies what changed", this::awaitReturn);
            step("stop, both legs hold every block", this::stopAndLookAtLegs);
        } finally {
            boolean wasInterrupted = Thread.interrupted();
            failed |= wasInterrupted;
            step("leave nothing behind", this::cleanUp);
            out.println();
            table.print(out);
            out.println();
            out.println(failed ? "FAILED" : "everything went as it should");
            out.flush();
        }
        return !failed;
    }

    /// Runs a step unless an earlier one failed; cleaning up is always done.
    private void step(String name, Step step) {
        boolean isLast = name.equals("leave nothing behind");
        if (failed && !isLast) {
            table.row(name, "", "not tried");
            return;
        }
        long start = System.nanoTime();
        String result;
        try {
            result = step.run();
        } catch (DemoFault | IOException e) {
            failed = true;
            result = "FAILED: " + (e.getMessage() == null ? e : e.getMessage());
        } catch (InterruptedException e) {
            // Noted and done with: what is left is to clean up, which waits for processes.
            failed = true;
            result = "interrupted";
        }
        String seconds = "%.1f".formatted((System.nanoTime() - start) / 1e9);
        String first = result.lines().findFirst().orElse("");
        table.row(name, seconds, first);
        out.printf("%6s s  %s%s%n", seconds, name, result.isEmpty() ? "" : ": " + result);
        out.flush();
    }

    private String prepare() throws DemoFault, IOException {
        hosts = TwoHosts.prepare(NEEDED_BYTES, STRIPE_MEMBER, MIRROR_MEMBER);
        tree = SampleTree.ofAtLeast(TREE_BYTES);
        return "%s, %d files with %s"
                .formatted(hosts.folder(), tree.count(), Units.size(tree.totalBytes()));
    }

    private String startFar() throws DemoFault, IOException, InterruptedException {
        hosts.startFar();
        return "process %d, ready in %.1f s"
                .formatted(hosts.far().pid(), hosts.far().readySeconds());
    }

    private String startNear() throws DemoFault, IOException, InterruptedException {
        hosts.startNear();
        for (String volume : List.of(TwoHosts.STRIPE, TwoHosts.MIRROR)) {
            expectState(volume, "ONLINE");
        }
        return "process %d, ready in %.1f s, both ONLINE"
                .formatted(hosts.near().pid(), hosts.near().readySeconds());
    }

    private Path mountPoint() {
        return hosts.nearFolder().resolve("mnt");
    }

    private String mount(String mkfs) throws DemoFault, IOException {
        Map<String, Object> answer =
                hosts.call(
                        Request.of("mount")
                                .with("volume", TwoHosts.STRIPE)
                                .with("folder", mountPoint().toString())
                                .with("mkfs", mkfs));
        return answer.get("device") + " on " + answer.get("folder");
    }

    private String makeFilesystem() throws DemoFault, IOException {
        return mount("ext4");
    }

    private String copyIn() throws DemoFault, IOException {
        long start = System.nanoTime();
        try (Progress progress = progress("copying", tree.totalBytes())) {
            checksums = tree.copyTo(mountPoint(), done -> progress.at(done, System.nanoTime()));
        }
        Tool.SYNC.runOrFail("--file-system", mountPoint().toString());
        return "%d files, %s, %s"
                .formatted(
                        checksums.size(),
                        Units.size(tree.totalBytes()),
                        rate(tree.totalBytes(), start));
    }

    private static String rate(long bytes, long startNanos) {
        double seconds = (System.nanoTime() - startNanos) / 1e9;
        return String.format(Locale.ROOT, "%.0f MiB/s", bytes / seconds / (1 << 20));
    }

    private Progress progress(String what, long totalBytes) {
        return new Progress(out, onTerminal, what, totalBytes, System.nanoTime());
    }

    private String unmount() throws DemoFault, IOException {
        hosts.call(Request.of("umount").with("folder", mountPoint().toString()));
        return "";
    }

    private String checkFilesystem() throws DemoFault, IOException {
        Object device =
                hosts.call(Request.of("attach").with("volume", TwoHosts.STRIPE)).get("device");
        Tool.Result result = Tool.E2FSCK.run("-f", "-n", device.toString());
        hosts.call(Request.of("detach").with("what", TwoHosts.STRIPE));
        if (!result.succeeded()) {
            throw new DemoFault(
                    "e2fsck ended with %d: %s".formatted(result.status(), result.output()));
        }
        return "clean: " + result.output().lines().reduce((_, last) -> last).orElse("");
    }

    private String stopNear() throws DemoFault, IOException, InterruptedException {
        int code = hosts.near().stop();
        if (code != 0) {
            throw new DemoFault("it ended with %d:%n%s".formatted(code, hosts.near().logTail()));
        }
        List<String> left = hosts.leftovers();
        if (!left.isEmpty()) {
            throw new DemoFault("still mounted: " + left);
        }
        return "exit code 0, nothing mounted";
    }

    private String compare() throws DemoFault, IOException {
        mount(null);
        long start = System.nanoTime();
        List<String> different;
        try (Progress progress = progress("comparing", tree.totalBytes())) {
            different =
                    SampleTree.differences(
                            mountPoint(), checksums, done -> progress.at(done, System.nanoTime()));
        }
        if (!different.isEmpty()) {
            throw new DemoFault(
                    "%d of %d files differ, the first is %s"
                            .formatted(different.size(), checksums.size(), different.getFirst()));
        }
        return "%d checksums agree, %s".formatted(checksums.size(), rate(tree.totalBytes(), start));
    }

    /// What block `index` of the mirror holds.
    private static ByteBuffer block(int index) {
        byte[] bytes = new byte[BLOCK_BYTES];
        new Random(index).nextBytes(bytes);
        return ByteBuffer.wrap(bytes);
    }

    private String killFar() throws DemoFault, IOException, InterruptedException {
        long longestNanos = 0;
        try (FileChannel file =
                FileChannel.open(hosts.file(TwoHosts.MIRROR), StandardOpenOption.WRITE)) {
            for (int i = 0; i < MIRROR_BLOCKS; i++) {
                long start = System.nanoTime();
                if (i == KILL_AFTER_BLOCKS) {
                    hosts.far().kill();
                    start = System.nanoTime();
                }
                ByteBuffer block = block(i);
                while (block.hasRemaining()) {
                    file.write(block, (long) i * BLOCK_BYTES + block.position());
                }
                if (i % 16 == 0) {
                    file.force(false);
                }
                longestNanos = Math.max(longestNanos, System.nanoTime() - start);
            }
            file.force(false);
        } catch (IOException e) {
            throw new DemoFault("a write failed: " + e.getMessage());
        }
        return "killed after %s of %s; no write failed, the longest took %s"
                .formatted(
                        Units.size((long) KILL_AFTER_BLOCKS * BLOCK_BYTES),
                        Units.size((long) MIRROR_BLOCKS * BLOCK_BYTES),
                        Units.nanos(longestNanos));
    }

    private String expectDegraded() throws DemoFault, IOException, InterruptedException {
        Map<?, ?> status = expectState(TwoHosts.MIRROR, "DEGRADED");
        String reason = String.valueOf(status.get("reason"));
        if (reason.isBlank()) {
            throw new DemoFault("DEGRADED without a reason: " + status);
        }
        return reason;
    }

    /// Waits until a volume is in a state.
    private Map<?, ?> expectState(String volume, String state)
            throws DemoFault, IOException, InterruptedException {
        long end = System.nanoTime() + STATE_WAIT_NANOS;
        while (true) {
            Map<?, ?> status = hosts.status(volume);
            if (state.equals(status.get("state"))) {
                return status;
            }
            if (System.nanoTime() > end) {
                throw new DemoFault(
                        "volume %s is %s (%s) instead of %s"
                                .formatted(
                                        volume, status.get("state"), status.get("reason"), state));
            }
            Thread.sleep(50);
        }
    }

    private String readBack() throws DemoFault, IOException {
        compareBlocks(hosts.file(TwoHosts.MIRROR), 0);
        return "%d blocks of %s".formatted(MIRROR_BLOCKS, Units.size(BLOCK_BYTES));
    }

    private static void compareBlocks(Path path, long start) throws DemoFault, IOException {
        try (FileChannel file = FileChannel.open(path, StandardOpenOption.READ)) {
            for (int i = 0; i < MIRROR_BLOCKS; i++) {
                ByteBuffer found = ByteBuffer.allocate(BLOCK_BYTES);
                while (found.hasRemaining()) {
                    long offset = start + (long) i * BLOCK_BYTES + found.position();
                    if (file.read(found, offset) < 0) {
                        throw new DemoFault("%s ends at %d".formatted(path, offset));
                    }
                }
                if (!found.flip().equals(block(i))) {
                    throw new DemoFault(
                            "block %d of %s is not what was written".formatted(i, path));
                }
            }
        }
    }

    private String awaitReturn() throws DemoFault, IOException, InterruptedException {
        expectState(TwoHosts.MIRROR, "ONLINE");
        compareBlocks(hosts.file(TwoHosts.MIRROR), 0);
        return "ONLINE, no command was needed";
    }

    private String stopAndLookAtLegs() throws DemoFault, IOException, InterruptedException {
        String result = stopNear();
        compareBlocks(hosts.localMember(TwoHosts.MIRROR), MIRROR_DATA_OFFSET);
        compareBlocks(hosts.farMember(TwoHosts.MIRROR), MIRROR_DATA_OFFSET);
        return result;
    }

    private String cleanUp() throws DemoFault, IOException {
        if (hosts == null) {
            return "";
        }
        hosts.close();
        List<String> left = hosts.leftovers();
        if (!left.isEmpty() || Files.exists(hosts.folder())) {
            throw new DemoFault("something is left in %s: %s".formatted(hosts.folder(), left));
        }
        return "no process, no mount, no loop device, no folder";
    }
}

package org.unifiedvolume.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.unifiedvolume.linux.Errno;
import org.unifiedvolume.linux.FileCalls;
import org.unifiedvolume.mount.MountTable;
import org.unifiedvolume.request.DeviceFault;
import org.unifiedvolume.request.Locality;
import org.unifiedvolume.request.Outcome;
import org.unifiedvolume.testkit.MemoryDevice;

/// What happens to those who use the file when something below or beside it goes wrong.
class FuseFailureTest {
    private static final int SIZE_BYTES = 8 << 20;
    private static final int WAIT_SECONDS = 20;

    @TempDir Path folder;
    private Path file;
    private ScriptedDevice disk;

    @BeforeEach
    void needsFuse() {
        assumeTrue(FuseHost.problem() == null, FuseHost.problem());
        file = folder.resolve("disk.img");
    }

    private FuseHost host(long poolBytes, long admittedBytes) {
        return new FuseHost(
                io -> {
                    disk = new ScriptedDevice(new MemoryDevice(SIZE_BYTES, Locality.LOCAL, io));
                    return disk;
                },
                poolBytes,
                admittedBytes);
    }

    private FuseHost host() {
        return host(32 << 20, 16 << 20);
    }

    private static void await(BooleanSupplier condition, String what) {
        long end = System.nanoTime() + WAIT_SECONDS * 1_000_000_000L;
        while (!condition.getAsBoolean()) {
            assertTrue(System.nanoTime() - end < 0, "not within " + WAIT_SECONDS + " s: " + what);
            Thread.onSpinWait();
        }
    }

    /// Writes or reads in a thread of its own: the kernel holds it until the answer comes.
    private CompletableFuture<Long> start(boolean writes, long offset, int length) {
        CompletableFuture<Long> result = new CompletableFuture<>();
        Thread.ofPlatform()
                .daemon()
                .start(
                        () -> {
                            int fd = FileCalls.open(file.toString(), FileCalls.O_RDWR, 0);
                            if (fd < 0) {
                                result.complete((long) fd);
                                return;
                            }
                            try (Arena arena = Arena.ofConfined()) {
                                MemorySegment bytes = arena.allocate(length, 4096);
                                long address = bytes.address();
                                result.complete(
                                        writes
                                                ? FileCalls.pwrite(fd, address, length, offset)
                                                : FileCalls.pread(fd, address, length, offset));
                            } finally {
                                FileCalls.close(fd);
                            }
                        });
        return result;
    }

    private long transfer(boolean writes) throws Exception {
        return start(writes, 0, 4096).get(WAIT_SECONDS, TimeUnit.SECONDS);
    }

    @ParameterizedTest
    @CsvSource({
        "IO, 5",
        "NO_SPACE, 28",
        "NOT_SUPPORTED, 95",
        "BAD_RANGE, 22",
        "READ_ONLY, 30",
        "TIMED_OUT, 5",
        "DISCONNECTED, 5",
        "NO_MEMORY, 12",
        "STOPPING, 108"
    })
    void aFaultBecomesTheErrorThatProgramsKnow(DeviceFault.Kind kind, int error) throws Exception {
        try (FuseHost host = host()) {
            host.mount(file);
            disk.answer = _ -> Outcome.failed(kind, "as the test says");
            assertEquals(-error, transfer(false));
            assertEquals(-error, transfer(true));
            int fd = FileCalls.open(file.toString(), FileCalls.O_RDWR, 0);
            assertEquals(-error, FileCalls.fsync(fd));
            assertEquals(-error, FileCalls.fallocate(fd, FileCalls.FALLOC_FL_ZERO_RANGE, 0, 4096));
            assertEquals(-error, FileCalls.lseek(fd, 0, FileCalls.SEEK_HOLE));
            disk.answer = _ -> null;
            FileCalls.close(fd);
            assertEquals(4096, transfer(false));
        }
    }

    @Test
    void aRequestThatHangsStallsNoOtherAndIsAnsweredFromAnyThread() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file);
            disk.holding = true;
            List<CompletableFuture<Long>> slow = new ArrayList<>();
            for (int i = 0; i < 16; i++) {
                slow.add(start(i % 2 == 0, i * 65536L, 65536));
            }
            await(() -> disk.heldCount() == 16, "all requests reach the device");
            disk.holding = false;
            assertEquals(4096, transfer(false));
            assertEquals(4096, transfer(true));
            disk.letGo();
            for (CompletableFuture<Long> one : slow) {
                assertEquals(65536, one.get(WAIT_SECONDS, TimeUnit.SECONDS));
            }
        }
    }

    @Test
    void moreRequestsThanThereIsMemoryForWaitInTheKernel() throws Exception {
        // Room for the landings of two loops and for two payloads.
        try (FuseHost host = host(6 << 20, 2 << 20)) {
            host.mount(file);
            disk.holding = true;
            List<CompletableFuture<Long>> all = new ArrayList<>();
            for (int i = 0; i < 24; i++) {
                all.add(start(i % 2 == 0, (i % 8) << 20, 1 << 20));
            }
            await(() -> host.context.admission().waiting() > 0, "admission is spent");
            assertTrue(disk.heldCount() <= 3, "only what was admitted is under way");
            while (all.stream().anyMatch(one -> !one.isDone())) {
                disk.letGo();
            }
            for (CompletableFuture<Long> one : all) {
                assertEquals(1 << 20, one.get(WAIT_SECONDS, TimeUnit.SECONDS));
            }
        }
    }

    @Test
    void thoseWhoWaitGetAnErrorWhenTheExportClosesOverAHangingVolume() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file);
            disk.holding = true;
            CompletableFuture<Long> hangs = start(true, 0, 4096);
            await(() -> disk.heldCount() == 1, "the write reaches the device");
            CompletableFuture<Void> closed = CompletableFuture.runAsync(host::unmount);
            long result = hangs.get(WAIT_SECONDS, TimeUnit.SECONDS);
            assertTrue(
                    result == -Errno.ECONNABORTED || result == -Errno.ENOTCONN,
                    "the write ended with " + Errno.meaning(result));
            await(() -> disk.heldCount() == 2, "the last flush reaches the device");
            disk.letGo();
            closed.get(WAIT_SECONDS, TimeUnit.SECONDS);
            assertTrue(isUnmounted(folder.toRealPath().resolve("disk.img")));
        }
    }

    @Test
    void aFileInUseIsTakenAwayFromItsUsersWhenTheExportCloses() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file);
            int fd = FileCalls.open(file.toString(), FileCalls.O_RDWR, 0);
            host.unmount();
            try (Arena arena = Arena.ofConfined()) {
                long address = arena.allocate(4096, 4096).address();
                assertEquals(-Errno.ENOTCONN, FileCalls.pread(fd, address, 4096, 0));
            }
            FileCalls.close(fd);
            assertTrue(isUnmounted(folder.toRealPath().resolve("disk.img")));
            assertTrue(Files.notExists(file));
        }
    }

    @Test
    void aProgramThatIsInterruptedWaitsForItsAnswerAndNobodyElseNotices() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file);
            disk.holding = true;
            Process reader =
                    new ProcessBuilder("cat", file.toString())
                            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                            .start();
            await(() -> disk.heldCount() == 1, "the read reaches the device");
            reader.destroy(); // SIGTERM: the kernel sends INTERRUPT
            disk.holding = false;
            assertEquals(4096, transfer(true));
            assertEquals(4096, transfer(false));
            disk.letGo();
            assertTrue(reader.waitFor(WAIT_SECONDS, TimeUnit.SECONDS));
            assertEquals(4096, transfer(false));
        }
    }

    @Test
    void anUnmountBySomebodyElseEndsTheExportOnly() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file);
            assertEquals(
                    0, new ProcessBuilder("umount", file.toString()).inheritIO().start().waitFor());
            await(() -> host.pool.outstandingBytes() == 0, "the landings are given back");
            host.unmount();
            assertTrue(Files.notExists(file));
            host.mount(file);
            assertEquals(4096, transfer(false));
        }
    }

    @Test
    void anErrorInOurCodeEndsTheMountInsteadOfHangingItsUsers() throws Exception {
        try (FuseHost host = host()) {
            host.mount(file);
            disk.answer =
                    _ -> {
                        throw new IllegalStateException("as the test says");
                    };
            assertEquals(-Errno.EIO, transfer(false));
            Path resolved = folder.toRealPath().resolve("disk.img");
            await(() -> isUnmounted(resolved), "the broken mount is taken off");
            disk.answer = _ -> null;
        }
    }

    private static boolean isUnmounted(Path path) {
        try {
            return MountTable.read().at(path).isEmpty();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

package org.unifiedvolume.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The calls do what the manual says, with the error numbers it names.
final class FileCallsTest {
    @TempDir private Path folder;

    private final Arena arena = Arena.ofConfined();
    private Path path;
    private int fd;

    @BeforeEach
    void open() {
        path = folder.resolve("ä file");
        fd = FileCalls.open(path.toString(), FileCalls.O_RDWR | FileCalls.O_CREAT, 0600);
        assertTrue(fd >= 0, Errno.meaning(fd));
    }

    @AfterEach
    void close() {
        FileCalls.close(fd);
        arena.close();
    }

    private MemorySegment bytes(String text) {
        return arena.allocateFrom(text, StandardCharsets.UTF_8).asSlice(0, text.length());
    }

    @Test
    void readsAndWritesAtAnOffset() throws Exception {
        MemorySegment source = bytes("hello");
        assertEquals(5, FileCalls.pwrite(fd, source.address(), 5, 3));
        MemorySegment target = arena.allocate(8);
        assertEquals(8, FileCalls.pread(fd, target.address(), 8, 0));
        assertEquals(0, target.get(ValueLayout.JAVA_BYTE, 0));
        assertEquals('h', target.get(ValueLayout.JAVA_BYTE, 3));
        assertEquals(0, FileCalls.pread(fd, target.address(), 8, 100), "behind the end");
        assertEquals(8, Files.size(path));
    }

    @Test
    void scattersAndGathers() {
        IoVector vector = new IoVector(4);
        MemorySegment first = bytes("ab");
        MemorySegment second = bytes("cde");
        vector.add(first.address(), 2);
        vector.add(second.address(), 3);
        assertEquals(2, vector.count());
        assertEquals(5, vector.totalBytes());
        assertEquals(
                5,
                FileCalls.pwritev2(fd, vector.address(), vector.count(), 0, FileCalls.RWF_DSYNC));
        MemorySegment target = arena.allocate(5);
        vector.clear();
        vector.add(target.address(), 1);
        vector.add(target.address() + 1, 4);
        assertEquals(1, vector.count(), "neighbours are one entry");
        assertEquals(5, FileCalls.preadv2(fd, vector.address(), vector.count(), 0, 0));
        assertEquals('e', target.get(ValueLayout.JAVA_BYTE, 4));
    }

    @Test
    void errorsAreNegativeNumbersWithNames() {
        assertEquals(-Errno.ENOENT, FileCalls.open(folder + "/no/such", FileCalls.O_RDONLY, 0));
        assertEquals(-Errno.EISDIR, FileCalls.open(folder.toString(), FileCalls.O_RDWR, 0));
        assertEquals(-Errno.EBADF, FileCalls.pread(-1, arena.allocate(1).address(), 1, 0));
        assertEquals(-Errno.EFAULT, FileCalls.pwrite(fd, 1, 1, 0));
        assertEquals(
                -Errno.EEXIST,
                FileCalls.open(
                        path.toString(),
                        FileCalls.O_RDWR | FileCalls.O_CREAT | FileCalls.O_EXCL,
                        0600));
        assertEquals("ENOSPC, no space left on device", Errno.meaning(-28));
        assertEquals("errno 9999", Errno.meaning(9999));
    }

    @Test
    void findsDataAndHoles() {
        assertEquals(0, FileCalls.ftruncate(fd, 1 << 20));
        assertEquals(-Errno.ENXIO, FileCalls.lseek(fd, 0, FileCalls.SEEK_DATA));
        MemorySegment page = arena.allocate(4096);
        assertEquals(4096, FileCalls.pwrite(fd, page.address(), 4096, 65536));
        assertEquals(65536, FileCalls.lseek(fd, 0, FileCalls.SEEK_DATA));
        assertEquals(65536 + 4096, FileCalls.lseek(fd, 65536, FileCalls.SEEK_HOLE));
        assertEquals(
                0,
                FileCalls.fallocate(
                        fd,
                        FileCalls.FALLOC_FL_PUNCH_HOLE | FileCalls.FALLOC_FL_KEEP_SIZE,
                        65536,
                        4096));
        assertEquals(-Errno.ENXIO, FileCalls.lseek(fd, 0, FileCalls.SEEK_DATA));
        assertEquals(0, FileCalls.fdatasync(fd));
    }

    @Test
    void locksExcludeEachOtherWithinOneProcess() {
        int other = FileCalls.open(path.toString(), FileCalls.O_RDWR, 0);
        int reader = FileCalls.open(path.toString(), FileCalls.O_RDONLY, 0);
        assertEquals(1, FileCalls.isLockFree(reader, true));
        assertEquals(0, FileCalls.lockWhole(fd, true));
        assertEquals(-Errno.EAGAIN, FileCalls.lockWhole(other, true));
        assertEquals(-Errno.EAGAIN, FileCalls.lockWhole(other, false));
        assertEquals(0, FileCalls.isLockFree(reader, true));
        assertEquals(0, FileCalls.isLockFree(reader, false));
        FileCalls.close(fd);
        assertEquals(0, FileCalls.lockWhole(other, false));
        assertEquals(1, FileCalls.isLockFree(reader, false), "readers share");
        assertEquals(0, FileCalls.isLockFree(reader, true));
        FileCalls.close(reader);
        fd = other;
    }

    @Test
    void reservedMemoryIsZeroAndCanBeGivenBack() {
        MemorySegment memory = FileCalls.reserveMemory(1 << 20);
        assertEquals(0, memory.address() % 4096);
        assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, (1 << 20) - 1));
        memory.fill((byte) 1);
        assertEquals(0, FileCalls.dropPages(memory.address(), 1 << 20));
        assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, 12_345));
        assertEquals(0, FileCalls.releaseMemory(memory));
    }

    @Test
    void eachThreadHasAnErrnoOfItsOwn() throws Exception {
        Thread[] threads = new Thread[4];
        boolean[] right = new boolean[threads.length];
        for (int t = 0; t < threads.length; t++) {
            int number = t;
            threads[t] =
                    Thread.ofPlatform()
                            .start(
                                    () -> {
                                        boolean all = true;
                                        for (int i = 0; i < 10_000; i++) {
                                            all &=
                                                    number % 2 == 0
                                                            ? FileCalls.close(-1) == -Errno.EBADF
                                                            : FileCalls.lseek(fd, -1, 0)
                                                                    == -Errno.EINVAL;
                                        }
                                        right[number] = all;
                                    });
        }
        for (int t = 0; t < threads.length; t++) {
            threads[t].join();
            assertTrue(right[t], "thread " + t);
        }
    }
}

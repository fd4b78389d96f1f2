package org.unifiedvolume.it.harness;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/// Somebody who works on a tree of files: makes, changes, moves, cuts, syncs and deletes them, and
/// knows what each has to hold. One thread, one folder.
public final class TreeChurn implements AutoCloseable {
    private static final int MAX_FILES = 40;
    private static final int MAX_BYTES = 200_000;

    private final Path folder;
    private final Random random;
    private final Map<Path, byte[]> content = new HashMap<>();
    private final AtomicLong steps = new AtomicLong();
    private final Thread thread;
    private volatile boolean stopped;
    private volatile Exception problem;
    private int made;

    private TreeChurn(Path folder, long seed) {
        this.folder = folder;
        this.random = new Random(seed);
        this.thread =
                Thread.ofPlatform().name("churn-" + folder.getFileName()).unstarted(this::run);
    }

    /// Begins, in a new folder.
    public static TreeChurn start(Path folder, long seed) throws IOException {
        TreeChurn churn = new TreeChurn(Files.createDirectory(folder), seed);
        churn.thread.start();
        return churn;
    }

    /// How much was done so far.
    public long steps() {
        return steps.get();
    }

    /// Ends.
    ///
    /// @throws IOException what went wrong, if anything did
    public void stop() throws IOException, InterruptedException {
        stopped = true;
        thread.join();
        if (problem != null) {
            throw new IOException("after %d steps: %s".formatted(steps.get(), problem), problem);
        }
    }

    /// Fails unless the folder holds what it has to, and nothing else.
    public void verify() throws IOException {
        List<Path> found;
        try (Stream<Path> all = Files.walk(folder)) {
            found = all.filter(Files::isRegularFile).toList();
        }
        if (found.size() != content.size()) {
            throw new AssertionError("files %s, not %s".formatted(found, content.keySet()));
        }
        for (Path file : found) {
            byte[] bytes = Files.readAllBytes(file);
            int wrong = Arrays.mismatch(bytes, content.getOrDefault(file, new byte[0]));
            if (wrong >= 0) {
                throw new AssertionError("%s is wrong at %d".formatted(file, wrong));
            }
        }
    }

    private void run() {
        try {
            while (!stopped) {
                step();
                steps.incrementAndGet();
            }
        } catch (IOException | UncheckedIOException e) {
            problem = e;
        }
    }

    private void step() throws IOException {
        List<Path> files = new ArrayList<>(content.keySet());
        files.sort(null);
        int kind = files.size() < MAX_FILES / 2 ? 0 : random.nextInt(100);
        if (kind < 30 && files.size() < MAX_FILES) {
            make();
            return;
        }
        Path file = files.get(random.nextInt(files.size()));
        if (kind < 50) {
            change(file);
        } else if (kind < 65) {
            cut(file);
        } else if (kind < 80) {
            move(file, files.get(random.nextInt(files.size())));
        } else {
            Files.delete(file);
            content.remove(file);
        }
    }

    private byte[] someBytes(int atMost) {
        byte[] bytes = new byte[1 + random.nextInt(atMost)];
        random.nextBytes(bytes);
        return bytes;
    }

    private void make() throws IOException {
        int number = made++;
        Path file = folder.resolve("d%d/e%d/file%d".formatted(number % 5, number % 3, number));
        Files.createDirectories(file.getParent());
        byte[] bytes = someBytes(MAX_BYTES);
        Files.write(file, bytes);
        content.put(file, bytes);
    }

    /// Overwrites a part, or appends; syncs now and then.
    private void change(Path file) throws IOException {
        byte[] before = content.get(file);
        int at = random.nextInt(before.length + 1);
        byte[] part = someBytes(20_000);
        byte[] after = Arrays.copyOf(before, Math.max(before.length, at + part.length));
        System.arraycopy(part, 0, after, at, part.length);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            ByteBuffer source = ByteBuffer.wrap(part);
            while (source.hasRemaining()) {
                channel.write(source, at + source.position());
            }
            if (random.nextInt(3) == 0) {
                channel.force(true);
            }
        }
        content.put(file, after);
    }

    private void cut(Path file) throws IOException {
        byte[] before = content.get(file);
        int length = random.nextInt(before.length + 1);
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(length);
        }
        content.put(file, Arrays.copyOf(before, length));
    }

    /// Over another file, perhaps.
    private void move(Path file, Path other) throws IOException {
        Path target =
                random.nextBoolean() || other.equals(file)
                        ? file.resolveSibling(file.getFileName() + "m")
                        : other;
        Files.move(file, target, StandardCopyOption.REPLACE_EXISTING);
        content.put(target, content.remove(file));
    }

    @Override
    public void close() {
        stopped = true;
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}

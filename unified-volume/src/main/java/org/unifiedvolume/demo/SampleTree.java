package org.unifiedvolume.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.LongConsumer;

/// A tree of real files of this machine, copied somewhere with their checksums: the JDK, what Maven
/// fetched, the system's libraries; made up only where these are too small.
final class SampleTree {
    private static final int COPY_BYTES = 1 << 20;
    private static final int MADE_UP_BYTES = 8 << 20;

    /// One file to copy.
    ///
    /// @param source where it is; null for one that is made up
    /// @param target where it goes, below the folder that is copied to
    private record Item(Path source, String target, long sizeBytes) {}

    private final List<Item> items;
    private final long totalBytes;

    private SampleTree(List<Item> items) {
        this.items = items;
        this.totalBytes = items.stream().mapToLong(Item::sizeBytes).sum();
    }

    /// Chooses files of at least so many bytes in all.
    static SampleTree ofAtLeast(long bytes) throws IOException {
        List<Item> items = new ArrayList<>();
        long total = 0;
        for (Path root :
                List.of(
                        Path.of(System.getProperty("java.home")),
                        Path.of(System.getProperty("user.home"), ".m2"),
                        Path.of("/usr/lib"),
                        Path.of("/usr/share"))) {
            if (total < bytes && Files.isDirectory(root)) {
                total += collect(root, items, bytes - total);
            }
        }
        for (int i = 0; total < bytes; i++) {
            items.add(new Item(null, "made-up/" + i, MADE_UP_BYTES));
            total += MADE_UP_BYTES;
        }
        return new SampleTree(items);
    }

    /// Adds regular files that we may read until they have so many bytes.
    private static long collect(Path root, List<Item> items, long wantedBytes) throws IOException {
        long[] total = {0};
        String prefix = root.toString().substring(1);
        Files.walkFileTree(
                root,
                new SimpleFileVisitor<>() {
                    @Override
                    public FileVisitResult visitFile(Path file, BasicFileAttributes attributes) {
                        if (attributes.isRegularFile() && Files.isReadable(file)) {
                            items.add(
                                    new Item(
                                            file,
                                            prefix + "/" + root.relativize(file),
                                            attributes.size()));
                            total[0] += attributes.size();
                        }
                        return total[0] < wantedBytes
                                ? FileVisitResult.CONTINUE
                                : FileVisitResult.TERMINATE;
                    }

                    @Override
                    public FileVisitResult visitFileFailed(Path file, IOException problem) {
                        return FileVisitResult.CONTINUE; // what may not be read is left out
                    }
                });
        return total[0];
    }

    int count() {
        return items.size();
    }

    long totalBytes() {
        return totalBytes;
    }

    /// Copies the tree.
    ///
    /// @param progress is told how many bytes are copied
    /// @return the checksum of each file as it was read from its source, by its path below `target`
    Map<String, String> copyTo(Path target, LongConsumer progress) throws IOException {
        Map<String, String> checksums = new LinkedHashMap<>();
        byte[] buffer = new byte[COPY_BYTES];
        long done = 0;
        for (Item item : items) {
            Path file = target.resolve(item.target());
            Files.createDirectories(file.getParent());
            MessageDigest digest = sha256();
            try (InputStream in = open(item);
                    OutputStream out = Files.newOutputStream(file)) {
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                    digest.update(buffer, 0, count);
                    out.write(buffer, 0, count);
                    done += count;
                    progress.accept(done);
                }
            }
            checksums.put(item.target(), HexFormat.of().formatHex(digest.digest()));
        }
        return checksums;
    }

    private static InputStream open(Item item) throws IOException {
        if (item.source() != null) {
            return Files.newInputStream(item.source());
        }
        Random random = new Random(item.target().hashCode());
        return new InputStream() {
            private long left = item.sizeBytes();

            @Override
            public int read() {
                return left-- > 0 ? random.nextInt(256) : -1;
            }

            @Override
            public int read(byte[] bytes, int offset, int length) {
                if (left <= 0) {
                    return -1;
                }
                byte[] some = new byte[(int) Math.min(length, left)];
                random.nextBytes(some);
                System.arraycopy(some, 0, bytes, offset, some.length);
                left -= some.length;
                return some.length;
            }
        };
    }

    /// The files whose content is not what was copied.
    static List<String> differences(
            Path folder, Map<String, String> checksums, LongConsumer progress) {
        List<String> different = new ArrayList<>();
        byte[] buffer = new byte[COPY_BYTES];
        long done = 0;
        for (Map.Entry<String, String> entry : checksums.entrySet()) {
            MessageDigest digest = sha256();
            try (InputStream in = Files.newInputStream(folder.resolve(entry.getKey()))) {
                for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                    digest.update(buffer, 0, count);
                    done += count;
                    progress.accept(done);
                }
                if (!HexFormat.of().formatHex(digest.digest()).equals(entry.getValue())) {
                    different.add(entry.getKey());
                }
            } catch (IOException e) {
                different.add(entry.getKey() + " (" + e.getMessage() + ")");
            }
        }
        return different;
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every JDK has SHA-256", e);
        }
    }
}

package org.unifiedvolume.raid.mirror;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/// A record as a file, replaced as a whole: written beside the old one, made durable, renamed, and
/// the folder made durable too.
public final class RecordFile implements RecordStore {
    private final Path folder;
    private final Path file;
    private final Path draft;

    /// @param folder exists
    public RecordFile(Path folder) {
        this.folder = folder;
        this.file = folder.resolve("raid1.record");
        this.draft = folder.resolve("raid1.record.new");
    }

    @Override
    public byte[] load() throws IOException {
        try {
            return Files.readAllBytes(file);
        } catch (NoSuchFileException e) {
            return null;
        }
    }

    @Override
    public void save(byte[] bytes) throws IOException {
        try (FileChannel channel =
                FileChannel.open(
                        draft,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.WRITE,
                        StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer left = ByteBuffer.wrap(bytes);
            while (left.hasRemaining()) {
                channel.write(left);
            }
            channel.force(true);
        }
        Files.move(draft, file, StandardCopyOption.ATOMIC_MOVE);
        try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public String place() {
        return file.toString();
    }
}

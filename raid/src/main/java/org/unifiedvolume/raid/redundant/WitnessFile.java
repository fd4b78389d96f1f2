package org.unifiedvolume.raid.redundant;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import org.unifiedvolume.raid.superblock.Witness;

/// A file in the volume's state folder, replaced as a whole: a power cut leaves the old one or the
/// new one.
public final class WitnessFile implements WitnessStore {
    private final Path file;
    private final Path next;
    private final Path folder;

    public WitnessFile(Path stateFolder) {
        folder = stateFolder;
        file = stateFolder.resolve("witness");
        next = stateFolder.resolve("witness.next");
    }

    @Override
    public Witness load() throws IOException {
        return Files.exists(file) ? Witness.decode(Files.readAllBytes(file)) : null;
    }

    @Override
    public void save(Witness witness) throws IOException {
        try {
            try (FileChannel out =
                    FileChannel.open(
                            next,
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE,
                            StandardOpenOption.TRUNCATE_EXISTING)) {
                ByteBuffer bytes = ByteBuffer.wrap(witness.encode());
                while (bytes.hasRemaining()) {
                    out.write(bytes);
                }
                out.force(true);
            }
            Files.move(
                    next,
                    file,
                    StandardCopyOption.ATOMIC_MOVE,
                    StandardCopyOption.REPLACE_EXISTING);
            try (FileChannel entries = FileChannel.open(folder, StandardOpenOption.READ)) {
                entries.force(true);
            }
        } catch (IOException e) {
            throw new IOException(
                    "cannot write %s: %s; free space there or mend the disk"
                            .formatted(file, e.getMessage()),
                    e);
        }
    }
}

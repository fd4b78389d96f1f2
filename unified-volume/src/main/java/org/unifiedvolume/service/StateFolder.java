package org.unifiedvolume.service;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.control.Json;

/// The folder in which a service keeps its own records; locked, so that no two services share it.
///
/// ```
/// state/lock           held while the service runs, ends with the process however that dies
/// state/service.json   who runs: process id, control socket, configuration file
/// state/control.sock   where commands are taken
/// state/volumes/NAME/  what a volume's layout keeps
/// ```
public final class StateFolder implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(StateFolder.class);

    /// Addresses of Unix sockets end at 107 bytes.
    private static final int MAX_SOCKET_BYTES = 104;

    private static final String RECORD = "service.json";
    private static final String SOCKET = "control.sock";

    /// Who runs in a state folder, as its record says.
    ///
    /// @param folder the folder
    /// @param pid the process
    /// @param socket where it takes commands
    /// @param config the file that it serves
    public record Occupant(Path folder, long pid, Path socket, String config) {}

    private final Path folder;
    private final FileChannel channel;
    private final FileLock lock;

    private StateFolder(Path folder, FileChannel channel, FileLock lock) {
        this.folder = folder;
        this.channel = channel;
        this.lock = lock;
    }

    /// Makes the folder unless it is there, and takes its lock.
    ///
    /// @throws ServiceFault if another service has it, or it cannot be written
    public static StateFolder open(Path folder) throws ServiceFault {
        try {
            if (!Files.isDirectory(folder)) {
                Path parent = folder.toAbsolutePath().getParent();
                Files.createDirectories(parent);
                Files.createDirectory(
                        folder,
                        PosixFilePermissions.asFileAttribute(
                                PosixFilePermissions.fromString("rwx------")));
            }
            FileChannel channel =
                    FileChannel.open(
                            folder.resolve("lock"),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE);
            FileLock lock = tryLock(channel);
            if (lock == null) {
                channel.close();
                throw new ServiceFault(
                        "%s: another service%s runs here; stop it, or give this one a \"state:\" of"
                                        .formatted(folder, pidOf(folder))
                                + " its own");
            }
            return new StateFolder(folder, channel, lock);
        } catch (IOException e) {
            throw new ServiceFault(
                    "%s: the state folder cannot be used (%s); check its owner and mode, or name"
                                    .formatted(folder, meaning(e))
                            + " another under \"state:\"");
        }
    }

    private static String meaning(IOException e) {
        return e.getClass().getSimpleName() + ": " + e.getMessage();
    }

    private static FileLock tryLock(FileChannel channel) throws IOException {
        try {
            return channel.tryLock();
        } catch (OverlappingFileLockException e) {
            // Another service of this very process has it.
            return null;
        }
    }

    private static String pidOf(Path folder) {
        Occupant occupant = occupant(folder);
        return occupant == null ? "" : " (process %d)".formatted(occupant.pid());
    }

    public Path folder() {
        return folder;
    }

    /// Where the service shall take commands: in the folder, or, if its path is too long for the
    /// address of a socket, in `otherwise`.
    Path socket(Path otherwise) {
        Path inside = folder.toAbsolutePath().resolve(SOCKET);
        return inside.toString().getBytes(StandardCharsets.UTF_8).length <= MAX_SOCKET_BYTES
                ? inside
                : otherwise;
    }

    /// Makes the folder of a volume.
    Path volumeFolder(String volume) throws IOException {
        return Files.createDirectories(folder.resolve("volumes").resolve(volume));
    }

    /// A folder for what lives only as long as the service.
    Path scratchFolder(String name) throws IOException {
        return Files.createDirectories(folder.resolve(name));
    }

    /// Records who runs here.
    void record(Path socket, Path config, List<String> volumes) throws IOException {
        Map<String, Object> record = new LinkedHashMap<>();
        record.put("pid", ProcessHandle.current().pid());
        record.put("socket", socket.toString());
        record.put("config", config.toAbsolutePath().toString());
        record.put("started", Instant.now().toString());
        record.put("volumes", List.copyOf(volumes));
        Path fresh = folder.resolve(RECORD + ".new");
        Files.writeString(fresh, Json.writeIndented(record) + "\n");
        Files.move(
                fresh,
                folder.resolve(RECORD),
                StandardCopyOption.ATOMIC_MOVE,
                StandardCopyOption.REPLACE_EXISTING);
    }

    /// Who runs in a folder according to its record; null if it has none that can be read.
    public static Occupant occupant(Path folder) {
        try {
            Map<String, Object> record = Json.readObject(Files.readString(folder.resolve(RECORD)));
            if (record.get("pid") instanceof Long pid
                    && record.get("socket") instanceof String socket
                    && record.get("config") instanceof String config) {
                return new Occupant(folder, pid, Path.of(socket), config);
            }
        } catch (IOException | IllegalArgumentException e) {
            LOG.debug("{}: no record: {}", folder, e.getMessage());
        }
        return null;
    }

    @Override
    public void close() {
        try {
            Files.deleteIfExists(folder.resolve(RECORD));
            lock.release();
            channel.close();
        } catch (IOException e) {
            LOG.warn("{}: cannot leave the state folder: {}", folder, e.getMessage());
        }
    }
}

package org.unifiedvolume.service;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.control.ControlClient;
import org.unifiedvolume.service.StateFolder.Occupant;

/// Lists the services that run on this host, so that commands find theirs from any folder: one file
/// for each service, which holds the path of its state folder.
public final class Registry {
    private static final Logger LOG = LoggerFactory.getLogger(Registry.class);

    private final Path folder;

    public Registry(Path folder) {
        this.folder = folder;
    }

    /// The registry of the calling user: `/run/uvol` for root, within `$XDG_RUNTIME_DIR` for
    /// others, within the folder for temporary files where there is no such folder.
    public static Registry ofUser(Map<String, String> environment) {
        String user = System.getProperty("user.name");
        String runtime = environment.get("XDG_RUNTIME_DIR");
        if (user.equals("root")) {
            return new Registry(Path.of("/run/uvol"));
        }
        return new Registry(
                runtime != null && !runtime.isBlank()
                        ? Path.of(runtime, "uvol")
                        : Path.of(System.getProperty("java.io.tmpdir"), "uvol-" + user));
    }

    public Path folder() {
        return folder;
    }

    private Path entry(Path stateFolder) {
        return folder.resolve(
                "%d-%08x"
                        .formatted(
                                ProcessHandle.current().pid(),
                                stateFolder.toAbsolutePath().toString().hashCode()));
    }

    /// The path of a socket within this folder for the service of a state folder.
    Path socketFor(Path stateFolder) throws IOException {
        Files.createDirectories(folder);
        return Path.of(entry(stateFolder) + ".sock");
    }

    /// Adds the service of a state folder. Without the list the service works too; commands then
    /// need to be told where it is.
    void add(Path stateFolder) {
        try {
            Files.createDirectories(folder);
            removeDead();
            Files.writeString(entry(stateFolder), stateFolder.toAbsolutePath().toString());
        } catch (IOException e) {
            LOG.info("cannot list this service in {}: {}", folder, e.getMessage());
        }
    }

    void remove(Path stateFolder) {
        try {
            Files.deleteIfExists(entry(stateFolder));
        } catch (IOException e) {
            LOG.info("cannot take this service out of {}: {}", folder, e.getMessage());
        }
    }

    /// The services that answer. Entries of those that died are removed.
    public List<Occupant> running() {
        List<Occupant> running = new ArrayList<>();
        if (!Files.isDirectory(folder)) {
            return running;
        }
        try (DirectoryStream<Path> entries =
                Files.newDirectoryStream(folder, "[0-9]*-[0-9a-f]*[0-9a-f]")) {
            for (Path entry : entries) {
                Occupant occupant = StateFolder.occupant(Path.of(Files.readString(entry)));
                if (occupant != null && ControlClient.isAlive(occupant.socket())) {
                    running.add(occupant);
                } else if (!runs(entry)) {
                    Files.deleteIfExists(entry);
                }
            }
        } catch (IOException e) {
            LOG.debug("{}: cannot be read: {}", folder, e.getMessage());
        }
        return running;
    }

    /// Removes what services left here that were killed.
    private void removeDead() throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, "[0-9]*-*")) {
            for (Path entry : entries) {
                if (!runs(entry)) {
                    Files.deleteIfExists(entry);
                }
            }
        }
    }

    private static boolean runs(Path entry) {
        String name = entry.getFileName().toString();
        try {
            return ProcessHandle.of(Long.parseLong(name.substring(0, name.indexOf('-'))))
                    .isPresent();
        } catch (NumberFormatException e) {
            return false;
        }
    }
}

package org.unifiedvolume.service;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.config.Written;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.mount.Filesystems;
import org.unifiedvolume.mount.LoopDevices;
import org.unifiedvolume.mount.MountTable;
import org.unifiedvolume.mount.Mounts;
import org.unifiedvolume.spi.Export;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.TargetContext;

/// The volumes that are block devices or mounted filesystems of this host.
///
/// Each stands on the file of a FUSE export: one that the configuration describes, or one that is
/// made in the state folder for as long as it is needed. What stands on such a file is read from
/// the kernel, so loop devices and mounts that users made by hand are taken down as well before the
/// file goes. One command at a time.
final class Attachments {
    private static final Logger LOG = LoggerFactory.getLogger(Attachments.class);
    private static final String SCHEME = "fuse";

    private final Kinds kinds;
    private final TargetContext context;
    private final StateFolder state;
    private final Path baseFolder;
    private final Supplier<Collection<OpenVolume>> volumes;
    private final ReentrantLock lock = new ReentrantLock();

    /// Exports that were made for a command, by their volume.
    private final Map<OpenVolume, Export> temporary = new HashMap<>();

    /// Loop devices that go when the last filesystem on them is unmounted.
    private final Set<String> loopsOfMounts = new HashSet<>();

    /// @param baseFolder what relative paths in the configuration are relative to
    Attachments(
            Kinds kinds,
            TargetContext context,
            StateFolder state,
            Path baseFolder,
            Supplier<Collection<OpenVolume>> volumes) {
        this.kinds = kinds;
        this.context = context;
        this.state = state;
        this.baseFolder = baseFolder;
        this.volumes = volumes;
    }

    private Path temporaryFile(OpenVolume volume) {
        return state.folder().toAbsolutePath().resolve(SCHEME).resolve(volume.name() + ".img");
    }

    /// Takes down what a killed service has left standing on exports that it had made for commands.
    /// Exports that the configuration describes do so themselves when they are opened.
    void clearLeftovers() {
        lock.lock();
        try {
            for (OpenVolume volume : volumes.get()) {
                if (isLeftOver(temporaryFile(volume))) {
                    openTemporary(volume);
                    drop(volume);
                }
            }
        } catch (ControlFault | IOException e) {
            LOG.error("what a killed service has left cannot be taken down: {}", e.getMessage());
        } finally {
            lock.unlock();
        }
    }

    private static boolean isLeftOver(Path file) throws IOException {
        Path folder = file.getParent();
        return Files.isDirectory(folder)
                && MountTable.read()
                        .at(folder.toRealPath().resolve(file.getFileName()))
                        .isPresent();
    }

    /// The files that a volume is served as, those of the configuration first.
    private List<Path> filesOf(OpenVolume volume) {
        List<Path> files = new ArrayList<>();
        for (Written export : volume.plan().config().exports()) {
            try {
                DeviceUri uri = DeviceUri.parse(export.place(), baseFolder, export.text());
                if (uri.scheme().equals(SCHEME)) {
                    files.add(uri.filePath());
                }
            } catch (ConfigFault e) {
                throw new AssertionError("a URI was right once: " + e.getMessage(), e);
            }
        }
        if (temporary.containsKey(volume)) {
            files.add(temporaryFile(volume));
        }
        return files;
    }

    /// The file to build on; made if there is none.
    private Path need(OpenVolume volume) throws ControlFault, IOException {
        List<Path> files = filesOf(volume);
        if (!files.isEmpty()) {
            return files.getFirst();
        }
        if (volume.isPartOfAnother()) {
            throw new ControlFault(
                    "volume %s is a member of another volume, so nobody else may write to it"
                            .formatted(volume.name()));
        }
        return openTemporary(volume);
    }

    private Path openTemporary(OpenVolume volume) throws ControlFault, IOException {
        Path file = temporaryFile(volume);
        Files.createDirectories(file.getParent());
        try {
            DeviceUri uri =
                    DeviceUri.parse(Place.COMMAND_LINE, file.getParent(), SCHEME + ":" + file);
            temporary.put(volume, kinds.export(uri).open(volume.volume(), context));
        } catch (ConfigFault e) {
            throw new ControlFault(e.getMessage());
        }
        return file;
    }

    /// Stops a temporary export that nobody stands on any more.
    private void drop(OpenVolume volume) throws IOException {
        Export export = temporary.get(volume);
        if (export != null && Mounts.usersOf(temporaryFile(volume)).isEmpty()) {
            temporary.remove(volume);
            export.close();
        }
    }

    /// Makes a volume a block device.
    ///
    /// @return the device
    String attach(OpenVolume volume, boolean readOnly) throws ControlFault, IOException {
        lock.lock();
        try {
            Path file = need(volume);
            List<String> loops = LoopDevices.findByFile(file);
            if (!loops.isEmpty()) {
                loopsOfMounts.remove(loops.getFirst());
                return loops.getFirst();
            }
            try {
                return LoopDevices.attach(file, readOnly || volume.volume().shape().isReadOnly());
            } finally {
                drop(volume);
            }
        } finally {
            lock.unlock();
        }
    }

    /// Gives a volume's block device back.
    ///
    /// @param what the volume's name or the device
    /// @return the device
    String detach(String what) throws ControlFault, IOException {
        lock.lock();
        try {
            for (OpenVolume volume : volumes.get()) {
                for (Path file : filesOf(volume)) {
                    for (String loop : LoopDevices.findByFile(file)) {
                        if (what.equals(loop) || what.equals(volume.name())) {
                            detach(volume, file, loop);
                            return loop;
                        }
                    }
                }
            }
            throw new ControlFault(
                    "no block device is attached by the name of %s; uvol status shows those that"
                                    .formatted(what)
                            + " are");
        } finally {
            lock.unlock();
        }
    }

    private void detach(OpenVolume volume, Path file, String loop)
            throws ControlFault, IOException {
        List<MountTable.Entry> mounts = Mounts.usersOf(file).mounts();
        if (!mounts.isEmpty()) {
            Path folder = mounts.getFirst().path();
            throw new ControlFault(
                    "%s is mounted on %s; unmount it first: uvol umount %s"
                            .formatted(loop, folder, folder));
        }
        LoopDevices.detach(loop);
        loopsOfMounts.remove(loop);
        drop(volume);
    }

    /// Mounts a volume's filesystem.
    ///
    /// @param type which filesystem to make first; null for none
    /// @param force whether to overwrite what the volume holds
    /// @return the device that is mounted
    String mount(OpenVolume volume, Path folder, String type, boolean force, boolean readOnly)
            throws ControlFault, IOException {
        if (type != null && !Filesystems.types().contains(type)) {
            throw new ControlFault(
                    "unknown filesystem \"%s\"; use one of %s"
                            .formatted(type, String.join(", ", Filesystems.types())));
        }
        lock.lock();
        try {
            Path file = need(volume);
            String loop = null;
            boolean isOurs = false;
            boolean mounted = false;
            try {
                List<String> loops = LoopDevices.findByFile(file);
                isOurs = loops.isEmpty();
                boolean blocked = volume.volume().shape().isReadOnly();
                // A filesystem is made through the same device before it is mounted read-only.
                loop =
                        isOurs
                                ? LoopDevices.attach(file, blocked || (readOnly && type == null))
                                : loops.getFirst();
                if (type != null) {
                    Filesystems.make(type, loop, force);
                }
                Mounts.mount(loop, folder, readOnly || blocked);
                mounted = true;
            } finally {
                if (isOurs && loop != null) {
                    if (mounted) {
                        loopsOfMounts.add(loop);
                    } else {
                        LoopDevices.detach(loop);
                    }
                }
                drop(volume);
            }
            return loop;
        } finally {
            lock.unlock();
        }
    }

    /// Unmounts what is mounted at a folder, or every mount of a volume.
    ///
    /// @return the folders
    List<Path> unmount(String volumeName, Path folder) throws ControlFault, IOException {
        lock.lock();
        try {
            List<Path> unmounted = new ArrayList<>();
            for (OpenVolume volume : volumes.get()) {
                for (Path file : filesOf(volume)) {
                    for (MountTable.Entry mount : Mounts.usersOf(file).mounts()) {
                        if (mount.path().equals(folder) || volume.name().equals(volumeName)) {
                            Mounts.unmount(mount.path());
                            unmounted.add(mount.path());
                        }
                    }
                    dropLoops(file);
                }
                drop(volume);
            }
            if (unmounted.isEmpty()) {
                throw new ControlFault(
                        "neither is anything of this service mounted on %s, nor is a volume of that"
                                        .formatted(folder)
                                + " name mounted; uvol status shows what is");
            }
            return unmounted;
        } finally {
            lock.unlock();
        }
    }

    /// Gives back the loop devices of a file that were made for mounts, if none is mounted now.
    private void dropLoops(Path file) throws IOException {
        Mounts.Users users = Mounts.usersOf(file);
        for (String loop : users.loops()) {
            boolean isMounted = users.mounts().stream().anyMatch(m -> m.source().equals(loop));
            if (!isMounted && loopsOfMounts.remove(loop)) {
                LoopDevices.detach(loop);
            }
        }
    }

    /// What stands on a volume now, for people: devices first, then mounts.
    List<String> describe(OpenVolume volume) {
        lock.lock();
        try {
            Map<String, String> lines = new LinkedHashMap<>();
            for (Path file : filesOf(volume)) {
                Mounts.Users users = Mounts.usersOf(file);
                users.loops().forEach(loop -> lines.put(loop, loop));
                for (MountTable.Entry mount : users.mounts()) {
                    lines.put(
                            mount.path().toString(),
                            "%s on %s (%s)".formatted(mount.source(), mount.path(), mount.type()));
                }
            }
            return List.copyOf(lines.values());
        } catch (IOException e) {
            return List.of("unknown: " + e.getMessage());
        } finally {
            lock.unlock();
        }
    }

    /// Takes everything down that stands on exported files: filesystems, loop devices, and the
    /// exports that were made for them.
    void close() {
        lock.lock();
        try {
            volumes.get().forEach(this::takeDown);
        } finally {
            lock.unlock();
        }
    }

    /// Takes a volume out of service, unless somebody uses it.
    interface Withdrawal {
        void run() throws ControlFault;
    }

    /// Takes down what stands on a volume that is to be stopped. Nothing new is put there
    /// meanwhile, nor after that.
    ///
    /// @param force whether those who use it may lose it
    /// @param withdrawal makes the volume unknown to later commands
    void stop(OpenVolume volume, boolean force, Withdrawal withdrawal) throws ControlFault {
        lock.lock();
        try {
            List<String> users = new ArrayList<>(describe(volume));
            users.addAll(volume.remoteClients());
            if (!users.isEmpty() && !force) {
                throw new ControlFault(
                        "volume %s is in use: %s; unmount, detach or disconnect first, or --force"
                                .formatted(volume.name(), String.join(", ", users)));
            }
            withdrawal.run();
            takeDown(volume);
        } finally {
            lock.unlock();
        }
    }

    private void takeDown(OpenVolume volume) {
        for (Path file : filesOf(volume)) {
            Mounts.takeAway(file);
        }
        Export export = temporary.remove(volume);
        if (export != null) {
            export.close();
        }
    }
}

package org.unifiedvolume.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.unifiedvolume.config.ConfigReader;
import org.unifiedvolume.control.ControlClient;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import org.unifiedvolume.mount.LoopDevices;
import org.unifiedvolume.mount.MountTable;
import org.unifiedvolume.service.Planner;
import org.unifiedvolume.service.Registry;
import org.unifiedvolume.service.Service;
import org.unifiedvolume.spi.Kinds;

/// Volumes become block devices and mounted filesystems in one command, and whatever stands on a
/// volume is taken down before it ends.
@Timeout(value = 2, unit = TimeUnit.MINUTES)
class MountTest {
    @TempDir private Path folder;
    private Service service;

    @BeforeEach
    void start() throws Exception {
        assumeTrue(
                System.getProperty("user.name").equals("root"), "mounting filesystems needs root");
        assumeTrue(
                Files.exists(Path.of("/dev/fuse")) && Files.exists(Path.of("/dev/loop-control")),
                "this machine has no FUSE or no loop devices");
        Files.writeString(
                folder.resolve("uvol.yaml"),
                """
                volumes:
                  - {name: plain, level: linear, members: [./a.img?size=64MiB]}
                  - {name: file, level: linear, members: [./b.img?size=64MiB], exports: ['fuse:./f.img']}
                """);
        startAgain();
    }

    private void startAgain() throws Exception {
        service =
                Service.start(
                        Planner.plan(ConfigReader.read(folder.resolve("uvol.yaml")), Kinds.find()),
                        new Registry(folder.resolve("registry")));
    }

    @AfterEach
    void stop() throws IOException {
        if (service != null) {
            service.close();
        }
        assertEquals(List.of(), mounts());
    }

    private List<Path> mounts() throws IOException {
        return MountTable.read().entries().stream()
                .map(MountTable.Entry::path)
                .filter(path -> path.startsWith(folder))
                .toList();
    }

    private Map<String, Object> call(Request request) throws ControlFault, IOException {
        return ControlClient.call(folder.resolve("state/control.sock"), request);
    }

    private Request mount(String volume) {
        return Request.of("mount")
                .with("volume", volume)
                .with("folder", folder.resolve("mnt").toString());
    }

    private String fault(Request request) {
        return assertThrows(ControlFault.class, () -> call(request)).getMessage();
    }

    @Test
    void aVolumeWithoutAnExportIsFormattedMountedAndFreedAgain() throws Exception {
        call(mount("plain").with("mkfs", "ext4"));
        Files.writeString(folder.resolve("mnt/hello"), "world");
        assertEquals(3, mounts().size(), "the filesystem, its file, and f.img");
        call(Request.of("umount").with("what", "plain").with("folder", "/nowhere"));
        assertEquals(List.of(folder.resolve("f.img")), mounts());
        call(mount("plain").with("readOnly", true));
        assertEquals("world", Files.readString(folder.resolve("mnt/hello")));
        assertThrows(IOException.class, () -> Files.writeString(folder.resolve("mnt/hello"), "x"));
    }

    @Test
    void whatIsMountedWhenTheServiceEndsIsUnmountedAndKeepsItsData() throws Exception {
        call(mount("file").with("mkfs", "ext4"));
        Files.writeString(folder.resolve("mnt/hello"), "world");
        service.close();
        assertEquals(List.of(), mounts());
        startAgain();
        call(mount("file"));
        assertEquals("world", Files.readString(folder.resolve("mnt/hello")));
    }

    @Test
    void aLoopDeviceMadeByHandIsTakenDownToo() throws Exception {
        String loop = LoopDevices.attach(folder.resolve("f.img"), false);
        assertTrue(
                call(Request.of("status")).toString().contains(loop),
                "the status shows what others made");
        service.close();
        assertEquals(List.of(), LoopDevices.findByFile(folder.resolve("f.img")));
    }

    @Test
    void anAttachedVolumeIsABlockDeviceUntilItIsDetached() throws Exception {
        Object device = call(Request.of("attach").with("volume", "plain")).get("device");
        assertTrue(device.toString().matches("/dev/loop[0-9]+"), device.toString());
        assertEquals(device, call(Request.of("attach").with("volume", "plain")).get("device"));
        assertEquals(device, call(Request.of("detach").with("what", device)).get("device"));
        assertEquals(List.of(folder.resolve("f.img")), mounts());
        assertTrue(
                fault(Request.of("detach").with("what", "plain"))
                        .startsWith("no block device is attached by the name of plain"));
    }

    @Test
    void whatWouldLoseDataIsRefused() throws Exception {
        call(mount("plain").with("mkfs", "ext4"));
        String device = call(Request.of("attach").with("volume", "plain")).get("device").toString();
        assertEquals(
                "%s is mounted on %s; unmount it first: uvol umount %s"
                        .formatted(device, folder.resolve("mnt"), folder.resolve("mnt")),
                fault(Request.of("detach").with("what", "plain")));
        call(Request.of("umount").with("what", "plain").with("folder", "/nowhere"));
        String refused = fault(mount("plain").with("mkfs", "xfs"));
        assertTrue(refused.contains("holds ext4 already, which would be lost"), refused);
        call(mount("plain").with("mkfs", "ext4").with("force", true));
    }

    @Test
    void whatCannotBeDoneIsSaid() throws Exception {
        assertEquals(
                "unknown filesystem \"ntfs\"; use one of btrfs, ext4, xfs",
                fault(mount("plain").with("mkfs", "ntfs")));
        String empty = fault(mount("plain"));
        assertTrue(empty.contains("cannot be mounted there"), empty);
        assertEquals(List.of(folder.resolve("f.img")), mounts(), "nothing stays after a failure");
        assertTrue(
                fault(Request.of("umount").with("what", "x").with("folder", "/nowhere"))
                        .startsWith("neither is anything of this service mounted on /nowhere"));
    }
}

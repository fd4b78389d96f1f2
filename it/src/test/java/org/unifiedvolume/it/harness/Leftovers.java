package org.unifiedvolume.it.harness;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// What of the machine is still used in a folder: mounts, loop devices, processes.
///
/// @param mounts where something is mounted below the folder, the last one first
/// @param loops loop devices over files below the folder
/// @param processes whose command line names the folder
public record Leftovers(List<Path> mounts, List<Path> loops, List<ProcessHandle> processes) {

    /// Looks for them.
    public static Leftovers of(Path folder) throws IOException {
        return new Leftovers(mounts(folder), loops(folder), processes(folder));
    }

    private static List<Path> mounts(Path folder) throws IOException {
        return Files.readAllLines(Path.of("/proc/self/mountinfo")).stream()
                .map(line -> Path.of(line.split(" ", 6)[4]))
                .filter(path -> path.startsWith(folder))
                .toList()
                .reversed();
    }

    private static List<Path> loops(Path folder) throws IOException {
        List<Path> loops = new ArrayList<>();
        try (Stream<Path> devices = Files.list(Path.of("/sys/block"))) {
            for (Path device : devices.toList()) {
                Path backing = device.resolve("loop/backing_file");
                if (Files.exists(backing) && Files.readString(backing).startsWith(folder + "/")) {
                    loops.add(Path.of("/dev").resolve(device.getFileName()));
                }
            }
        }
        return loops;
    }

    private static List<ProcessHandle> processes(Path folder) {
        return ProcessHandle.allProcesses()
                .filter(process -> process.pid() != ProcessHandle.current().pid())
                .filter(process -> commandLine(process).contains(folder + "/"))
                .toList();
    }

    private static String commandLine(ProcessHandle process) {
        try {
            Path file = Path.of("/proc", Long.toString(process.pid()), "cmdline");
            return new String(Files.readAllBytes(file), java.nio.charset.StandardCharsets.UTF_8);
        } catch (IOException e) {
            // It has ended in the meantime.
            return "";
        }
    }

    public boolean isEmpty() {
        return mounts.isEmpty() && loops.isEmpty() && processes.isEmpty();
    }

    /// Ends and removes all of it by force.
    void remove() {
        processes.forEach(ProcessHandle::destroyForcibly);
        mounts.forEach(path -> Command.of("umount", "-l", path).run());
        loops.forEach(path -> Command.of("losetup", "-d", path).run());
    }
}

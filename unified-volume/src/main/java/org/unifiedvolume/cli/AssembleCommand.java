package org.unifiedvolume.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.Json;
import org.unifiedvolume.spi.ArrayTools.Found;
import org.unifiedvolume.spi.LayoutMember;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol assemble`: finds arrays by what their members carry. Needs no running service.
@Command(
        name = "assemble",
        description = {
            "Reads the superblocks of devices, sorts these by array, says what a start would make"
                    + " of them, and writes the file that uvol serve takes. Changes no device.",
            "",
            "Members are known by what they carry, wherever they moved. Exports are yours to add."
        },
        footer = {
            "",
            "Examples:",
            "  uvol assemble --scan /srv/disks",
            "  uvol assemble /dev/sdb nbd://10.0.0.2/b -o uvol.yaml",
            "",
            "Exit code 1 if none is found, or one of them would not start."
        })
final class AssembleCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "URI", arity = "0..*", description = "Devices, as members.")
    private List<String> uris = List.of();

    @Option(
            names = "--scan",
            paramLabel = "DIR",
            description = "Look at every regular file and block device in a folder.")
    private Path folder;

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FILE",
            description = "Write the configuration to a new file.")
    private Path output;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws ConfigFault, IOException {
        LogSetup.onlyWarnings();
        if (uris.isEmpty() && folder == null) {
            throw new ParameterException(
                    spec.commandLine(), "name devices, or a folder with --scan");
        }
        List<Found> arrays;
        List<String> problems = new ArrayList<>();
        try (OfflineMembers offline = new OfflineMembers()) {
            List<LayoutMember> members = new ArrayList<>();
            for (String uri : candidates()) {
                LayoutMember member = offline.open(OfflineMembers.absolute(uri), true);
                members.add(member);
                if (member.isMissing()) {
                    problems.add("%s: %s".formatted(member.name(), member.problem()));
                }
            }
            arrays = OfflineMembers.tools().find(members, offline.io());
        }
        String file = textOf(arrays);
        if (output != null && !arrays.isEmpty()) {
            write(file);
        }
        report(arrays, problems, file);
        boolean isGood = !arrays.isEmpty() && arrays.stream().allMatch(Found::starts);
        return isGood ? Main.DONE : Main.FAILED;
    }

    private List<String> candidates() throws IOException {
        List<String> all = new ArrayList<>(uris);
        if (folder != null) {
            try (Stream<Path> entries = Files.list(folder)) {
                entries.map(Path::toAbsolutePath)
                        .map(Path::normalize)
                        .filter(AssembleCommand::isDisk)
                        .sorted()
                        .forEach(path -> all.add("file:" + path.toString().replace("%", "%25")));
            }
        }
        return all;
    }

    /// A regular file of some size, or a block device: what `Files` calls other is one, or a socket
    /// or pipe, which opening refuses.
    private static boolean isDisk(Path path) {
        try {
            return Files.isRegularFile(path)
                    ? Files.size(path) > 0
                    : Files.readAttributes(path, java.nio.file.attribute.BasicFileAttributes.class)
                                    .isOther()
                            && path.startsWith("/dev");
        } catch (IOException e) {
            return false; // gone meanwhile, or a link to nowhere
        }
    }

    private static String textOf(List<Found> arrays) {
        StringBuilder text = new StringBuilder(VolumeText.HEAD);
        for (Found array : arrays) {
            text.append(
                    VolumeText.of(
                            array.name(),
                            array.level(),
                            array.options(),
                            array.members(),
                            array.spares()));
        }
        return text.toString();
    }

    private void write(String text) throws IOException {
        try {
            Files.writeString(output, text, StandardCharsets.UTF_8, StandardOpenOption.CREATE_NEW);
        } catch (FileAlreadyExistsException e) {
            throw new IOException(
                    "%s is there already; name another file, or remove that one".formatted(output),
                    e);
        }
    }

    private void report(List<Found> arrays, List<String> problems, String file) {
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(Json.writeIndented(view(arrays, problems)));
            return;
        }
        for (Found array : arrays) {
            out.printf("# %s  %s  %s%n", array.name(), array.level(), array.uuid());
            array.verdict().forEach(line -> out.println("#   " + line));
        }
        problems.forEach(problem -> out.println("# not looked at: " + problem));
        if (arrays.isEmpty()) {
            out.println("# no member of an array is among them");
        } else if (output == null) {
            out.print(file);
        } else {
            out.printf("# written to %s%n", output);
        }
    }

    private static Map<String, Object> view(List<Found> arrays, List<String> problems) {
        List<Object> views = new ArrayList<>();
        for (Found array : arrays) {
            Map<String, Object> view = new LinkedHashMap<>();
            view.put("uuid", array.uuid());
            view.put("name", array.name());
            view.put("level", array.level());
            view.put("options", new LinkedHashMap<String, Object>(array.options()));
            view.put("members", array.members());
            view.put("spares", array.spares());
            view.put("starts", array.starts());
            view.put("verdict", array.verdict());
            views.add(view);
        }
        return Map.of("arrays", views, "problems", problems);
    }
}

package org.unifiedvolume.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.config.VolumeConfig;
import org.unifiedvolume.spi.ArrayTools.Carried;
import org.unifiedvolume.spi.LayoutContext;
import org.unifiedvolume.spi.LayoutMember;
import org.unifiedvolume.spi.LayoutPlan;
import org.unifiedvolume.spi.VolumeOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol create NAME --level LEVEL URI…`: makes a new array. Needs no running service.
@Command(
        name = "create",
        description = {
            "Makes a new array: writes its superblocks on the members, and prints the file that"
                    + " uvol serve takes.",
            "",
            "Members that carry anything are refused, unless --force gives it up, or --primary"
                    + " with --metadata end keeps what one of them holds."
        },
        footer = {
            "",
            "Examples:",
            "  uvol create media --level raid1 '/srv/a.img?size=10GiB' nbd://10.0.0.2/b > uvol.yaml",
            "  uvol create old --level raid1 --metadata end --primary /dev/sdb /dev/sdb /dev/sdc"
        })
final class CreateCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(index = "0", paramLabel = "NAME", description = "What the volume is called.")
    private String name;

    @Parameters(
            index = "1..*",
            arity = "1..*",
            paramLabel = "URI",
            description = "Its members, in the order of their roles.")
    private List<String> uris;

    @Option(
            names = "--spare",
            paramLabel = "URI",
            description = "Waits for a role; may be given several times.")
    private List<String> spares = List.of();

    @Option(
            names = "--level",
            required = true,
            description = "linear, raid0, raid1, raid10, raid5 or raid6.")
    private String level;

    @Option(names = "--chunk", paramLabel = "SIZE", description = "64KiB unless given.")
    private String chunk;

    @Option(names = "--copies", description = "Of each chunk of a raid10; 2 unless given.")
    private String copies;

    @Option(names = "--size", description = "How much of each member is used.")
    private String size;

    @Option(
            names = "--metadata",
            description = "start or end of the members; none for a linear or raid0 without any.")
    private String metadata;

    @Option(names = "--bitmap", description = "internal or none.")
    private String bitmap;

    @Option(
            names = "--integrity",
            paramLabel = "KIND",
            description = "none, or crc32c: a checksum for each 4 KiB on every member.")
    private String integrity;

    @Option(names = "--primary", paramLabel = "URI", description = "Whose content counts.")
    private String primary;

    @Option(names = "--assume-clean", description = "The members hold the same bytes already.")
    private boolean assumeClean;

    @Option(names = "--force", description = "Give up what the members carry.")
    private boolean force;

    @Override
    public Integer call() throws ConfigFault, IOException {
        LogSetup.onlyWarnings();
        Map<String, String> lasting = new LinkedHashMap<>();
        put(lasting, "chunk", chunk);
        put(lasting, "copies", copies);
        put(lasting, "metadata", metadata);
        put(lasting, "integrity", integrity);
        String text;
        try (OfflineMembers offline = new OfflineMembers()) {
            offline.kinds()
                    .layout(Place.COMMAND_LINE, level)
                    .createDefaults()
                    .forEach(lasting::putIfAbsent);
            text = create(offline, lasting);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.print(text);
        return Main.DONE;
    }

    /// Makes the array.
    ///
    /// @param lasting what its configuration has to say from now on
    /// @return its configuration
    private String create(OfflineMembers offline, Map<String, String> lasting)
            throws ConfigFault, IOException {
        Map<String, String> once = new LinkedHashMap<>(lasting);
        put(once, "size", size);
        put(once, "bitmap", bitmap);
        put(once, "primary", primary == null ? null : OfflineMembers.absolute(primary));
        put(once, "assume-clean", assumeClean ? "true" : null);
        put(once, "force", force ? "true" : null);
        LayoutPlan plan = plan(offline, once, uris.size());
        if (!spares.isEmpty() && !plan.takesSpares()) {
            throw new IOException(
                    "level %s has no roles that a spare could take; leave out --spare"
                            .formatted(level));
        }
        List<String> members = absolute(uris);
        List<String> waiting = absolute(spares);
        List<String> all = new ArrayList<>(members);
        all.addAll(waiting);
        make(offline, plan, offline.openAll(all, false), members.size());
        return VolumeText.HEAD + VolumeText.of(name, level, lasting, members, waiting);
    }

    private static List<String> absolute(List<String> some) throws ConfigFault {
        List<String> absolute = new ArrayList<>();
        for (String uri : some) {
            absolute.add(OfflineMembers.absolute(uri));
        }
        return absolute;
    }

    private static void put(Map<String, String> options, String key, String value) {
        if (value != null) {
            options.put(key, value);
        }
    }

    private LayoutPlan plan(OfflineMembers offline, Map<String, String> values, int memberCount)
            throws ConfigFault {
        Map<String, VolumeOptions.Value> written = new LinkedHashMap<>();
        values.forEach(
                (key, value) ->
                        written.put(key, new VolumeOptions.Value(Place.COMMAND_LINE, value)));
        VolumeOptions options = new VolumeOptions(Place.COMMAND_LINE, name, level, written);
        LayoutPlan plan =
                offline.kinds().layout(Place.COMMAND_LINE, level).plan(options, memberCount);
        options.rejectUnknownKeys(VolumeConfig.KEYS);
        return plan;
    }

    /// @param all opened: the members, then the spares
    private void make(
            OfflineMembers offline, LayoutPlan plan, List<LayoutMember> all, int memberCount)
            throws IOException {
        for (LayoutMember member : all) {
            Carried carried = OfflineMembers.tools().examine(member, offline.io());
            if (carried.isMember() && !force) {
                throw new IOException(
                        ("%s carries %s; leave it out, or --force to give up that array, or uvol"
                                        + " assemble it")
                                .formatted(member.name(), carried.words()));
            }
        }
        Path folder = Files.createTempDirectory("uvol-create-");
        try {
            LayoutContext context = new LayoutContext(name, folder, offline.io());
            List<LayoutMember> members = all.subList(0, memberCount);
            List<LayoutMember> waiting = all.subList(memberCount, all.size());
            if (force) {
                plan.checkNew(members, waiting, context);
                for (LayoutMember member : all) {
                    OfflineMembers.tools().erase(member, true, offline.io());
                }
            }
            offline.release(); // the array closes them
            plan.assemble(members, waiting, context).close();
        } catch (IOException e) {
            throw new IOException(asOptions(e.getMessage()), e);
        } finally {
            delete(folder);
        }
    }

    /// Remedies as they are written on the command line, not in a file.
    private static String asOptions(String message) {
        return message.replaceAll("\\b(force|assume-clean): true\\b", "--$1")
                .replaceAll(
                        "\\b(metadata|primary|size|chunk|copies|level|bitmap|integrity):(?= )",
                        "--$1");
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> entries = Files.walk(folder)) {
            for (Path path : entries.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(path);
            }
        }
    }
}

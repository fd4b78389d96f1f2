package org.unifiedvolume.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.Json;
import org.unifiedvolume.spi.ArrayTools.Carried;
import org.unifiedvolume.spi.LayoutMember;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol examine URI…`: what devices carry. Needs no running service.
@Command(
        name = "examine",
        description = {
            "Shows what devices carry: the superblock of an array, its bitmap, or what else is"
                    + " there. Changes nothing.",
            "",
            "A device that a service uses is refused; uvol detail asks the service."
        },
        footer = {
            "",
            "Examples:",
            "  uvol examine /srv/a.img nbd://10.0.0.2/b",
            "  uvol examine /dev/sdb --json"
        })
final class ExamineCommand implements Callable<Integer> {
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "URI", arity = "1..*", description = "Devices, as members.")
    private List<String> uris;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws ConfigFault, IOException {
        LogSetup.onlyWarnings();
        PrintWriter out = spec.commandLine().getOut();
        List<Object> views = new ArrayList<>();
        try (OfflineMembers members = new OfflineMembers()) {
            for (String uri : uris) {
                LayoutMember member = members.open(uri, true);
                Carried carried = OfflineMembers.tools().examine(member, members.io());
                views.add(carried.view());
                if (!json) {
                    String words = carried.words().isEmpty() ? "nothing" : carried.words();
                    out.printf("%s: %s%n%s", member.name(), words, carried.text());
                }
            }
        }
        if (json) {
            out.println(Json.writeIndented(Map.of("members", views)));
        }
        return Main.DONE;
    }
}

package org.unifiedvolume.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Json;
import org.unifiedvolume.control.Request;
import org.unifiedvolume.terminal.Table;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol status [NAME]`: how volumes and their members are.
@Command(
        name = "status",
        description = {
            "Shows the state of volumes and of everything they are made of.",
            "",
            "ONLINE: everything works. DEGRADED: it works, something is missing. UNAVAIL: it"
                    + " cannot be reached now. FAULTED: it has failed and is not used."
        },
        footer = {
            "",
            "Examples:",
            "  uvol status",
            "  uvol status media",
            "  uvol status --json | jq -r '.volumes[] | select(.state != \"ONLINE\") | .name'"
        })
final class StatusCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "NAME", arity = "0..1", description = "One volume; all without it.")
    private String volume;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Map<String, Object> answer = chosen.call(Request.of("status").with("volume", volume));
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(Json.writeIndented(answer));
            return Main.DONE;
        }
        Reply service = new Reply(answer);
        out.printf(
                "%s, process %d, up %s%n",
                service.text("config"), service.number("pid"), up(service.number("uptimeSeconds")));
        for (Reply each : service.parts("volumes")) {
            print(out, each);
        }
        return Main.DONE;
    }

    private static String up(long seconds) {
        Duration time = Duration.ofSeconds(seconds);
        return time.toDays() > 0
                ? "%d d %d h".formatted(time.toDays(), time.toHoursPart())
                : "%d:%02d:%02d"
                        .formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart());
    }

    private static void print(PrintWriter out, Reply volume) {
        out.println();
        Table table = new Table(3);
        table.row(
                volume.text("name"),
                volume.text("state"),
                volume.text("locality"),
                Units.size(volume.number("sizeBytes")),
                volume.text("level") + (volume.flag("readOnly") ? ", read-only" : ""));
        addMembers(table, volume, "  ");
        table.print(out);
        printList(out, "exports", volume.texts("exports"));
        printList(out, "mounts", volume.texts("attachments"));
        printList(out, "clients", volume.texts("clients"));
        if (!volume.text("reason").isEmpty()) {
            out.printf("  reason   %s (since %s)%n", volume.text("reason"), volume.text("since"));
        }
        if (!volume.text("remedy").isEmpty()) {
            out.printf("  action   %s%n", volume.text("remedy"));
        }
    }

    private static void addMembers(Table table, Reply above, String indent) {
        for (Reply member : above.parts("members")) {
            table.row(
                    indent + member.text("name"),
                    member.text("state"),
                    member.text("locality"),
                    Units.size(member.number("sizeBytes")),
                    member.text("reason"));
            addMembers(table, member, indent + "  ");
        }
    }

    private static void printList(PrintWriter out, String title, java.util.List<String> items) {
        String head = title;
        for (String item : items) {
            out.printf("  %-8s %s%n", head, item);
            head = "";
        }
    }
}

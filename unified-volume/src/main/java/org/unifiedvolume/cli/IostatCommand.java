package org.unifiedvolume.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Json;
import org.unifiedvolume.control.Request;
import org.unifiedvolume.terminal.Table;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol iostat [NAME] [SECONDS]`: what volumes, lanes and members do, again and again.
@Command(
        name = "iostat",
        description = {
            "Shows requests, throughput and latency of volumes, of their LOCAL and REMOTE lanes and"
                    + " of their members, every second until Ctrl-C."
        },
        footer = {
            "",
            "Examples:",
            "  uvol iostat",
            "  uvol iostat media 5",
            "  uvol iostat 1 --count 10 --json"
        })
final class IostatCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(
            arity = "0..2",
            paramLabel = "[NAME] [SECONDS]",
            hideParamSyntax = true,
            description = "One volume (all without it); the time between two reports.")
    private List<String> words = List.of();

    @Option(names = "--count", paramLabel = "N", description = "End after so many reports.")
    private Long count;

    @Option(names = "--json", description = "Print one JSON object for each report.")
    private boolean json;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        String volume = null;
        String seconds = null;
        if (words.size() == 2) {
            volume = words.get(0);
            seconds = words.get(1);
        } else if (words.size() == 1 && isNumber(words.get(0))) {
            seconds = words.get(0);
        } else if (words.size() == 1) {
            volume = words.get(0);
        }
        if (count != null && count < 1) {
            throw new ParameterException(spec.commandLine(), "--count is less than 1");
        }
        Request request =
                Request.of("iostat")
                        .with("volume", volume)
                        .with("millis", millis(seconds))
                        .with("count", count);
        PrintWriter out = spec.commandLine().getOut();
        chosen.call(
                request,
                report -> {
                    if (json) {
                        out.println(Json.write(report));
                    } else {
                        print(out, report);
                    }
                    out.flush();
                    return !out.checkError();
                });
        return Main.DONE;
    }

    private static boolean isNumber(String text) {
        return text.matches("[0-9]+(\\.[0-9]+)?");
    }

    private Long millis(String seconds) {
        if (seconds == null) {
            return null;
        }
        double value = isNumber(seconds) ? Double.parseDouble(seconds) : 0;
        if (value < 0.1 || value > 3600) {
            throw new ParameterException(
                    spec.commandLine(), "SECONDS is a number from 0.1 to 3600, not " + seconds);
        }
        return Math.round(value * 1000);
    }

    /// Prints one report as a table.
    static void print(PrintWriter out, Map<String, Object> report) {
        Table table = new Table(1, 2, 3, 4, 5, 6, 7, 8, 9, 10);
        table.row(
                "", "read/s", "MiB/s", "p50", "p99", "p99.9", "write/s", "MiB/s", "p50", "p99",
                "p99.9");
        for (Reply volume : new Reply(report).parts("volumes")) {
            for (Reply line : volume.parts("lines")) {
                addLine(table, line);
            }
        }
        table.print(out);
        out.println();
    }

    private static void addLine(Table table, Reply line) {
        String indent =
                switch (line.text("what")) {
                    case "volume" -> "";
                    case "lane" -> "  ";
                    default -> "    ";
                };
        Reply read = line.part("read");
        Reply write = line.part("write");
        table.row(
                indent + shortened(line.text("name")),
                rate(read),
                throughput(read),
                latency(read, "p50Nanos"),
                latency(read, "p99Nanos"),
                latency(read, "p999Nanos"),
                rate(write),
                throughput(write),
                latency(write, "p50Nanos"),
                latency(write, "p99Nanos"),
                latency(write, "p999Nanos"));
    }

    private static String shortened(String name) {
        int most = 36;
        return name.length() <= most ? name : "…" + name.substring(name.length() - most + 1);
    }

    private static String rate(Reply rates) {
        return "%.0f".formatted(rates.decimal("requestsPerSecond"));
    }

    private static String throughput(Reply rates) {
        return "%.1f".formatted(rates.decimal("bytesPerSecond") / (1 << 20));
    }

    private static String latency(Reply rates, String key) {
        return rates.number("requests") == 0
                ? "-"
                : org.unifiedvolume.config.Units.nanos(rates.number(key));
    }
}

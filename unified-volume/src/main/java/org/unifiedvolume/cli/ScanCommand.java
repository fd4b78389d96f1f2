package org.unifiedvolume.cli;

import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.config.DeviceUri;
import org.unifiedvolume.config.Place;
import org.unifiedvolume.config.Units;
import org.unifiedvolume.control.Json;
import org.unifiedvolume.service.Engine;
import org.unifiedvolume.spi.Kinds;
import org.unifiedvolume.spi.Scanner.Offer;
import org.unifiedvolume.terminal.Table;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol scan URI`: what a host offers. Needs no running service.
@Command(
        name = "scan",
        description = "Shows what a host offers; each line can be used as a member.",
        footer = {
            "",
            "Examples:",
            "  uvol scan nbd://10.0.0.2",
            "  uvol scan 'nbd+unix:///?socket=/run/nbd.sock' --json"
        })
final class ScanCommand implements Callable<Integer> {
    private static final long BUFFERS_BYTES = 4 << 20;

    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "URI", description = "The host, as in a member's URI.")
    private String uri;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws ConfigFault, IOException {
        LogSetup.onlyWarnings();
        DeviceUri parsed = DeviceUri.parse(Place.COMMAND_LINE, Path.of("").toAbsolutePath(), uri);
        List<Offer> offers;
        try (Engine engine = new Engine(BUFFERS_BYTES, 0)) {
            offers = Kinds.find().scanner(parsed).scan(parsed, engine.context());
        }
        PrintWriter out = spec.commandLine().getOut();
        if (json) {
            out.println(Json.writeIndented(view(offers)));
            return Main.DONE;
        }
        Table table = new Table(1);
        for (Offer offer : offers) {
            table.row(
                    offer.uri(),
                    offer.sizeBytes() < 0 ? "?" : Units.size(offer.sizeBytes()),
                    offer.readOnly() ? "read-only" : "",
                    offer.description());
        }
        table.print(out);
        return Main.DONE;
    }

    private static Map<String, Object> view(List<Offer> offers) {
        List<Object> views = new ArrayList<>();
        for (Offer offer : offers) {
            Map<String, Object> view = new LinkedHashMap<>();
            view.put("uri", offer.uri());
            view.put("sizeBytes", offer.sizeBytes());
            view.put("readOnly", offer.readOnly());
            view.put("description", offer.description());
            views.add(view);
        }
        return Map.of("offers", views);
    }
}

package org.unifiedvolume.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.unifiedvolume.config.ConfigFault;
import org.unifiedvolume.control.ControlFault;
import org.unifiedvolume.control.Request;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/// `uvol umount DIR|NAME`: undoes `uvol mount`.
@Command(
        name = "umount",
        description = "Unmounts what uvol mount has mounted, and gives its loop device back.",
        footer = {"", "Examples:", "  uvol umount /mnt", "  uvol umount media"})
final class UmountCommand implements Callable<Integer> {
    @Mixin private Chosen chosen;
    @Spec private CommandSpec spec;

    @Parameters(paramLabel = "DIR|NAME", description = "The folder, or the volume.")
    private String what;

    @Override
    public Integer call() throws ConfigFault, ControlFault, IOException {
        Reply answer =
                new Reply(
                        chosen.call(
                                Request.of("umount")
                                        .with("what", what)
                                        .with(
                                                "folder",
                                                Path.of(what).toAbsolutePath().toString())));
        for (String folder : answer.texts("folders")) {
            spec.commandLine().getOut().printf("%s is unmounted%n", folder);
        }
        return Main.DONE;
    }
}
